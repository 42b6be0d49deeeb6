"""How this process keeps memory that was freed, and when it looks for garbage: for the command line only.

A library does not change the allocator of the program that imports it; a command may change its own.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_LARGEST_KEPT, _KEPT = 32 << 20, 128 << 20


def keep_freed() -> None:
    """Let the allocator reuse the memory of one image for the next instead of returning it to the system.

    Fresh pages cost more than inflating a label map into them: on 60 pairs of 2048 x 1024 this halves the CPU time of
    decoding and counting. It does nothing where the C library is not glibc.
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
    """Look for no garbage inside, where modules are loaded and next to nothing is thrown away."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_loaded() -> None:
    """Look for garbage again, but never among what is there now, neither at work nor when Python ends.

    With `loading` this is a tenth of scoring 500 images. Beside torch it is nothing, and libraries that come with it
    complain at the end of all that was not thrown away.
    """
    if "torch" not in sys.modules and not gc.get_freeze_count():
        gc.freeze()
    gc.enable()
