"""Files that are written whole or not at all.

It knows paths only, neither what a file contains nor who reads it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`, which replaces it once the block ends without an
    error.

    A reader sees the old file or the whole new one, also if the process is killed: renaming within
    one folder is atomic. Missing folders are created. The name of the temporary file is unique to
    the process and thread, so that several may write the same target.

    Raises:
        OSError: the file cannot be written; what was written so far is removed.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        temporary.replace(target)
    finally:
        # After the rename there is nothing to remove.
        with suppress(OSError):
            temporary.unlink()
