"""Speed of the kernels, native and reference, in millions of pixels per second.

The best of several passes on one thread.

    python benchmarks/kernels.py [FOLDER OF LABEL PNGS]

It uses a generated street-like label map of 2048 x 1024, noise of the same size and, if a folder is
given, its files.
"""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Callable
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from bench import kernels
from bench.images import png
from bench.kernels import reference

_spec = util.spec_from_file_location("inflate", Path(__file__).with_name("inflate.py"))
inflate = util.module_from_spec(_spec)
_spec.loader.exec_module(inflate)


def speed(pixels: int, run: Callable[[], Any], passes: int) -> str:
    """Millions of pixels per second in the best pass."""
    times = []
    for _ in range(passes):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return f"{pixels / min(times) / 1e6:8.0f}"


def measure_arrays(name: str, labels: Any) -> None:
    """Print the speed of the histogram of a map with itself, shifted, and of mapping it."""
    table = np.arange(65536, dtype=np.int32)
    table[256:] = -1
    for dtype in (np.uint8, np.uint16):
        truth = labels.astype(dtype)
        prediction = np.roll(truth, 3, axis=1)
        for form, module, passes in forms():
            rate = speed(
                truth.size,
                lambda m=module, t=truth, p=prediction: m.joint_histogram(t, p, 256, 256),
                passes,
            )
            print(f"  joint_histogram {name:18} {np.dtype(dtype).name:7} {form:10} {rate}")
    for form, module, passes in forms():
        rate = speed(labels.size, lambda m=module: m.map_labels(labels, table, np.uint8), passes)
        print(f"  map_labels      {name:18} uint8   {form:10} {rate}")
    narrow = table[:256].astype(np.uint8)
    print(
        f"  numpy table[labels] {name:14} uint8              "
        f"{speed(labels.size, lambda: narrow[labels], 5)}"
    )


def measure_files(name: str, files: list[bytes]) -> None:
    """Print the speed of undoing the row filters, of the whole decoder and of Pillow."""
    headers = [png.read_header(data) for data in files]
    pixels = sum(header.height * header.width for header in headers)
    rows = [zlib.decompress(inflate.compressed(data)) for data in files]

    def unfilter() -> None:
        for data, header in zip(rows, headers, strict=True):
            kernels.unfilter(data, header.height, header.stride, header.bytes_per_pixel)

    print(f"  unfilter        {name:18} uint8   {kernels.which():10} {speed(pixels, unfilter, 9)}")
    print(
        f"  png.decode      {name:37} "
        f"{speed(pixels, lambda: [png.decode(data) for data in files], 9)}"
    )
    rate = speed(
        pixels, lambda: [np.asarray(Image.open(inflate.io.BytesIO(data))) for data in files], 5
    )
    print(f"  Pillow          {name:37} {rate}")


def forms() -> list[tuple[str, ModuleType, int]]:
    """The available forms of the kernels, with a number of passes for each."""
    native = kernels.native()
    return [*([("native", native, 15)] if native else []), ("reference", reference, 3)]


if __name__ == "__main__":
    made = [inflate.made_map(seed) for seed in range(6)]
    measure_arrays("made 2048 x 1024", png.decode(made[0]))
    measure_arrays(
        "noise 2048 x 1024", np.random.default_rng(0).integers(0, 19, (1024, 2048), dtype=np.uint8)
    )
    measure_files("made 2048 x 1024", made)
    for folder in sys.argv[1:]:
        measure_files(
            Path(folder).name, [path.read_bytes() for path in sorted(Path(folder).rglob("*.png"))]
        )
