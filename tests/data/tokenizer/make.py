#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the tiny vocabulary of the tokenizer's unit tests, in all its
spellings, and golden.txt: texts with the ids that a plain BPE gives them.

usage: tests/data/tokenizer/make.py      (the standard library alone)
"""
import json
import pathlib
import re
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
MERGES = """t h|th e</w>|c a|ca t</w>|d o|do g</w>|i n|in g</w>|' s</w>|r u|ru n|
run n|runn ing</w>|a t</w>|h e|l l</w>|l o</w>|l lo</w>|he llo</w>|\u00c3 \u00a9</w>|1 6|
. .|.. .</w>|s </w>|' ll</w>|a a|aa aa"""
TEXTS = ["the cat", "The  CAT's\tdog", "running, run", "hello he'll HELLO", "",
         "   ", "caf\u00e9", "cafe\u0301", "caf\u00c9", "2016 16", "wait...",
         "aaaaa aaa", "a\nb", "\u751f\u6d3b", "\U0001f600", "\u0130",
         "d'dog 's''s", "the " * 100, "can't we've I'm you're", "\u00b2\u2163",
         "a_b-c", "<|endoftext|>", "x\u0000y"]
CONTEXT = 16


def alphabet():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    codes = {b: chr(b) for b in printable}
    codes.update({b: chr(256 + i) for i, b in enumerate(rest)})
    return codes, printable + rest


def kind(c):
    category = unicodedata.category(c)[0]
    return category if category in "LN" else "s" if c.isspace() else "o"


def pieces(text):
    i = 0
    while i < len(text):
        found = re.match(r"'s|'t|'re|'ve|'m|'ll|'d", text[i:])
        j = i + (len(found[0]) if found else 1)
        if not found and kind(text[i]) in "Lo":
            while j < len(text) and kind(text[j]) == kind(text[i]):
                j += 1
        if kind(text[i]) != "s":
            yield text[i:j]
        i = j


def bpe(symbols, ranks):
    while len(symbols) > 1:
        pairs = list(zip(symbols, symbols[1:]))
        best = min(pairs, key=lambda p: ranks.get(p, 1 << 30))
        if best not in ranks:
            break
        i = pairs.index(best)
        symbols[i:i + 2] = ["".join(best)]
    return symbols


def main():
    codes, order = alphabet()
    merges = [tuple(m.split(" ")) for m in
              MERGES.replace("\n", "").split("|")]
    merges = [m for m in merges if m != ("s", "</w>")]
    symbols = [codes[b] for b in order]
    symbols += [s + "</w>" for s in symbols]
    symbols += ["".join(m) for m in merges]
    vocab = {s: i for i, s in enumerate(symbols)}
    start, end = len(vocab), len(vocab) + 1
    special = {"<|startoftext|>": start, "<|endoftext|>": end}
    ranks = {m: i for i, m in enumerate(merges)}

    def save(name, value):
        text = value if isinstance(value, str) else json.dumps(value)
        (HERE / name).write_text(text + "\n", encoding="utf-8")

    added = [{"id": i, "content": s, "special": True}
             for s, i in special.items()]
    model = {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": vocab}
    spaced = [" ".join(m) for m in merges]
    save("tokenizer.json", {"added_tokens": added,
                            "model": {**model, "merges": merges}})
    save("spaced.json", {"added_tokens": added,
                         "model": {**model, "merges": spaced}})
    save("vocab.json", {**vocab, **special})
    save("merges.txt", "\n".join(["#version: 0.2", *spaced]))
    save("vocabulary.txt", "\n".join(['"a version"', *spaced]))
    rows = []
    for text in TEXTS:
        clean = unicodedata.normalize("NFC", text)
        clean = "".join(c.lower() for c in re.sub(r"\s+", " ", clean))
        ids = [start]
        for piece in pieces(clean):
            word = [codes[b] for b in piece.encode()]
            word[-1] += "</w>"
            ids += [vocab[s] for s in bpe(word, ranks)]
        ids = (ids + [end]) if len(ids) < CONTEXT else ids[:CONTEXT - 1] + [end]
        rows.append(json.dumps(text) + "\t" + " ".join(map(str, ids)))
    save("golden.txt", "\n".join(rows))


if __name__ == "__main__":
    main()
