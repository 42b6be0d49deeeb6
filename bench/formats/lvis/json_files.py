"""LVIS' truth files as types: COCO's, with lists of the classes that were annotated in each image,
and a frequency for each class.
"""

from __future__ import annotations

import msgspec

from bench.formats.coco.json_files import Segmentation
from bench.formats.coco.numbers import ReadWhole, sized, whole

FREQUENCIES = ("r", "c", "f")


class Image(msgspec.Struct, gc=False):
    """An image: its file is named by `coco_url` in version 1, by `file_name` before."""

    id: ReadWhole
    height: ReadWhole
    width: ReadWhole
    neg_category_ids: list[int]
    not_exhaustive_category_ids: list[int]
    file_name: str = ""
    coco_url: str = ""

    def __post_init__(self) -> None:
        """Make whole numbers of floats, and refuse an image without a pixel or with more than masks
        can count.
        """
        _, self.height, self.width = sized(self.id, self.height, self.width)
        self.id = whole(self.id, "id")


class Category(msgspec.Struct, gc=False):
    """A class; `frequency` is r, c or f."""

    id: int
    name: str
    frequency: str


class Annotation(msgspec.Struct, gc=False):
    """An object."""

    image_id: ReadWhole
    category_id: ReadWhole
    segmentation: Segmentation
    bbox: tuple[float, float, float, float]
    area: float
    ignore: int | bool = 0
    id: int | float | str | None = None

    def __post_init__(self) -> None:
        """Make whole numbers of floats."""
        self.image_id, self.category_id = (
            whole(self.image_id, "image_id"),
            whole(self.category_id, "category_id"),
        )


class Listing(msgspec.Struct, gc=False):
    """What a truth file lists, without its objects."""

    images: list[Image]
    categories: list[Category]


class File(Listing, gc=False):
    """A truth file."""

    annotations: list[Annotation]
