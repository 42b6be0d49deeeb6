"""Which library inflates label PNGs fastest, on one thread and on two: the figures of
docs/decisions/0001.

    python benchmarks/inflate.py [FOLDER OF LABEL PNGS ...]

It measures the files in the given folders, and eight generated label maps of 2048 x 1024. Libraries
that are not installed are left out.
"""

from __future__ import annotations

import importlib
import io
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import draw

LIBRARIES = {"zlib": "zlib", "zlib-ng": "zlib_ng.zlib_ng", "isal": "isal.isal_zlib"}
REPEATS = 15


def made_map(seed: int) -> bytes:
    """A PNG of 2048 x 1024 with 150 polygons of 19 classes on a striped background."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.uint8([10, 8, 0]), [400, 200, 424])[:, None].repeat(2048, axis=1)
    for _ in range(150):
        row, column, size = (
            generator.integers(0, 1024),
            generator.integers(0, 2048),
            generator.integers(8, 200),
        )
        angles = np.sort(generator.random(generator.integers(5, 14)) * 2 * np.pi)
        reach = size * (0.5 + generator.random(angles.size))
        inside = draw.polygon(
            row + reach * np.sin(angles), column + reach * np.cos(angles), labels.shape
        )
        labels[inside] = generator.integers(0, 19)
    file = io.BytesIO()
    Image.fromarray(labels).save(file, "PNG")
    return file.getvalue()


def compressed(data: bytes) -> bytes:
    """The deflate stream of a PNG."""
    stream, at = b"", 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            stream += data[at + 8 : at + 8 + length]
        at += length + 12
    return stream


def seconds(run: Callable[[], Any]) -> float:
    """Median time of a run."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(name: str, files: Iterable[bytes]) -> None:
    """Print megabytes of filtered pixels per second, for every library, on one thread and on
    two.
    """
    streams = [compressed(data) for data in files]
    modules = {
        name: importlib.import_module(module)
        for name, module in LIBRARIES.items()
        if _installed(module)
    }
    sizes = [len(modules["zlib"].decompress(stream)) for stream in streams]
    inflated, deflated = sum(sizes) / 1e6, sum(map(len, streams)) / 1e6
    print(f"{name}: {len(streams)} files, {inflated:.1f} MB inflated, {deflated:.2f} MB deflated")
    for library, module in modules.items():

        def inflate(first: int, threads: int, module: Any = module) -> None:
            for stream, size in list(zip(streams, sizes, strict=True))[first::threads]:
                module.decompress(stream, bufsize=size)

        on_one = seconds(lambda: inflate(0, 1))
        with ThreadPoolExecutor(2) as pool:
            on_two = seconds(lambda: list(pool.map(inflate, (0, 1), (2, 2))))
        print(
            f"  {library:8} 1 thread {sum(sizes) / on_one / 1e6:6.0f} MB/s   2 threads "
            f"{sum(sizes) / on_two / 1e6:6.0f} MB/s"
        )


def _installed(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        measure(
            Path(folder).name, [path.read_bytes() for path in sorted(Path(folder).rglob("*.png"))]
        )
    measure("made 2048 x 1024", [made_map(seed) for seed in range(8)])
