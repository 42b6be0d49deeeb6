"""The contract of a family of metrics: what it declares, what it must implement, what it may.

A family joins a metric's `count` and `score` to samples, rules and records. The arithmetic is the
metric's own. Nothing heavy is imported here or at the top of a family's file: NumPy and the metric
are imported by the methods, so that reading the declarations of all families takes milliseconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

from bench.errors import UsageError
from bench.families.contract.metric import Metric

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.families.contract.rules import Rules, Source
    from bench.notices import Notice
    from bench.samples import Array, Prediction, Sample, Table
    from bench.samples.columns import DetectionColumns, TruthColumns

When = Literal["default", "all", "named"]
"""Counted where nothing is asked for, with `--metrics all` too, or only where it is named."""
Ability = Literal["leave_out", "count_columns", "count_pairs", "per_image", "curves", "confusion"]
ABILITIES: tuple[Ability, ...] = (
    "leave_out",
    "count_columns",
    "count_pairs",
    "per_image",
    "curves",
    "confusion",
)
"""Methods that only some families implement."""


OTHER, NOTHING = "not scored", "nothing"
"""The last columns of confusion matrices: pixels predicted as a label that is not scored, and
objects that no detection matches.
"""


class NoOptions(NamedTuple):
    """The options of a family that no rule changes."""


class NamedOptions(Protocol):
    """Any named tuple; as a protocol, so that protocols derived from it can ask for fields too."""

    def _asdict(self) -> dict[str, Any]: ...


OptionsT = TypeVar("OptionsT", bound=NamedOptions)


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of B resamples of N images, NaN where undefined.

    `overall` maps names to (B,), `per_class` to (B, C), `per_category` to (B, K) for the K
    `categories`. With one cluster left out at a time, `parts` names for each mean over classes the
    scores of single classes behind it, and how many clusters carry each class (C,), -1 for classes
    outside of the mean.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    per_category: Mapping[str, Array] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    parts: Mapping[str, tuple[str, Array]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Confusion:
    """Pixels or objects by what they are (rows) and what they are taken for (columns).

    `counts` (rows, columns) int64; `unit` is pixels or objects. Of objects, the last row are
    detections of nothing and the last column objects that were missed.
    """

    unit: str
    truth: tuple[str, ...]
    predicted: tuple[str, ...]
    counts: Array


class Curve(NamedTuple):
    """Precision over recall of one class at one overlap, each (R,), and the scores reached
    there.
    """

    label: str
    overlap: float
    recalls: Sequence[float]
    precisions: Sequence[float]
    scores: Sequence[float]


class Family(ABC, Generic[OptionsT]):
    """A group of metrics that are counted in one pass and scored together.

    One file holds one final implementation. It is also what a family from outside implements:
    `--metrics package.module:Name`.
    """

    prefix: ClassVar[str] = ""
    """What its metrics are prefixed with outside of the group, as in box_AP."""
    counted: ClassVar[When] = "named"
    order: ClassVar[int] = 1000
    """Groups are shown in this order; of two metrics with one name, the first family's counts."""
    needs: ClassVar[str] = ""
    """What it needs of a data set beyond ground truth of its task, for the message."""
    needs_masks: ClassVar[bool] = True
    """Whether objects with boxes alone are not enough."""
    needs_whole_truth: ClassVar[bool] = False
    """Whether it reads several forms of an image's ground truth, which a training loop lacks."""
    needs_confidence: ClassVar[bool] = False
    """Whether it needs the confidence of every pixel, which stored label maps lack."""
    own_protocol: ClassVar[str] = ""
    """Why the settings of COCO's protocol do not apply, for the message."""
    abilities: ClassVar[frozenset[Ability]] = frozenset()
    """The optional methods that it implements: filled in when the class is made."""

    def __init__(self, key: str = "") -> None:
        """Take the name in records: that of the file, or for code from outside `module:name`."""
        self.key = key or self.name

    def __init_subclass__(cls) -> None:
        """Note which of the optional methods the class defines."""
        cls.abilities = cls.abilities | {name for name in ABILITIES if name in cls.__dict__}

    def __repr__(self) -> str:
        """The name in records."""
        return f"<Family {self.key}>"

    # ---- declared

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the family: that of its file."""

    @property
    @abstractmethod
    def group(self) -> str:
        """Under which name its scores appear in a record."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What the group is called in tables."""

    @property
    @abstractmethod
    def task(self) -> str:
        """Which predictions it counts: semantic, instance, panoptic or prompted."""

    @property
    @abstractmethod
    def tables(self) -> tuple[str, ...]:
        """The tables of counts that it scores, each with a column `image`."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """All its metrics, overall and per class, under the default rules."""

    @property
    @abstractmethod
    def options_type(self) -> type[OptionsT]:
        """The named tuple of its options; each field is a field of `Rules`."""

    # ---- to implement

    @abstractmethod
    def suits(self, card: Card) -> bool:
        """Whether it makes sense on a data set."""

    @abstractmethod
    def count(
        self,
        card: Card,
        options: OptionsT,
        sample: Sample,
        prediction: Prediction,
        *,
        position: int,
    ) -> dict[str, Table]:
        """Count one image: table name -> rows, whose column `image` is the position."""

    @abstractmethod
    def rules_of(self, classes: Classes, options: OptionsT) -> dict[str, Any]:
        """What two runs must share for their tables to be comparable, as JSON can hold it."""

    @abstractmethod
    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """The rows of the ground truth, independent of the predictions."""

    @abstractmethod
    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: OptionsT
    ) -> Scores:
        """Score N images under weights (B, N)."""

    # ---- optional

    def options(self, rules: Rules) -> OptionsT:
        """The options of the family: the fields of the rules that it reads."""
        fields = self.options_type.__annotations__
        return self.options_type(*(getattr(rules, name) for name in fields))

    def metrics_under(self, options: OptionsT) -> tuple[Metric, ...]:
        """The metrics under these options, where they change names such as AR500."""
        return self.metrics

    def title_in(self, metric: Metric, group: Mapping[str, Any]) -> str:
        """The title of a metric in a table of the record's group, which also holds facts."""
        return metric.title

    def problem(self, options: OptionsT) -> str:
        """Why these options make its scores impossible, for the message; "" where they do not."""
        return ""

    def score_only(
        self,
        tables: Mapping[str, Table],
        weights: Array,
        classes: Classes,
        options: OptionsT,
        *,
        name: str,
    ) -> Scores:
        """At least the score of this name, to the bit as `score` has it, where one costs less."""
        return self.score(tables, weights, classes, options)

    def leave_out(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: OptionsT
    ) -> Scores | None:
        """Score with each cluster left out; None where scores jump, so that the jackknife fails.

        Intervals of families without it come from the bootstrap.
        """
        return None

    def settled(
        self, tables: Mapping[str, Table], classes: Classes, options: OptionsT
    ) -> Mapping[str, Table]:
        """The tables of a run before the scores of its detections become ranks.

        Families that look at score thresholds note here which detections are above them.
        """
        return tables

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: OptionsT
    ) -> dict[str, Any]:
        """What the record's group holds beside scores, such as how many classes a mean runs
        over.
        """
        return {}

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: OptionsT
    ) -> Sequence[tuple[str, str] | Notice]:
        """What a reader of the scores should know: code and message, or a `Notice`."""
        return []

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: OptionsT, source: Source
    ) -> Sequence[Notice]:
        """Signs in the counts that predictions were read in another way than they were meant."""
        return []

    def count_columns(
        self, options: OptionsT, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Count all images at once; empty where another family makes the same tables.

        Called only where the class defines it: then it is one of its `abilities`.
        """
        raise NotImplementedError

    def counts_pairs(self, options: OptionsT) -> bool:
        """Whether pairs of labels or segments are enough under these options."""
        return "count_pairs" in self.abilities

    def count_pairs(self, card: Card, pairs: Any, positions: Array) -> dict[str, Table]:
        """Count several images, whose `positions` in the data set are given, from pairs.

        Called only where the class defines it and `counts_pairs`.
        """
        raise NotImplementedError

    def per_image(
        self, tables: Mapping[str, Table], images: int, classes: Classes, options: OptionsT
    ) -> tuple[Mapping[str, Array], Mapping[str, Array]] | None:
        """Every image's own scores, (N,) and per class (N, C); None where another family has
        them.
        """
        return None

    def curves(
        self, tables: Mapping[str, Table], classes: Classes, options: OptionsT
    ) -> Sequence[Curve]:
        """Precision over recall of every class with ground truth, at every overlap."""
        return ()

    def confusion(
        self, tables: Mapping[str, Table], classes: Classes, options: OptionsT
    ) -> Confusion | None:
        """What each class is taken for, over all images; None where another family has it."""
        return None

    # ---- answered from the declarations

    @property
    def settings(self) -> frozenset[str]:
        """The rules that it follows."""
        return frozenset(self.options_type.__annotations__)

    def full_name(self, metric: str) -> str:
        """The name of one of its scores outside of the group: box_AP."""
        return self.prefix + metric

    def full_names(self, options: OptionsT) -> tuple[str, ...]:
        """The names of all its metrics outside of the group."""
        return tuple(self.full_name(metric.name) for metric in self.metrics_under(options))

    def metric(self, name: str, options: OptionsT) -> Metric:
        """The declaration of a score, whose name may end in a region: `mIoU@crop-200`.

        Raises:
            UsageError: the family computes a score that it does not declare.
        """
        metric = self.metric_or_none(name, options)
        if metric is None:
            raise UsageError(f"the family {self.key} does not declare its metric {name!r}")
        return metric

    def metric_or_none(self, name: str, options: OptionsT) -> Metric | None:
        """The declaration of a score, None where another family of the group computes it."""
        plain = name.partition("@")[0]
        same_name = (metric for metric in self.metrics_under(options) if metric.name == plain)
        return next(same_name, None)

    @property
    def leading(self) -> frozenset[str]:
        """The names of the metrics that come first."""
        return frozenset(metric.name for metric in self.metrics if metric.leading)
