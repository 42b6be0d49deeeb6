"""The layouts: where the files of a data set are and what their bytes mean.

What a card calls `layout` is a folder here with a `layout.py`, or one file (`<name>.py`), or from
outside `package.module:Name`. The other folders hold what layouts share. Nothing here knows models
or metrics.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from bench import plugins
from bench.cards.card_rules import CardRules
from bench.errors import OwnCodeError, UsageError, did_you_mean
from bench.samples import Prediction, Sample

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes, LabelSpace
    from bench.notices import Notice
    from bench.samples.columns import DetectionColumns, TruthColumns

Ids: TypeAlias = Sequence[str] | Literal["all"] | None
"""Which images: a list of ids, every image found, or (None) the split list that the data set
ships.
"""
PredictionReader: TypeAlias = Callable[[Sample], Prediction]
Progress: TypeAlias = Callable[[int], None]
"""Called with the number of images done since the last call."""


@runtime_checkable
class HasNotices(Protocol):
    """A prediction reader that reports what is unusual in the stored predictions."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is unusual; complete once a prediction has been read."""
        ...


@runtime_checkable
class UsesFiles(Protocol):
    """A prediction reader that knows which files it reads, so that unused files can be reported."""

    @property
    def used(self) -> Collection[Path]:
        """The files."""
        ...


class Layout(CardRules, ABC):
    """One layout of data sets on disk; a final subclass implements it in a file of its own.

    The class attributes that it inherits from `CardRules` say which keys of a card it uses.
    """

    reads_columns: ClassVar[bool] = False
    """Whether `read_columns` is implemented."""

    @abstractmethod
    def read_truth(self, card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
        """List the samples of a split in the layout's own order; images and truth are read later.

        `root` is the data set's folder as it was downloaded or, where `reads_one_file`, the
        ground-truth file.

        Raises:
            DataError: folders, lists or truth files are missing; the message says what is expected
                and where.
        """

    @abstractmethod
    def read_predictions(
        self,
        card: Card,
        path: Path,
        task: str,
        samples: Sequence[Sample],
        *,
        space: LabelSpace = "ids",
    ) -> PredictionReader:
        """Find a stored prediction for every sample; the function returned reads one when called.

        Raises:
            PredictionError: samples without a prediction (how many, and the first of them), or
                files of the wrong kind.
        """

    def write_truth(
        self,
        card: Card,
        root: Path,
        split: str,
        samples: Iterable[Sample],
        *,
        progress: Progress | None = None,
    ) -> None:
        """Write images and ground truth in the full folder structure of the layout.

        Raises:
            UsageError: this layout does not write data sets.
        """
        del root, split, samples, progress
        raise UsageError(f"the layout {card.layout!r} does not write data sets")

    def write_predictions(
        self, card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
    ) -> None:
        """Write predictions in the form that `read_predictions` and the official tools read.

        Raises:
            UsageError: this layout does not write predictions.
        """
        del path, predictions
        raise UsageError(
            f"the layout {card.layout!r} does not write predictions of the task {task!r}"
        )

    def read_classes(self, card: Card, root: Path, split: str) -> Classes:
        """The classes that the ground truth lists; needed where `classes_from` holds `truth`.

        Raises:
            DataError: no truth file, or a damaged one.
        """
        del root, split
        raise UsageError(f"the layout {card.layout!r} does not read classes from the ground truth")

    def read_columns(
        self,
        card: Card,
        root: Path,
        split: str,
        path: Path,
        samples: Sequence[Sample],
        *,
        with_masks: bool = True,
    ) -> tuple[TruthColumns, DetectionColumns] | None:
        """Read truth and predictions of objects in bulk, as columns; None where that is not
        possible.

        Raises:
            DataError, PredictionError: as `read_truth` and `read_predictions`.
        """
        del card, root, split, path, samples, with_masks
        return None


@cache
def names() -> tuple[str, ...]:
    """Names of the layouts that ship, sorted: folders with a `layout.py`, and files."""
    here = Path(__file__).parent
    files = (path.stem for path in here.glob("[!_]*.py"))
    return tuple(sorted([*files, *(path.parent.name for path in here.glob("*/layout.py"))]))


@cache
def find(name: str) -> Layout:
    """The layout of this name, or the class that `package.module:Name` names.

    Raises:
        UsageError: there is no such layout, or the object is not a layout.
        OwnCodeError: importing a layout from outside raised an exception.
    """
    if plugins.is_outside(name):
        return _from_outside(name)
    if name not in names():
        raise UsageError(did_you_mean(name, names()))
    one_file = (Path(__file__).parent / f"{name}.py").is_file()
    module = import_module(f"bench.formats.{name}" + ("" if one_file else ".layout"))
    if not isinstance(module.LAYOUT, Layout):
        raise TypeError(f"{module.__name__}.LAYOUT is not a Layout")
    return module.LAYOUT


def _from_outside(name: str) -> Layout:
    loaded = plugins.load(name)
    if not (isinstance(loaded, type) and issubclass(loaded, Layout)):
        raise UsageError(f"{name} is not a class derived from bench.formats.Layout")
    lacking = sorted(loaded.__abstractmethods__)
    if lacking:
        raise UsageError(f"the class does not implement {' and '.join(lacking)}")
    if "truth" in loaded.classes_from and loaded.read_classes is Layout.read_classes:
        raise UsageError(
            "classes_from holds 'truth', but the class does not implement read_classes"
        )
    try:
        return loaded()
    except Exception as error:
        raise OwnCodeError(f"creating {name} raised {type(error).__name__}: {error}") from error


def layout(card: Card) -> Layout:
    """The layout that reads this card's files."""
    return find(card.layout)
