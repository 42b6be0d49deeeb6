"""Why predictions do not fit the images of a split: mostly because they belong to another split.

This is used only after an error, so it may take the time to read the other splits.
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
    """What was requested: predictions of a task at `path`, for the images of a split at `root`."""

    card: Card
    root: Path
    split: str
    path: Path
    task: str
    images: int

    def explaining(self, read: Callable[[], T]) -> Callable[[], T]:
        """The same reader, whose error says why predictions may not fit the images.

        Raises:
            UnmatchedError: as `read` does; the message names the split, and another one that fits.
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
                fitting_images = self._fitting(other)
                if fitting_images:
                    return (
                        f"{read}, and the predictions fit all {len(fitting_images)} images of "
                        f"{other!r}: --split {other}"
                    )
        return read

    def _fitting(self, split: str) -> Sequence[Sample]:
        """The images of a split if all of them have predictions at the path; else nothing."""
        reader = layout(self.card)
        try:
            samples = reader.read_truth(self.card, self.root, split)
            reader.read_predictions(self.card, self.path, self.task, samples)
        except (InputError, OSError):
            return ()
        return samples
