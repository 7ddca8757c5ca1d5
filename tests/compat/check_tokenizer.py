#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that akin's CLIP tokenizer gives the ids of the real ones.

usage: check_tokenizer.py TOKENIZER_TOOL
       (needs the packages tokenizers, open_clip_torch --no-deps, ftfy, regex)

The real vocabulary comes out of open_clip_torch. Its published vectors, 10,000
random Unicode strings against `tokenizers` (the layout of tokenizer.json, both
spellings of merges, and vocab.json with merges.txt), and 10,000 against
open_clip's own steps: ftfy without its repair of mojibake, html.unescape, and
the pattern over `regex`. Each of these, Python and akin has Unicode tables of
its own version: characters that Python's do not know are left out, and so are
texts to which `tokenizers` gives another normal form than Python (their number
is printed). The seed is printed.
Prints a line a check, the last is "N passed, N failed"; exits 1 on a failure.
"""
import gzip
import html
import importlib.util
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unicodedata

import ftfy
import regex
from tokenizers import (AddedToken, Regex, Tokenizer, models, normalizers,
                        pre_tokenizers, processors)

N, SEED, CONTEXT = 10000, 20240607, 77
START, END = 49406, 49407
results = []

PUBLISHED = [
    ("How are you doing?", "829 631 592 1960 286"),
    ("You should've done this", "592 1535 1200 1700 589"),
    ("hello world", "3306 1002"),
    ("Hello World", "3306 1002"),
    ("The company was founded in 2016.",
     "518 2634 739 12240 530 273 271 272 277 269"),
    ("A\n'll !!to?'d''d of, can't.",
     "320 1342 748 531 13610 323 8445 323 539 267 753 713 269"),
    ("def main():\n\tpass", "11649 2623 7 4143 3511"),
    ("let a = obj.toString();\ntoString();",
     "1094 320 284 1411 329 269 580 9696 7 19686 580 9696 7 19686"),
    ("UNwant\u00e9d,running", "569 18356 3459 323 267 2761"),
    ("\u751f\u6d3b\u7684\u771f\u8c1b\u662f",
     "33375 162 112 119 163 248 226 41570 164 108 249 42891 363"),
    ("   leading space", "3833 2138"),
    ("This\n\nis\na\ntest.", "589 533 320 1628 269"),
    ("0 1 2 3 4 5 6 7 8 9", "271 272 273 274 275 276 277 278 279 280"),
    ("0123456789", "271 272 273 274 275 276 277 278 279 280"),
]


def check(name, good, detail=""):
    results.append(bool(good))
    print("%s %s %s" % ("ok  " if good else "FAIL", name, detail), flush=True)


# ---- the real vocabulary ---------------------------------------------------


def read_vocabulary():
    """(lines of the vocabulary text, vocab, merges) as open_clip builds it."""
    spec = importlib.util.find_spec("open_clip")
    path = pathlib.Path(spec.origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    text = gzip.open(path).read().decode("utf-8")
    merges = [tuple(m.split()) for m in text.split("\n")[1:49152 - 256 - 2 + 1]]
    bytes_, codes = byte_alphabet()
    symbols = [chr(c) for c in codes]
    symbols += [s + "</w>" for s in symbols]
    symbols += ["".join(m) for m in merges]
    return text, {s: i for i, s in enumerate(symbols)}, merges


def byte_alphabet():
    bytes_ = [*range(33, 127), *range(161, 173), *range(174, 256)]
    codes = list(bytes_)
    for byte in range(256):
        if byte not in bytes_:
            codes.append(256 + len(bytes_) - 188)
            bytes_.append(byte)
    return bytes_, codes


def make_hf(vocab, merges):
    """The tokenizer that CLIP's tokenizer.json describes."""
    special = {"<|startoftext|>": START, "<|endoftext|>": END}
    t = Tokenizer(models.BPE(vocab={**vocab, **special}, merges=merges,
                             end_of_word_suffix="</w>",
                             unk_token="<|endoftext|>"))
    t.normalizer = normalizers.Sequence([
        normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Lowercase()])
    pattern = (r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", END), ("<|startoftext|>", START),
        trim_offsets=False, add_prefix_space=False)
    t.add_special_tokens([AddedToken(s, special=True) for s in special])
    return t


