"""Writing of images, label maps and panoptic maps; a file is written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.errors import DataError
from bench.files import replaced
from bench.samples import Array


def write_labels(path: str | Path, labels: Array, palette: Array | None = None) -> None:
    """Write a label map (H, W) as PNG: uint8 as grey or, with a `palette` (256, 3), indexed; uint16
    as 16 bit.

    Raises:
        DataError: the file cannot be written.
    """
    from PIL import Image as PillowImage

    image = PillowImage.fromarray(np.ascontiguousarray(labels))
    if palette is not None and labels.dtype == np.uint8:
        image.putpalette(np.asarray(palette, dtype=np.uint8).tobytes())
    _write(path, lambda temporary: image.save(temporary, format="PNG"))


def write_rgb(path: str | Path, picture: Array) -> None:
    """Write an RGB image (H, W, 3) uint8 by its suffix: .png without loss, .jpg with quality 95.

    Raises:
        DataError: another suffix, or the file cannot be written.
    """
    from PIL import Image as PillowImage

    suffix = Path(path).suffix.lower()
    image = PillowImage.fromarray(np.ascontiguousarray(picture))
    if suffix == ".png":
        _write(path, lambda temporary: image.save(temporary, format="PNG", compress_level=3))
    elif suffix in (".jpg", ".jpeg"):
        _write(path, lambda temporary: image.save(temporary, format="JPEG", quality=95))
    else:
        raise DataError(
            f"{path}: images are written as .png or .jpg, not as "
            f"{suffix or 'a file without suffix'}"
        )


def write_panoptic_ids(path: str | Path, ids: Array) -> None:
    """Write a panoptic map (H, W) of ids below 2^24 as RGB PNG, id = R + 256 G + 65536 B.

    Raises:
        DataError: an id that 24 bits do not hold, or the file cannot be written.
    """
    if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < 1 << 24:
        raise DataError(
            f"{path}: segment ids must be 0 to {(1 << 24) - 1}, not {ids.min()} ... {ids.max()}"
        )
    wide = ids.astype(np.uint32)
    rgb = np.stack([wide & 255, wide >> 8 & 255, wide >> 16], axis=-1).astype(np.uint8)
    write_rgb(Path(path).with_suffix(".png"), rgb)


def _write(path: str | Path, save: Callable[[Path], None]) -> None:
    try:
        with replaced(Path(path)) as temporary:
            save(temporary)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
