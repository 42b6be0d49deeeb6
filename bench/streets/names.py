"""Which street scenes exist: splits, invented cities, sequences, and the seeds made of their names.

This module does not know what a scene shows. Every random number of a scene comes from `Dice`, a
small integer generator that is defined here, so that no library's random stream decides a pixel.
"""

import hashlib
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SPLITS = {"train": 2000, "val": 500, "mini": 20}
FRAMES = 10
CITIES = {
    "train": (
        "aldermoor",
        "brunnfeld",
        "corvenza",
        "dunhaven",
        "eskilby",
        "falkenrode",
        "grantmouth",
        "hollerau",
    ),
    "val": ("karnstedt", "lowmere", "marvique", "nordhollen", "ostwick"),
    "mini": ("pellbruck", "quarnford"),
}
MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Place:
    """Origin of an image: `sequence` is counted within its city, `frame` within its sequence."""

    city: str
    sequence: int
    frame: int


def place(split: str, index: int) -> Place:
    """City, sequence and frame of image `index` of a split.

    Raises:
        KeyError, IndexError: there is no such split or image.
    """
    if not 0 <= index < SPLITS[split]:
        raise IndexError(f"index {index} of split '{split}' is outside 0..{SPLITS[split] - 1}")
    cities = CITIES[split]
    sequences = -(-SPLITS[split] // FRAMES)
    sequence, frame = divmod(index, FRAMES)
    city = sequence * len(cities) // sequences
    first = -(-city * sequences // len(cities))
    return Place(cities[city], sequence - first, frame)


def scene_id(split: str, index: int) -> str:
    """The Cityscapes-style name of an image, `<city>_<sequence>_<frame>`.

    >>> scene_id("val", 13)
    'karnstedt_000001_000003'
    """
    where = place(split, index)
    return f"{where.city}_{where.sequence:06d}_{where.frame:06d}"


def seed_of(*names: str | int) -> int:
    """A 64-bit seed from names, the same on every machine."""
    text = "/".join(str(name) for name in names)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class Dice:
    """Random integers by splitmix64."""

    def __init__(self, seed: int) -> None:
        self.state = seed & MASK

    def bits(self) -> int:
        """The next 64 bits."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        word = self.state
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
        return word ^ (word >> 31)

    def between(self, low: int, high: int) -> int:
        """An integer in low..high, both included."""
        return low + (self.bits() >> 11) % (high - low + 1)

    def chance(self, percent: int) -> bool:
        """True `percent` times in a hundred."""
        return (self.bits() >> 11) % 100 < percent

    def pick(self, choices: tuple[T, ...]) -> T:
        """One of the choices."""
        return choices[(self.bits() >> 11) % len(choices)]

    def shade(self, color: tuple[int, int, int], spread: int) -> tuple[int, int, int]:
        """The colour with its brightness changed by at most `spread`, its hue by `spread // 3`."""
        level = self.between(-spread, spread)
        red, green, blue = (
            min(255, max(0, c + level + self.between(-(spread // 3), spread // 3))) for c in color
        )
        return red, green, blue
