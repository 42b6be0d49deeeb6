"""Score a network in the validation loop of Lightning.

Run it with `python examples/lightning_loop.py`. It needs the packages torch and lightning; it makes
its own images.
"""

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bench

CLASSES = ["dark", "bright"]


class Segmenter(lightning.LightningModule):
    """A network whose validation score is mIoU over the whole set, not a mean over batches."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Conv2d(1, len(CLASSES), 3, padding=1)
        self.evaluator = bench.Evaluator(CLASSES)

    def training_step(self, batch, batch_index):
        pixels, labels, _ = batch
        return nn.functional.cross_entropy(self.network(pixels), labels)

    def on_validation_epoch_start(self) -> None:
        self.evaluator.reset()

    def validation_step(self, batch, batch_index) -> None:
        pixels, labels, numbers = batch
        ids = [f"image_{number:04d}" for number in numbers.tolist()]
        # A sampler that pads the last batch hands out some images twice; thanks to the ids each of
        # them counts once.
        self.evaluator.update(truth=labels, prediction=self.network(pixels).argmax(1), id=ids)

    def on_validation_epoch_end(self) -> None:
        # `gather` merges all processes, so every process logs the same score.
        self.log("val_mIoU", self.evaluator.gather().scores()["mIoU"])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.05)


def made_up(images: int, seed: int) -> TensorDataset:
    """Grey images (N, 1, 16, 16), their labels (N, 16, 16), and the number of each image."""
    generator = torch.Generator().manual_seed(seed)
    labels = (
        (torch.rand((images, 1, 1, 16), generator=generator) > 0.5).long().expand(-1, 1, 16, 16)
    )
    pixels = labels + 0.5 * torch.randn((images, 1, 16, 16), generator=generator)
    return TensorDataset(pixels, labels[:, 0].clone(), torch.arange(images))


def main() -> None:
    model = Segmenter()
    trainer = lightning.Trainer(
        max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    trainer.fit(
        model,
        DataLoader(made_up(64, seed=1), batch_size=8),
        DataLoader(made_up(30, seed=2), batch_size=8),
    )
    print(f"val_mIoU {trainer.callback_metrics['val_mIoU']:.3f}")
    # The evaluator still holds the counts of the last epoch. The result has intervals and scores of
    # every class.
    print(model.evaluator.gather().result())


if __name__ == "__main__":
    main()
