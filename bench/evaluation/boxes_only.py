"""Boxes without masks in predictions or ground truth: by default, only boxes are scored then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench import plain_json
from bench.formats.coco.origin import hold_boxes_alone
from bench.notices import Notice
from bench.samples import Sample

_START = 1 << 20
"""Bytes at the start of a JSON file that hold its first object."""


def boxes_alone(path: Path) -> bool:
    """Whether the first object of a results JSON has a box, and its mask is absent or empty."""
    files = [path] if path.is_file() else plain_json.files_in(path)
    if len(files) != 1:
        return False
    try:
        first = plain_json.head(files[0], _START).partition(b"}")[0]
    except (OSError, plain_json.NotJsonError):
        return False  # the reader of the file raises a better error
    return b'"bbox"' in first and not re.search(
        rb'"segmentation"\s*:(?!\s*(?:null|\[\s*\]))', first
    )


def boxes_of_results(metrics: str) -> tuple[Notice, ...]:
    """The notice for results with boxes and no masks, for which only boxes are scored by
    default.
    """
    if metrics != "default":
        return ()
    message = (
        "the results hold boxes and no masks: only boxes are scored (--metrics all draws masks)"
    )
    return (Notice("results-of-boxes", message),)


def boxes_of_truth(
    samples: Sequence[Sample], task: str, metrics: Sequence[str]
) -> tuple[Notice, ...]:
    """The notice for ground truth with boxes and no masks, for which only boxes are scored by
    default.
    """
    if task != "instance" or metrics != "default" or not hold_boxes_alone(samples):
        return ()
    message = (
        "the ground truth holds boxes and no masks: only boxes are scored (--metrics all "
        "draws masks)"
    )
    return (Notice("truth-of-boxes", message, "warning"),)
