"""Score a network in a training loop of PyTorch, and keep a run record of every epoch.

Run it with `python examples/torch_loop.py`. It needs torch; it makes its own images and takes a few
seconds.
"""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import bench

CLASSES = ["background", "disc"]


class Discs(Dataset):
    """Noisy images with one bright disc each. A sample is an image (3, 32, 32), its labels (32, 32)
    and its id.
    """

    def __init__(self, first: int, images: int) -> None:
        self.first, self.images = first, images

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, str]:
        rng = np.random.default_rng(self.first + index)
        row, column = rng.uniform(8, 24, size=2)
        rows, columns = np.mgrid[:32, :32]
        labels = ((rows - row) ** 2 + (columns - column) ** 2 < 36).astype(np.int64)
        pixels = rng.normal(labels, 0.7, size=(3, 32, 32)).astype(np.float32)
        return torch.from_numpy(pixels), torch.from_numpy(labels), f"disc_{self.first + index:04d}"


def validate(network: nn.Module, loader: DataLoader) -> bench.Evaluator:
    """Count the predictions for every batch of the validation set."""
    evaluator = bench.Evaluator(CLASSES)
    network.eval()
    with torch.no_grad():
        for pixels, labels, ids in loader:
            # Tensors may stay on the GPU. Ids make the scores independent of the order of the
            # batches.
            evaluator.update(truth=labels, prediction=network(pixels).argmax(1), id=list(ids))
    # With torch.distributed this merges all processes; without it, it changes nothing.
    return evaluator.gather()


def main() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, len(CLASSES), 5, padding=2)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.03)
    train = DataLoader(Discs(0, 120), batch_size=8, shuffle=True)
    val = DataLoader(Discs(1000, 40), batch_size=8)
    for epoch in range(1, 4):
        network.train()
        for pixels, labels, _ in train:
            loss = nn.functional.cross_entropy(network(pixels), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        evaluator = validate(network, val)
        low, high = evaluator.result().intervals["mIoU"]
        print(
            f"epoch {epoch}: mIoU {evaluator.scores()['mIoU']:.3f}, 95 % interval [{low:.3f}, "
            f"{high:.3f}]"
        )
        # The record is what `bench show`, `bench compare` and `bench check` read.
        evaluator.save(
            "runs", name=f"epoch{epoch}", model={"architecture": "two convolutions", "epoch": epoch}
        )


if __name__ == "__main__":
    main()
