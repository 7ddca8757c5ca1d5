# SPDX-License-Identifier: MIT
"""Trains the image tower to put pictures of a class near each other, yet not into one point."""
import time

import torch
from torch import nn
from torch.nn import functional

import data
import schedule
import towers

EPOCHS = 12
BATCH = 128
RATE = 0.12
SHARPNESS = 12  # of the softmax over classes; lower ones would pull a class into one point
THUMBNAIL_WEIGHT = 0.2


class ImageTrainer(nn.Module):
    """The image tower with what its training needs and its use does not.

    One vector a class gives the classes their places. The thumbnail, 4x4 pixels to be told from the vector,
    keeps colours and layout in it: without, pictures of a class would differ by chance only, and finding
    pictures like a picture would find nothing but its class.
    """

    def __init__(self):
        super().__init__()
        self.tower = towers.ImageTower()
        self.classes = nn.Parameter(torch.randn(len(data.CLASSES), towers.DIM))
        self.thumbnail = nn.Linear(towers.DIM, 3 * 4 * 4)

    def forward(self, pixels, labels):
        embeds = self.tower(pixels)
        scores = SHARPNESS * embeds @ towers.unit(self.classes).T
        small = functional.adaptive_avg_pool2d(pixels, 4).flatten(1)
        blur = functional.mse_loss(self.thumbnail(embeds), small)
        return functional.cross_entropy(scores, labels) + THUMBNAIL_WEIGHT * blur


def image_epoch(model, optimiser, train, epoch, seed):
    """One pass over the training pictures; the mean loss."""
    pictures, labels = train
    generator = schedule.seeded(seed, 1, epoch)
    order = torch.randperm(len(labels), generator=generator).numpy()
    steps = len(labels) // BATCH
    total = 0
    model.train()
    for step in range(steps):
        chosen = order[step * BATCH:(step + 1) * BATCH]
        optimiser.param_groups[0]["lr"] = RATE * schedule.ramp((epoch + (step + 1) / steps) / (EPOCHS + 1e-3))
        pixels = data.augment(pictures[chosen], generator).contiguous(memory_format=torch.channels_last)
        loss = model(pixels, torch.from_numpy(labels[chosen]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / steps


@torch.no_grad()
def embed_pictures(tower, pictures, batch=500):
    tower.eval()
    return torch.cat([tower(data.standardise(pictures[i:i + batch])) for i in range(0, len(pictures), batch)])


def image_accuracy(model, held_out):
    pictures, labels = held_out
    scores = embed_pictures(model.tower, pictures) @ towers.unit(model.classes.detach()).T
    return (scores.argmax(1).numpy() == labels).mean()


def train_image(train, held_out, work, seed):
    """The trained image tower and the CPU seconds it took."""
    torch.manual_seed(seed)
    model = ImageTrainer().to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(model.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    checkpoint, first, seconds = work / "image.pt", 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        first, seconds = state["epochs"], state["seconds"]
    for epoch in range(first, EPOCHS):
        start = time.process_time()
        loss = image_epoch(model, optimiser, train, epoch, seed)
        seconds += time.process_time() - start
        print(f"image epoch {epoch + 1}: loss {loss:.3f}, held-out accuracy "
              f"{image_accuracy(model, held_out):.4f}, {seconds:.0f} s", flush=True)
        schedule.save_atomically({"model": model.state_dict(), "optimiser": optimiser.state_dict(),
                         "epochs": epoch + 1, "seconds": seconds}, checkpoint)
    return model.tower.eval(), seconds
