"""Numbers of COCO files: ids, which may be written as 7.0 or as text, and sizes of images that
masks can have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bench import masks
from bench.errors import InputError
from bench.formats.finding.image_ids import Number

if TYPE_CHECKING:
    ReadNumber: TypeAlias = Number
    ReadWhole: TypeAlias = int
else:
    # Programs that keep tables of floats write 7.0 for 7; each struct converts them in
    # `__post_init__`.
    ReadNumber = int | float | str
    ReadWhole = int | float


def number(value: ReadNumber, subject: str) -> Number:
    """An id, which may be written as 7.0.

    >>> number(7.0, "id"), number("7", "id")
    (7, '7')

    Raises:
        ValueError: a number that is not whole.
    """
    return value if isinstance(value, str) else whole(value, subject)


def whole(value: ReadWhole, subject: str) -> int:
    """A whole number, which may be written as 7.0.

    Raises:
        ValueError: another number.
    """
    if value != int(value):
        raise ValueError(f"the {subject} {value} is not a whole number")
    return int(value)


def sized(id: ReadNumber, height: ReadWhole, width: ReadWhole) -> tuple[Number, int, int]:  # noqa: A002 - its name in the file
    """The id, height and width of an image.

    Raises:
        ValueError: no pixel, or more than a mask can count; the message has the id.
    """
    name, size = number(id, "id"), (whole(height, "height"), whole(width, "width"))
    try:
        masks.check_size(size)
    except InputError as error:
        raise ValueError(f"{error} (id {name!r})") from None
    return name, *size
