"""What makes `bench` start quickly: all of it is here, and it is for the command line only.

A library does not change the allocator or the garbage collector of the program that imports it; a
command may change its own. Nothing here changes a result: without this file everything works the
same, but more slowly.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the parameters' numbers in glibc's malloc.h
_LARGEST_KEPT, _KEPT = 32 << 20, 128 << 20
_MASK = re.compile(rb'"segmentation"\s*:(?!\s*(?:null|\[\s*\]))')
"""A mask that is not empty."""
_HEAD = 1 << 16
"""Bytes of a file from which its form is guessed."""


def limit_blas_threads() -> None:
    """Let OpenBLAS use one thread; call this before NumPy is loaded.

    Our matrix products are small: sharing one among threads takes half a second longer than
    computing it.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def keep_freed() -> None:
    """Let the allocator reuse the memory of one image for the next instead of returning it to the
    system.

    Fresh pages cost more than inflating a label map into them: on 60 pairs of 2048 x 1024 this
    halves the CPU time of decoding and counting. It does nothing where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        library.mallopt(_TRIM_THRESHOLD, _KEPT)


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage inside, where modules are loaded and next to nothing is thrown away."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_loaded() -> None:
    """Collect garbage again, but never among the objects that exist now, neither later nor when
    Python ends.

    Together with `loading` this saves a tenth of scoring 500 images. Next to loading torch it saves
    nothing, and libraries that torch loads complain at exit about objects that were never freed.
    """
    if "torch" not in sys.modules and not gc.get_freeze_count():
        gc.freeze()
    gc.enable()


def begin_reading(predictions: Path, data: Path | None, metrics: str) -> None:
    """Begin to parse results in COCO's form, and the truth file if it was named, while Python loads
    NumPy.

    The form of a file is guessed from its first bytes; where the guess is wrong, the reader reads
    the file again.
    """
    from bench import plain_json, prefetch

    path = predictions.expanduser()
    if not path.is_file():
        return
    try:
        head = plain_json.head(path, _HEAD)
    except (OSError, plain_json.NotJsonError):
        return  # the reader says what is wrong
    if head.lstrip()[:1] != b"[":
        return
    masks = metrics != "boxes" and bool(_MASK.search(head.partition(b"}")[0]))
    truth = data.expanduser() if data is not None else Path()
    if truth.is_file():
        prefetch.begin(truth, "read_coco_truth", with_masks=masks)
    prefetch.begin(path, "read_coco_results", with_masks=masks)
