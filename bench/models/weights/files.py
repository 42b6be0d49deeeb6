"""Files of weights, checked without torch: their kind by the first bytes, and which ones ship."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

from bench.errors import CheckpointError

FIRST_BYTES = 8
LARGEST_HEADER = 100_000_000


def shipped(model: str, dataset: str) -> Path | None:
    """The reference checkpoint of this model for this data set, if one ships."""
    path = Path(str(files("bench"))) / "checkpoints" / f"{model}-{dataset}.safetensors"
    return path if path.is_file() else None


def kind(path: Path) -> Literal["safetensors", "pickle"]:
    """The format of a file of weights, by its first bytes.

    Raises:
        CheckpointError: the file does not exist, cannot be read, is empty, or of another kind.
    """
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; --weights takes one file of weights")
    if not path.is_file():
        raise CheckpointError(
            f"there is no file {path}; --weights takes a file of weights (.safetensors, .pth)"
        )
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
    start = head.lstrip().lower()
    if size == 0:
        raise CheckpointError(f"{path} is empty; fetch the weights again")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise CheckpointError(
            f"{path} is a web page, not weights: the server answered with a page (a login, an "
            "error)"
        )
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(
            f"{path} is a Git LFS pointer, not the weights: fetch them with git lfs pull"
        )
    if head[FIRST_BYTES : FIRST_BYTES + 1] == b"{":
        length = int.from_bytes(head[:FIRST_BYTES], "little")
        if length + FIRST_BYTES <= size or length < LARGEST_HEADER:
            return "safetensors"
    if head.startswith((b"PK\x03\x04", b"\x80")):
        return "pickle"
    raise CheckpointError(
        f"{path} is not a checkpoint: it is neither safetensors nor a file that torch.save wrote"
    )
