"""How a loop calls its images: ids as the data set has them, or the names of their files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from bench.cards import Card
from bench.evaluation.class_tables import OWN
from bench.images import IMAGE_SUFFIXES

_CITYSCAPES = ("_leftImg8bit", "_gtFine")
"""What stands behind the id in Cityscapes' file names."""
_NUMBERED = ("coco", "lvis")
"""Layouts whose images are ordered by number."""


def image_id(told: str, card: Card) -> str:
    """The id of an image whose id or file name was told.

    >>> from bench.cards import load_card
    >>> image_id("val/bonn_000001_000019_leftImg8bit.png", load_card("cityscapes"))
    'bonn_000001_000019'
    >>> image_id("2007_000033.jpg", load_card("voc2012"))
    '2007_000033'
    """
    path = PurePosixPath(told)
    if card.name == OWN or (path.suffix.lower() not in IMAGE_SUFFIXES and card.layout != "cityscapes"):
        return told
    name = str(path.with_suffix("")) if path.suffix.lower() in IMAGE_SUFFIXES else told
    if card.layout in ("voc", "cityscapes"):
        name = name.rsplit("/", 1)[-1]
    for mark in _CITYSCAPES if card.layout == "cityscapes" else ():
        name = name.split(mark)[0]
    return name


def in_order(names: Iterable[str], layout: str) -> list[str]:
    """The ids in the order in which a layout lists images, where it has no list of its own.

    >>> in_order(["10", "9"], "coco"), in_order(["10", "9"], "pairs")
    (['9', '10'], ['10', '9'])
    """
    found = list(names)
    numbered = layout in _NUMBERED and all(name.isdecimal() for name in found)
    return sorted(found, key=lambda name: (int(name), name)) if numbered else sorted(found)
