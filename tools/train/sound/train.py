# SPDX-License-Identifier: MIT
"""Trains a network on some of ESC-10's clips.

    python3 train.py --data ESC10_FOLDER --work FOLDER     trains on all clips and writes models/esc-net

evaluate.py trains the others, on whose figures the recipe rests. The same seed gives the same network on the
same machine with the same libraries; a run that was killed goes on at its last checkpoint.
"""
import argparse
import os
import time

import numpy as np
import torch
from torch.nn import functional as F

import features
from augment import Augment
from network import Net

EPOCHS = 36
CLIPS_A_BATCH = 32
RATE, DECAY = 3e-3, 2e-2
SMOOTHING = 0.1
SAME_CLASS = 1.0         # weight of the second loss
TEMPERATURE = 0.1
CHECKPOINT_EPOCHS = 6


def same_class_loss(embedding, labels):
    """To find the others of one's class in the batch by cosine (supervised contrastive: Khosla et al. 2020).

    The scores alone ask that a vector leans towards its class, and leave most of its axes to chance; a search
    compares vectors with each other, on all axes."""
    itself = torch.eye(len(labels), dtype=torch.bool)
    alike = (embedding @ embedding.t() / TEMPERATURE).masked_fill(itself, -1e4)
    right = ((labels[:, None] == labels) & ~itself).float()
    found = (torch.log_softmax(alike, 1) * right).sum(1) / right.sum(1).clamp(min=1)
    return -found[right.any(1)].mean()


def loss_of(net, patches, labels):
    embedding, scores = net(patches)
    loss = F.cross_entropy(scores, labels, label_smoothing=SMOOTHING)
    return loss + SAME_CLASS * same_class_loss(embedding, labels)


class Run:
    """One training: what a checkpoint holds, and no more."""

    def __init__(self, n_classes, n_clips, seed):
        torch.manual_seed(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.net = Net(n_classes).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=RATE, weight_decay=DECAY)
        steps = EPOCHS * (n_clips // CLIPS_A_BATCH)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, RATE, total_steps=steps, pct_start=0.15)
        self.epoch = 0

    def save(self, path):
        torch.save({"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(),
                    "schedule": self.schedule.state_dict(), "generator": self.generator.get_state(),
                    "epoch": self.epoch}, path + ".part")
        os.replace(path + ".part", path)

    def load(self, path):
        kept = torch.load(path)
        self.net.load_state_dict(kept["net"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.schedule.load_state_dict(kept["schedule"])
        self.generator.set_state(kept["generator"])
        self.epoch = kept["epoch"]

    def step(self, augment, clips, labels):
        loss = loss_of(self.net, augment(clips), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.item()

    def run_epoch(self, augment, clips, labels):
        """Clips left over from full batches wait for the next shuffle."""
        self.net.train()
        order = torch.randperm(len(clips), generator=self.generator).numpy()
        n = len(clips) // CLIPS_A_BATCH * CLIPS_A_BATCH
        losses = [self.step(augment, clips[batch], labels[batch])
                  for batch in order[:n].reshape(-1, CLIPS_A_BATCH)]
        self.epoch += 1
        return np.mean(losses)


def train(data, clips, name, work, seed=1):
    """A network that knows the classes of these clips, in the order of their numbers."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    clips = np.asarray(clips)
    classes, labels = np.unique(data["labels"][clips], return_inverse=True)
    labels = torch.from_numpy(labels)
    path = os.path.join(work, f"{name}-{seed}.pt")
    run = Run(len(classes), len(clips), seed)
    if os.path.exists(path):
        run.load(path)
    augment = Augment(data["magnitudes"], run.generator)
    begun = time.process_time()
    while run.epoch < EPOCHS:
        loss = run.run_epoch(augment, clips, labels)
        if run.epoch % CHECKPOINT_EPOCHS == 0 or run.epoch == EPOCHS:
            run.save(path)
            print(f"{name}: epoch {run.epoch}, loss {loss:.3f}, {time.process_time() - begun:.0f} s", flush=True)
    run.net.eval()
    return run.net


@torch.no_grad()
def embed(net, patches):
    parts = [net(part) for part in torch.from_numpy(patches).split(128)]
    return [torch.cat(x).numpy() for x in zip(*parts)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    data = features.load(args.data, args.work)
    net = train(data, np.arange(len(data["labels"])), "all", args.work, args.seed)
    import export   # needs onnx and onnxruntime, which measuring does not
    patches, _, _ = features.windows(data)
    export.write(data, net, patches, args.data)


if __name__ == "__main__":
    main()
