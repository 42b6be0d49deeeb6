"""The official layouts: where the files of a data set are and what their bytes mean.

What a card calls `layout` is a file of this folder (`voc.py`) or a folder with a `layout.py` (`coco/layout.py`). That
module reads ground truth and stored predictions and writes both. The other folders hold what layouts share. Nothing
here knows models or metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast, runtime_checkable

from bench.samples import Prediction, Sample

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes, LabelSpace
    from bench.notices import Notice

Ids: TypeAlias = Sequence[str] | Literal["all"] | None
"""Which images: a list of ids, every image found, or (None) the split list that the data set ships."""
PredictionReader: TypeAlias = Callable[[Sample], Prediction]
Progress: TypeAlias = Callable[[int], None]
"""Called with the number of images done since the last call."""


@runtime_checkable
class HasNotices(Protocol):
    """A prediction reader that says what is odd in the stored predictions."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is odd; complete once a prediction has been read."""
        ...


@runtime_checkable
class UsesFiles(Protocol):
    """A prediction reader that knows which files hold its predictions, so that those left over can be named."""

    @property
    def used(self) -> Collection[Path]:
        """The files."""
        ...


class Layout(Protocol):
    """What every module of this folder offers."""

    def read_truth(self, card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
        """List the samples of a split, sorted as the layout's own list has them; images and truth are read later.

        `root` is the data set's folder as it was downloaded or, for COCO, the truth JSON itself.

        Raises:
            DataError: folders, lists or truth files that are missing, naming what was looked for and where.
        """
        ...

    def read_predictions(
        self, card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
    ) -> PredictionReader:
        """Find a stored prediction for every sample; the function returned reads one when it is called.

        Raises:
            PredictionError: samples without a prediction (their number and the first ones), files of the wrong kind.
        """
        ...

    def write_truth(
        self, card: Card, root: Path, split: str, samples: Iterable[Sample], *, progress: Progress | None = None
    ) -> None:
        """Write images and truth in the full folder structure of the layout."""
        ...

    def write_predictions(
        self, card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
    ) -> None:
        """Write predictions in the form that `read_predictions` and the data set's official tools read."""
        ...


def layout(card: Card) -> Layout:
    """The module that reads this card's files."""
    return cast("Layout", _module(card.layout))


def classes_in_truth(card: Card, root: Path, split: str) -> Classes:
    """The classes that the truth of a split lists, for a card that leaves them to it (layouts `coco` and `lvis`).

    Raises:
        DataError: no truth file, or a damaged one.
    """
    found: Classes = _module(card.layout).read_classes(card, root, split)
    return found


def _module(name: str) -> ModuleType:
    """The module of a layout: bench/formats/<name>/layout.py, or bench/formats/<name>.py where it is one file."""
    folder = Path(__file__).parent / name
    return import_module(f"bench.formats.{name}.layout" if folder.is_dir() else f"bench.formats.{name}")
