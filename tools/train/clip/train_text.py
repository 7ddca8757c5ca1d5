# SPDX-License-Identifier: MIT
"""Trains the text tower to put captions near the pictures they fit, which stay where the image tower put them."""
import time

import torch
from torch.nn import functional

import data
import grammar
import schedule
import towers

STEPS = 1200
BATCH = 256
PARTS = 4  # a batch goes in parts of like length, so that short captions are not padded to the longest
RATE = 2e-3
PICTURES_PER_CLASS = 100  # that each step compares its captions with
SHARPNESS = 20  # of the softmax over these pictures


class Pictures:
    """The vectors of the training pictures, to be drawn evenly over the classes."""

    def __init__(self, embeds, labels):
        self.embeds = [embeds[torch.from_numpy(labels == label)] for label in range(len(data.CLASSES))]

    def draw(self, generator):
        chosen = [e[torch.randint(len(e), (PICTURES_PER_CLASS,), generator=generator)] for e in self.embeds]
        return torch.cat(chosen)


def targets(captions):
    """Which share of its attention each caption should give to each picture that Pictures.draw draws."""
    fits = torch.zeros(len(captions), len(data.CLASSES))
    for row, (_, classes) in zip(fits, captions):
        # A caption that tells nothing should be equally far from all.
        row[[data.CLASSES.index(name) for name in classes or data.CLASSES]] = 1
    fits = fits / fits.sum(1, keepdim=True) / PICTURES_PER_CLASS
    return fits.repeat_interleave(PICTURES_PER_CLASS, 1)


def encode_closely(texts):
    """`encode`, padded only as far as these texts need."""
    longest = max(len(text.encode("utf-8")) for text in texts)
    return towers.encode(texts, min(towers.CONTEXT, longest))


def text_step(tower, optimiser, captions, pictures):
    """One step on the captions; the mean loss."""
    captions = sorted(captions, key=lambda caption: len(caption[0]))
    optimiser.zero_grad(set_to_none=True)
    total = 0
    for part in range(PARTS):
        some = captions[part * BATCH // PARTS:(part + 1) * BATCH // PARTS]
        scores = SHARPNESS * tower(encode_closely([text for text, _ in some])) @ pictures.T
        loss = -(functional.log_softmax(scores, 1) * targets(some)).sum() / BATCH
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(tower.parameters(), 1)
    optimiser.step()
    return total


def captions_of_step(vocabulary, seed, step, forbidden):
    draw = grammar.Captions(vocabulary, seed * 1000003 + step, forbidden).draw
    return [draw() for _ in range(BATCH)]


@torch.no_grad()
def precision(tower, captions, embeds, labels, n=10):
    """How many of the n nearest pictures fit, on average over the captions that tell of something."""
    captions = [caption for caption in captions if caption[1]]
    nearest = (tower(encode_closely([text for text, _ in captions])) @ embeds.T).topk(n, 1).indices
    fits = [[data.CLASSES[labels[i]] in classes for i in row] for row, (_, classes) in zip(nearest, captions)]
    return torch.tensor(fits).float().mean().item()


def train_text(vocabulary, forbidden, train, held_out, work, seed):
    """The trained text tower and the CPU seconds it took; `train`, `held_out`: vectors of pictures, labels."""
    torch.manual_seed(seed)
    tower, pictures = towers.TextTower(), Pictures(*train)
    optimiser = torch.optim.AdamW(tower.parameters(), RATE, weight_decay=0.01)
    checkpoint, first, seconds = work / "text.pt", 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        tower.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        first, seconds = state["steps"], state["seconds"]
    unseen = captions_of_step(vocabulary, seed, STEPS, forbidden)
    for step in range(first, STEPS):
        start = time.process_time()
        optimiser.param_groups[0]["lr"] = RATE * schedule.ramp((step + 1) / (STEPS + 1), 0.1)
        captions = captions_of_step(vocabulary, seed, step, forbidden)
        loss = text_step(tower, optimiser, captions, pictures.draw(schedule.seeded(seed, 2, step)))
        seconds += time.process_time() - start
        if (step + 1) % 100 == 0:
            print(f"text step {step + 1}: loss {loss:.3f}, P@10 of new captions over held-out pictures "
                  f"{precision(tower, unseen, *held_out):.3f}, {seconds:.0f} s", flush=True)
            schedule.save_atomically({"model": tower.state_dict(), "optimiser": optimiser.state_dict(),
                                      "steps": step + 1, "seconds": seconds}, checkpoint)
    return tower.eval(), seconds
