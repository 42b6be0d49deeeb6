"""The recipe of every reference network, which with the code determines its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recipe:
    """One training.

    `images` scenes of train are learnt from; for the share `coarse` of the steps batches show them
    at half the size, a quarter of the cost. `init` is the file whose weights the training begins
    with, None begins at random.
    """

    model: str
    architecture: str
    steps: int
    seed: int = 1
    loss: str = "weighted+dice"
    coarse: float = 0.0
    init: str | None = None
    images: int = 1600
    batch: int = 4
    crop: tuple[int, int] = (192, 384)
    rate: float = 2.5e-3
    decay: float = 1e-2
    threads: int = 1
    dtype: str = "float16"

    @property
    def file(self) -> str:
        """Stem of the checkpoint's file name; for seed 1 it has no suffix."""
        return f"{self.model}-streets" + (f"-seed{self.seed}" if self.seed > 1 else "")

    @property
    def name(self) -> str:
        """Name of its row in tables."""
        return self.file.replace("-streets", "")

    def beginning(self, folder: Path) -> Path | None:
        """The file of `init`: a path, or a name in the folder of the checkpoints."""
        if self.init is None:
            return None
        return Path(self.init) if Path(self.init).is_file() else folder / self.init


SHIPPED = (
    Recipe("unet", "unet_slim16", steps=2150),
    Recipe("deeplab", "deeplabv3_slim16", steps=1500, coarse=0.5),
    Recipe(
        "maskrcnn",
        "maskrcnn_slim16",
        steps=1400,
        loss="its own",
        init="unet-streets.safetensors",
        images=1000,
        batch=2,
        crop=(256, 512),
        rate=1e-3,
        decay=1e-4,
    ),
    Recipe("deeplab", "deeplabv3_slim16", steps=1500, seed=2, coarse=0.5),
    Recipe("deeplab", "deeplabv3_slim16", steps=1500, seed=3, coarse=0.5),
    Recipe("pspnet", "pspnet_slim16", steps=1500, coarse=0.5),
    Recipe("segnet", "segnet_slim12", steps=1950, coarse=0.5),
    Recipe("fcn", "fcn_slim24", steps=1500, coarse=0.5),
)
"""In the order in which `--all` trains them: Mask R-CNN starts from the encoder of the U-Net."""
