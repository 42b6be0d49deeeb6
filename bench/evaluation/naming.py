"""Image ids in a loop: ids as the data set has them, or names of image files that contain them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from bench.cards import Card
from bench.evaluation.class_tables import OWN
from bench.images import IMAGE_SUFFIXES

_CITYSCAPES = ("_leftImg8bit", "_gtFine")
"""What follows the id in the file names of Cityscapes."""
_NUMBERED = ("coco", "lvis")
"""Layouts whose images are ordered by number."""


def image_id(name: str, card: Card) -> str:
    """The id of an image from its id or file name.

    >>> from bench.cards import load_card
    >>> image_id("val/bonn_000001_000019_leftImg8bit.png", load_card("cityscapes"))
    'bonn_000001_000019'
    >>> image_id("2007_000033.jpg", load_card("voc2012"))
    '2007_000033'
    """
    path = PurePosixPath(name)
    if card.name == OWN or (
        path.suffix.lower() not in IMAGE_SUFFIXES and card.layout != "cityscapes"
    ):
        return name
    if path.suffix.lower() in IMAGE_SUFFIXES:
        name = str(path.with_suffix(""))
    if card.layout in ("voc", "cityscapes"):
        name = name.rsplit("/", 1)[-1]
    for mark in _CITYSCAPES if card.layout == "cityscapes" else ():
        name = name.split(mark)[0]
    return name


def in_order(names: Iterable[str], layout: str) -> list[str]:
    """The ids in the order in which a layout lists images, for layouts without a list of their own.

    >>> in_order(["10", "9"], "coco"), in_order(["10", "9"], "pairs")
    (['9', '10'], ['10', '9'])
    """
    ids = list(names)
    if layout in _NUMBERED and all(name.isdecimal() for name in ids):
        return sorted(ids, key=lambda name: (int(name), name))
    return sorted(ids)
