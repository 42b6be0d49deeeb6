"""Why predictions may not fit the images of a split: above all, because they are those of another split.

It is asked once something has been refused, so it may read other splits to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.cards import Card
from bench.errors import InputError, UnmatchedError
from bench.formats import layout
from bench.samples import Sample

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Asked:
    """What was asked: predictions of a task at `path`, for the images of a split of a data set at `root`."""

    card: Card
    root: Path
    split: str
    path: Path
    task: str
    images: int

    def explaining(self, read: Callable[[], T]) -> Callable[[], T]:
        """A function that reads predictions and, where they do not fit the images, says why that may be.

        Raises:
            UnmatchedError: as the function given; the message names the split, and another one that fits.
        """

        def run() -> T:
            try:
                return read()
            except UnmatchedError as error:
                raise UnmatchedError(f"{error}{self._cause()}") from None

        return run

    def _cause(self) -> str:
        read = f"; the split {self.split!r} of {self.card.title} was read ({self.images} images)"
        for other in self.card.splits:
            if other != self.split:
                found = self._fitting(other)
                if found:
                    return f"{read}, and the predictions fit all {len(found)} images of {other!r}: --split {other}"
        return read

    def _fitting(self, split: str) -> Sequence[Sample]:
        """The images of a split, where all of them have predictions there."""
        reader = layout(self.card)
        try:
            samples = reader.read_truth(self.card, self.root, split)
            reader.read_predictions(self.card, self.path, self.task, samples)
        except (InputError, OSError):
            return ()
        return samples
