"""What `bench eval` begins to read before anything heavy is loaded: results and truth that are one JSON file each.

It guesses which form of a file will be asked for; where that is wrong, the reader reads again.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench import plain_json, prefetch

_MASK = re.compile(rb'"segmentation"\s*:(?!\s*(?:null|\[\s*\]))')
"""A mask that is not empty."""


def begin(predictions: Path, data: Path | None, metrics: str) -> None:
    """Begin to parse results in COCO's form, and the truth file if it was named."""
    path = predictions.expanduser()
    if not path.is_file():
        return
    try:
        head = plain_json.head(path, 1 << 16)
    except (OSError, plain_json.NotJsonError):
        return  # its reader says what is wrong
    if head.lstrip()[:1] != b"[":
        return
    masks = metrics != "boxes" and bool(_MASK.search(head.partition(b"}")[0]))
    truth = data.expanduser() if data is not None else Path()
    if truth.is_file():
        prefetch.begin(truth, "read_coco_truth", with_masks=masks)
    prefetch.begin(path, "read_coco_results", with_masks=masks)