class OpenClip:
    """open_clip's steps, written down again; ftfy but for mojibake."""

    def __init__(self, vocab, merges):
        self.vocab = vocab
        self.ranks = {m: i for i, m in enumerate(merges)}
        bytes_, codes = byte_alphabet()
        self.byte = {b: chr(c) for b, c in zip(bytes_, codes)}
        self.pattern = regex.compile(
            r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
            regex.IGNORECASE)

    def clean(self, text):
        text = ftfy.fix_text(text, fix_encoding=False)
        text = html.unescape(html.unescape(text)).strip()
        return " ".join(text.split()).strip().lower()

    def bpe(self, symbols):
        while len(symbols) > 1:
            pairs = list(zip(symbols, symbols[1:]))
            best = min(pairs, key=lambda p: self.ranks.get(p, float("inf")))
            if best not in self.ranks:
                break
            merged, i = [], 0
            while i < len(symbols):
                both = tuple(symbols[i:i + 2]) == best
                merged.append("".join(best) if both else symbols[i])
                i += 2 if both else 1
            symbols = merged
        return symbols

    def encode(self, text):
        ids = [START]
        for piece in self.pattern.findall(self.clean(text)):
            symbols = [self.byte[b] for b in piece.encode("utf-8")]
            symbols[-1] += "</w>"
            ids += [self.vocab[s] for s in self.bpe(symbols)]
        ids.append(END)
        if len(ids) > CONTEXT:
            ids = ids[:CONTEXT - 1] + [END]
        return ids + [0] * (CONTEXT - len(ids))


# ---- texts -----------------------------------------------------------------


def assigned(low, high):
    return [chr(c) for c in range(low, high)
            if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


ALPHABETS = [
    assigned(0x20, 0x7f), assigned(0x20, 0x7f), assigned(0xa0, 0x250),
    assigned(0x250, 0x600), assigned(0x600, 0x1200), assigned(0x1e00, 0x2c00),
    assigned(0x3000, 0xa000), assigned(0xa000, 0xd7a4),
    assigned(0xf900, 0x10000), assigned(0x10000, 0x1fc00),
    assigned(0x300, 0x370), assigned(0, 0x110000),
    list("'\u2019sStTrReEvVmMlLdD\u017f \t"), list("0123456789\u0660\u00b2\u2163 "),
    list("\u0130\u03a3\u03c3\u03b1\u0391 '.\u0301\u212a\u00df\u1e9e\u01c5"),
    list(" \t\n\r\x0b\x0c\x1c\x1d\x85\xa0\u2003\u2028\u200b\u3000ab"),
    ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#x27;", "&#8217;", "&",
     "#", "x", "1", ";", "a", " ", "&#0;", "&#150;", "&#xD800;", "<"],
    list("\u201c\u201d\u2018\u2019\ufb01\ufb05\uff21\uff5e\uff76\uff9e\u0132"
         "\u01c4\u0149\u02bc ab"),
    list("\x00\x01\x07\x1b[31m;\x7f\x80\x85\x93\ufeff\u206a\ufffc ab"),
    ["caf\u0065\u0301", "na\u00efve", " the ", "dog", " a photo of ", "'ll",
     "\U0001f600", "\U0001f468\u200d\U0001f469", "\u0e01\u0e33", "\uac01",
     "\u1100\u1161\u11a8", "1/2", "..."],
]


def random_text(rng):
    mixed = rng.random() < 0.3
    letters = rng.choice(ALPHABETS)
    n = rng.choice([0, 1, 2, 5, 10, 20, 40, 90, 200])
    return "".join(rng.choice(rng.choice(ALPHABETS) if mixed else letters)
                   for _ in range(n))


def random_texts(rng, good):
    """N texts for which good is true."""
    texts, left_out = [], 0
    while len(texts) < N:
        text = random_text(rng)
        if good(text):
            texts.append(text)
        else:
            left_out += 1
    print("%d texts left out" % left_out)
    return texts


