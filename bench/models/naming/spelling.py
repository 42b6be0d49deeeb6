"""How names of models are compared: in any case, with any separators."""

from __future__ import annotations

import re
from collections.abc import Iterable

_DRIVE = re.compile(r"^[A-Za-z]:(?=[\\/])")


def is_own_code(name: str) -> bool:
    r"""Whether the name of a model is that of the user's own code: it has a colon.

    The colon of a drive does not count: `C:\nets\my.py` is not a name of own code.
    """
    return ":" in _DRIVE.sub("", name)


def plain(name: str) -> str:
    """A name without the characters in which spellings differ.

    >>> plain("DeepLabV3+"), plain("Mask_R-CNN")
    ('deeplabv3plus', 'maskrcnn')
    """
    return re.sub(r"[-_ ]", "", name.lower().replace("+", "plus"))


def begins_with(name: str, word: str) -> bool:
    """Whether a name begins with a whole word, whatever separates the word's letters.

    >>> begins_with("mask_rcnn_R_50", "maskrcnn"), begins_with("samurai", "sam")
    (True, False)
    >>> begins_with("DeepLabv3+", "deeplabv3plus")
    True
    """
    letters = "[-_ ]?".join(word)
    lower = name.lower().replace("+", "plus").replace("vit", "-vit")
    return re.match(rf"{letters}(?![a-z])", lower) is not None


def begins_with_any(name: str, beginnings: Iterable[str]) -> bool:
    """Whether a name begins with one of the words; a version may follow, such as `yolov8`."""
    pattern = re.compile(rf"({'|'.join(beginnings)})(?![a-uw-z])")
    return any(pattern.match(text) for text in (name.lower(), plain(name)))
