#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures tiny-clip on CIFAR-10's test pictures as akin uses it, through ONNX Runtime.

    python3 tools/train/clip/evaluate.py --data ../shared/data/cifar10 --work /var/tmp/tiny-clip --out models/tiny-clip

Writes results.csv (metric,value) and results_captions.csv (one row a caption) beside this file. With --work's
checkpoints it also compares the graphs with the trained towers, and draws all captions of the training again
to see that none of those measured with was among them.
"""
import argparse
import csv
import hashlib
import json
import pathlib
import re

import numpy
import onnxruntime
import torch

import data
import towers
import train
import train_image
import train_text
import words

# The captions were fixed before any training; another file would measure something else.
CAPTIONS_SHA256 = "fa7c36a81228eeee0653db20fc8fb99f9173c4bececf3987055585134c7b17e3"
# Written when the model was trained and not yet measured: 24 more, as most of those 40 name their class.
FURTHER = pathlib.Path(__file__).with_name("further_captions.json")
NEAREST = 10
QUERIES = 2000


# ---- the model -------------------------------------------------------------------------------------------


class Model:
    def __init__(self, folder):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.image, self.text = [onnxruntime.InferenceSession(str(folder / name), options)
                                 for name in ("image.onnx", "text.onnx")]

    def embed_pictures(self, pictures, batch=500):
        pixels = [data.standardise(pictures[i:i + batch]).contiguous().numpy() for i in range(0, len(pictures), batch)]
        return numpy.concatenate([self.image.run(None, {"pixel_values": x})[0] for x in pixels])

    def embed_texts(self, texts):
        return self.text.run(None, {"input_ids": towers.encode(texts).numpy()})[0]


def differences(model, work, pictures, texts):
    """(largest difference of an image's numbers, of a text's) between the graphs and the trained towers."""
    trainer, text = train_image.ImageTrainer(), towers.TextTower()
    trainer.load_state_dict(torch.load(work / "image.pt")["model"])
    text.load_state_dict(torch.load(work / "text.pt")["model"])
    with torch.no_grad():
        from_pictures = train_image.embed_pictures(trainer.tower, pictures).numpy()
        from_texts = text(towers.encode(texts)).numpy()
    return (abs(from_pictures - model.embed_pictures(pictures)).max(),
            abs(from_texts - model.embed_texts(texts)).max())


# ---- the captions ----------------------------------------------------------------------------------------


def read_captions():
    """{"names": ..., "free": ..., "further": ...}, each a list of {"text", "classes"}"""
    content = train.CAPTIONS.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != CAPTIONS_SHA256:
        raise SystemExit(f"{train.CAPTIONS.name} has sha256 {found}, not {CAPTIONS_SHA256}")
    return {**json.loads(content), **json.loads(FURTHER.read_text(encoding="utf-8"))}


def check_training(work, seed, captions):
    """(captions that were trained on, words of the free ones that were not) of all the training's captions."""
    vocabulary, texts = words.load(work), set()
    for step in range(train_text.STEPS):
        texts |= {text for text, _ in train_text.captions_of_step(vocabulary, seed, step, train.forbidden_captions())}
    seen = {word for text in texts for word in re.findall("[a-z]+", text)}
    measured = {caption["text"].lower() for part in captions.values() for caption in part}
    needed = {word for caption in captions["free"] for word in re.findall("[a-z]+", caption["text"].lower())}
    return sorted(measured & texts), sorted(needed - seen)


# ---- the measures ----------------------------------------------------------------------------------------


def precisions(model, captions, pictures, labels):
    """For each caption, how many of the nearest pictures are of a class that it tells of."""
    nearest = numpy.argsort(-model.embed_texts([c["text"] for c in captions]) @ pictures.T, 1, "stable")[:, :NEAREST]
    return [numpy.mean([data.CLASSES[labels[i]] in caption["classes"] for i in row])
            for row, caption in zip(nearest, captions)]


def zero_shot_accuracy(model, pictures, labels):
    prompts = ["a photo of a" + ("n " if name[0] in "aeiou" else " ") + name for name in data.CLASSES]
    return ((pictures @ model.embed_texts(prompts).T).argmax(1) == labels).mean()


