"""What a sample of COCO or LVIS remembers of the files that list it, so that its predictions are
found.

Only the layouts look at it; it knows no metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.formats.coco.json_files import Number
    from bench.formats.coco.unusual import TruthFile
    from bench.samples import Sample


@dataclass(frozen=True)
class Origin:
    """How COCO files refer to a sample, its height and width, and all images that its truth file
    lists.

    `files` are the file names of the images by image id, `names` the ids of all samples
    (`listing.py`).

    `objects` is the file from which its objects come, None where they come from segments; `read` is
    what was read of that file to list the images, where it is usual; `masks` says whether any
    object of that file has a mask.
    """

    number: Number
    size: tuple[int, int]
    files: Mapping[Number, str]
    names: Sequence[str]
    objects: Path | None = None
    read: TruthFile | None = None
    masks: bool = True


def hold_boxes_alone(samples: Iterable[Sample]) -> bool:
    """Whether the truth of the samples is a file of objects, and none of these has a mask."""
    origins = [sample.origin for sample in samples]
    return bool(origins) and all(
        isinstance(origin, Origin) and not origin.masks for origin in origins
    )
