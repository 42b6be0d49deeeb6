"""The task of stored predictions, read from the form of their files.

`kinds.py` compares this task with the tasks of the card.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from bench import json_errors, plain_json
from bench.errors import PredictionError
from bench.formats.coco.json_files import is_panoptic
from bench.images import IMAGE_SUFFIXES, LABEL_SUFFIXES

_HEAD = 1 << 10
"""Bytes at the start of a JSON file that show whether it is a list."""


def task_of(path: Path) -> str:
    """The task of stored predictions, from their files: `semantic`, `instance` or `panoptic`.

    A results JSON (a list) or a folder of text files holds instances. Panoptic predictions are a
    JSON with segments, a folder with such a JSON, or a folder of PNGs next to a JSON of the same
    name. Any other folder holds label maps.

    Raises:
        PredictionError: a file in an unsupported format.
    """
    if path.is_file():
        return _task_in(path)
    json_files = plain_json.files_in(path)
    if len(json_files) == 1:
        try:
            return _task_in(json_files[0])
        except PredictionError:
            # Next to label maps, a JSON file can be anything; alone in its folder, it must be the
            # predictions.
            if not any(file.suffix.lower() in LABEL_SUFFIXES for file in path.rglob("*")):
                raise
    beside = path.parent / f"{path.name}.json"
    if not json_files and beside.is_file() and is_panoptic(beside):
        return "panoptic"
    return "instance" if _lists_masks(path) else "semantic"


def _task_in(path: Path) -> str:
    """The task of a JSON file, by its content."""
    try:
        if plain_json.head(path, _HEAD)[:_HEAD].lstrip()[:1] == b"[":
            return "instance"
        text = plain_json.read(path)
    except OSError as error:
        raise PredictionError(f"{path}: cannot be read ({error.strerror or error})") from None
    except plain_json.NotJsonError as error:
        if path.suffix.lower() in (*IMAGE_SUFFIXES, *LABEL_SUFFIXES):
            raise PredictionError(
                f"{path}: this is a single file; pass a folder with one label map per image"
            ) from None
        raise PredictionError(f"{path}: {error}") from None
    if b'"segments_info"' in text:
        return "panoptic"
    if plain_json.joined_lines(text) is not None:
        return "instance"
    raise PredictionError(f"{path}: {json_errors.no_results(text)}")


def _lists_masks(path: Path) -> bool:
    """Whether a folder holds text files in Cityscapes' format: mask path, label and score on each
    line.

    A line with an existing file and at least one number is enough, so that the reader can report
    what is wrong with the rest of the line.
    """
    has_text_files = False
    for file in path.rglob("*.txt"):
        has_text_files = True
        with file.open("rb") as lines:
            fields = re.split(rb"[\s,]+", lines.readline(4096).strip())
        numbers = [
            re.fullmatch(rb"[-+.\deE]+|[-+]?nan|[-+]?inf", field) is not None
            for field in fields[1:]
        ]
        if numbers == [True, True] or (
            any(numbers) and b"\0" not in fields[0] and _is_file(file.parent, fields[0])
        ):
            return True
    return has_text_files and next(path.rglob("*.png"), None) is None


def _is_file(folder: Path, name: bytes) -> bool:
    return (folder / os.fsdecode(name)).is_file()