def thumbnails(pictures):
    """Each picture as 4x4 pixels."""
    return pictures.reshape(-1, 4, 8, 4, 8, 3).mean((2, 4)).reshape(len(pictures), -1)


def by_picture(embeds, labels, pictures):
    """Search by picture: how many of the nearest others are of its class, and how much of the difference in
    colours and layout between two pictures of a class is left between a picture and its nearest of that class."""
    generator = numpy.random.default_rng(1)
    queries = generator.permutation(len(labels))[:QUERIES]
    scores = embeds[queries] @ embeds.T
    scores[numpy.arange(QUERIES), queries] = -2
    nearest = numpy.argsort(-scores, 1, "stable")[:, :NEAREST]
    fits = labels[nearest] == labels[queries, None]
    best = numpy.where(labels == labels[queries, None], scores, -2).argmax(1)
    others = [generator.choice(numpy.flatnonzero(labels == label)) for label in labels[queries]]
    small = thumbnails(pictures)
    def distance(found):
        return numpy.linalg.norm(small[queries] - small[found], axis=1).mean()
    return fits.mean(), distance(best) / distance(others)


def measure(model, args, captions):
    """(rows of results.csv, rows of results_captions.csv)"""
    pictures, labels = data.read_folder(args.data / "test")
    embeds = model.embed_pictures(pictures)
    found = {part: precisions(model, captions[part], embeds, labels) for part in captions}
    same_class, difference = by_picture(embeds, labels, pictures)
    rows = [("captions_sha256", CAPTIONS_SHA256), ("test_pictures", len(labels)),
            ("zero_shot_accuracy", f"{zero_shot_accuracy(model, embeds, labels):.4f}"),
            ("text_p_at_10_names", f"{numpy.mean(found['names']):.4f}"),
            ("text_p_at_10_free", f"{numpy.mean(found['free']):.4f}"),
            ("text_p_at_10_further", f"{numpy.mean(found['further']):.4f}"),
            ("picture_p_at_10", f"{same_class:.4f}"),
            ("picture_nearest_thumbnail_distance", f"{difference:.4f}")]
    details = [(part, f"{p:.1f}", " ".join(caption["classes"]), caption["text"])
               for part in found for p, caption in zip(found[part], captions[part])]
    if (args.work / "text.pt").exists():
        rows += checks_of_training(model, args, captions, pictures[:1000])
    rows += [(name.replace(".", "_") + "_bytes", (args.out / name).stat().st_size)
             for name in ("image.onnx", "text.onnx")]
    return rows, details


def checks_of_training(model, args, captions, pictures):
    texts = [caption["text"] for part in captions.values() for caption in part] + [""]
    image, text = differences(model, args.work, pictures, texts)
    trained_on, unseen = check_training(args.work, args.seed, captions)
    if trained_on or max(image, text) > 1e-5:
        raise SystemExit(f"trained on {trained_on}; the graphs differ by {image:.1e} and {text:.1e}")
    print("words of the free captions that training never had:", " ".join(unseen))
    return [("image_onnx_max_difference", f"{image:.1e}"), ("text_onnx_max_difference", f"{text:.1e}"),
            ("measured_captions_trained_on", len(trained_on)), ("free_caption_words_unseen", len(unseen)),
            ("image_training_cpu_seconds", f"{torch.load(args.work / 'image.pt')['seconds']:.0f}"),
            ("text_training_cpu_seconds", f"{torch.load(args.work / 'text.pt')['seconds']:.0f}")]


def write_csv(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with test/CLASS/*.jpg")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder with the training's checkpoints")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the model")
    parser.add_argument("--results", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--seed", type=int, default=1, help="that of the training")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows, details = measure(Model(args.out), args, read_captions())
    write_csv(args.results / "results.csv", ("metric", "value"), rows)
    write_csv(args.results / "results_captions.csv", ("set", "p_at_10", "expected", "caption"), details)
    for metric, value in rows:
        print(f"{metric}: {value}")


if __name__ == "__main__":
    main()
