"""Digests of files of weights, by which run records distinguish networks; needs no torch."""

from __future__ import annotations

import hashlib
from pathlib import Path


def of_file(path: Path) -> str:
    """Digest of a file's bytes (BLAKE2b, 16 bytes)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
