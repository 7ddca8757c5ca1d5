#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains akin's tiny-clip on CIFAR-10: an image tower, then a text tower for it.

    python3 tools/train/clip/train.py --data ../shared/data/cifar10 --work /var/tmp/tiny-clip --out models/tiny-clip

Each stage is checkpointed in --work and goes on from there, with the same result as an uninterrupted run:
all randomness of an epoch or a step comes from the seed and its number. See README.md beside this file.
"""
import argparse
import json
import pathlib

import torch

import data
import export
import train_image
import train_text
import words

CAPTIONS = pathlib.Path(__file__).parents[3] / "tests" / "models" / "captions.json"


def forbidden_captions():
    """What the model is measured with is never trained on."""
    captions = json.loads(CAPTIONS.read_text(encoding="utf-8"))
    return [caption["text"] for part in captions.values() for caption in part]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with train.tar")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the model")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    train, held_out = data.load_train(args.data, args.work)
    vocabulary = words.load(args.work)
    image, image_seconds = train_image.train_image(train, held_out, args.work, args.seed)
    places = [(train_image.embed_pictures(image, pictures), labels) for pictures, labels in (train, held_out)]
    text, text_seconds = train_text.train_text(vocabulary, forbidden_captions(), *places, args.work, args.seed)
    export.export_model(image, text, args.out)
    print(f"trained in {image_seconds + text_seconds:.0f} CPU seconds: {args.out}")


if __name__ == "__main__":
    main()
