"""A typical PyTorch training loop, the baseline of `proxy_speed.py`.

A `Dataset` that opens one file at a time, transforms per image with Pillow, a `DataLoader` with
worker processes, tensors in torch's default layout, and `.item()` after every batch. Its recipe
(data, batch size, augmentation, optimizer, schedule) equals that of the proxy.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


@dataclass(frozen=True)
class Settings:
    """The settings that the plain loop shares with the proxy it is compared with."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    warm_up: float
    workers: int
    device: str = "cpu"
    bf16: bool = False


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images of a folder of classes; `train` shifts and mirrors them at random."""

    def __init__(
        self, folder: Path, train: bool, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        """List the files below `folder`, one sub-folder a class."""
        classes = sorted(path for path in folder.iterdir() if path.is_dir())
        self.files = [(f, i) for i, c in enumerate(classes) for f in sorted(c.iterdir())]
        self.train = train
        self.mean, self.std = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Open, transform and normalise one image."""
        path, label = self.files[index]
        image: Image.Image = Image.open(path).convert("RGB")
        if self.train:
            image = random_flip(random_crop(image, 4))
        return (to_tensor(image) - self.mean) / self.std, label


def random_crop(image: Image.Image, margin: int) -> Image.Image:
    """Pad by `margin` black pixels and cut the image's own size out at random."""
    width, height = image.size
    padded = ImageOps.expand(image, margin)
    left, top = random.randint(0, 2 * margin), random.randint(0, 2 * margin)
    return padded.crop((left, top, left + width, top + height))


def random_flip(image: Image.Image) -> Image.Image:
    """Mirror the image with a probability of one half."""
    return ImageOps.mirror(image) if random.random() < 0.5 else image


def to_tensor(image: Image.Image) -> Tensor:
    """Return float32 of shape (C, H, W), with pixels scaled to 0..1."""
    flat = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    pixels = flat.view(image.height, image.width, 3)
    return pixels.permute(2, 0, 1).contiguous().float() / 255


def loader(data: Pictures, settings: Settings) -> DataLoader[tuple[Tensor, int]]:
    """Shuffle training images, and keep the workers between epochs."""
    return DataLoader(
        data,
        batch_size=settings.batch_size,
        shuffle=data.train,
        num_workers=settings.workers,
        persistent_workers=settings.workers > 0,
        pin_memory=settings.device == "cuda",
    )


def train(
    network: nn.Module, train: Pictures, held_out: Pictures, settings: Settings
) -> Iterator[float]:
    """Train `network`; yield the top-1 on `held_out`, in percent, after each epoch."""
    network.to(settings.device)
    batches, checks = loader(train, settings), loader(held_out, settings)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=settings.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        settings.learning_rate,
        total_steps=settings.epochs * len(batches),
        pct_start=settings.warm_up,
        cycle_momentum=False,
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
    for _ in range(settings.epochs):
        train_epoch(network, batches, criterion, optimizer, schedule, settings)
        yield evaluate(network, checks, settings)


def train_epoch(
    network: nn.Module,
    batches: DataLoader[tuple[Tensor, int]],
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    settings: Settings,
) -> float:
    """Train for one epoch; return the mean loss."""
    network.train()
    total = 0.0
    for images, labels in batches:
        images, labels = images.to(settings.device), labels.to(settings.device)
        optimizer.zero_grad()
        with torch.autocast(settings.device, torch.bfloat16, enabled=settings.bf16):
            loss = criterion(network(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
    return total / len(batches)


def evaluate(
    network: nn.Module, batches: DataLoader[tuple[Tensor, int]], settings: Settings
) -> float:
    """Return the top-1 in percent."""
    network.eval()
    right, count = 0, 0
    with torch.no_grad():
        for images, labels in batches:
            images, labels = images.to(settings.device), labels.to(settings.device)
            with torch.autocast(settings.device, torch.bfloat16, enabled=settings.bf16):
                predicted = network(images).argmax(dim=1)
            right += (predicted == labels).sum().item()
            count += len(labels)
    return 100 * right / count