def same_nfc(text):
    return (normalizers.NFC().normalize_str(text)
            == unicodedata.normalize("NFC", text))


def fit_for_open_clip(text, cleaned):
    """No unknown characters; no '<' in some of several lines (clip_clean.c)."""
    return (all(unicodedata.category(c) != "Cn" for c in cleaned)
            and not ("<" in text and "\n" in text))


def run(tool, mode, texts, *files, pad=0):
    data = b"".join(struct.pack("<I", len(b)) + b
                    for b in (t.encode("utf-8") for t in texts))
    done = subprocess.run([tool, mode, str(CONTEXT), str(pad), *files],
                          input=data, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    rows = [list(map(int, line.split())) for line in
            done.stdout.decode().splitlines()]
    return [row[1:] for row in rows], [row[0] for row in rows]


def compare(name, texts, wanted, seen):
    wrong = [i for i in range(len(texts)) if wanted[i] != seen[i]]
    check(name, not wrong and len(seen) == len(texts),
          "%d texts" % len(texts) if not wrong else "%d differ, first %r: "
          "%s, not %s" % (len(wrong), texts[wrong[0]],
                          [i for i in seen[wrong[0]] if i][:20],
                          [i for i in wanted[wrong[0]] if i][:20]))


def check_hf(tool, folder, text, vocab, merges):
    hf = make_hf(vocab, merges)
    path = os.path.join(folder, "tokenizer.json")
    hf.save(path)
    spaced = os.path.join(folder, "spaced.json")
    saved = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    saved["model"]["merges"] = [" ".join(m) for m in merges]
    pathlib.Path(spaced).write_text(json.dumps(saved), encoding="utf-8")
    two = [os.path.join(folder, "vocab.json"),
           os.path.join(folder, "merges.txt")]
    special = {"<|startoftext|>": START, "<|endoftext|>": END}
    pathlib.Path(two[0]).write_text(json.dumps({**vocab, **special}),
                                    encoding="utf-8")
    pathlib.Path(two[1]).write_text(
        "#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n",
        encoding="utf-8")
    hf.enable_truncation(CONTEXT)
    hf.enable_padding(length=CONTEXT, pad_id=END, pad_token="<|endoftext|>")
    texts = random_texts(random.Random(SEED), same_nfc)
    coded = hf.encode_batch(texts)
    wanted = [e.ids for e in coded]
    used = [sum(e.attention_mask) for e in coded]
    for name, files in (("arrays", [path]), ("spaced", [spaced]),
                        ("two_files", two)):
        seen, n = run(tool, "huggingface", texts, *files, pad=END)
        compare("tokenizers/" + name, texts, wanted, seen)
        check("tokenizers/%s_lengths" % name, n == used)
    return path


def check_published(tool, json_path, text_path):
    texts = [t for t, _ in PUBLISHED]
    wanted = [[START, *map(int, ids.split()), END] for _, ids in PUBLISHED]
    wanted = [ids + [0] * (CONTEXT - len(ids)) for ids in wanted]
    compare("published/huggingface", texts, wanted,
            run(tool, "huggingface", texts, json_path)[0])
    compare("published/open_clip", texts, wanted,
            run(tool, "open-clip", texts, text_path)[0])


def main():
    print("seed %d, Unicode %s" % (SEED, unicodedata.unidata_version))
    tool = os.path.abspath(sys.argv[1])
    text, vocab, merges = read_vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        json_path = check_hf(tool, folder, text, vocab, merges)
        text_path = os.path.join(folder, "vocabulary.txt")
        pathlib.Path(text_path).write_text(text, encoding="utf-8")
        check_published(tool, json_path, text_path)
        reference = OpenClip(vocab, merges)
        texts = random_texts(random.Random(SEED + 1),
                             lambda t: fit_for_open_clip(
                                 t, reference.clean(t)))
        compare("open_clip", texts, [reference.encode(t) for t in texts],
                run(tool, "open-clip", texts, text_path)[0])
    print("%d passed, %d failed" % (sum(results), results.count(False)))
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
