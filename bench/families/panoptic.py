"""Panoptic quality: PQ, SQ and RQ over all classes, things and stuff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Family, Scores
from bench.families.shared.panoptic_metrics import panoptic_metrics

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.families.contract.rules import Rules, Source
    from bench.metrics.semantic import ClassesIn
    from bench.notices import Notice
    from bench.samples import Array, Prediction, Sample, Table
    from bench.samples.columns import SegmentPairs


class Options(NamedTuple):
    """The classes of means, and the width of boundaries if these are counted in the same pass."""

    classes_in: ClassesIn | None
    boundaries: float | None


@final
class Panoptic(Family[Options]):
    """PQ, SQ and RQ."""

    name = "panoptic"
    group = "panoptic"
    title = "panoptic"
    task = "panoptic"
    counted = "default"
    order = 150
    tables = ("segments", "truth_segments")
    options_type = Options
    metrics = panoptic_metrics("mask IoU", "panopticapi")

    def options(self, rules: Rules) -> Options:
        """Boundaries are counted in the same pass where that family is counted too."""
        together = "panoptic_boundary" in rules.families
        return Options(rules.classes_in, rules.boundary_ratio if together else None)

    def suits(self, card: Card) -> bool:
        """Every data set with a segment for every pixel."""
        return "panoptic" in card.tasks

    def count(
        self, card: Card, options: Options, sample: Sample, prediction: Prediction, *, position: int
    ) -> dict[str, Table]:
        """Match the segments of one image, and their boundaries in the same pass if asked for."""
        return shared.segments.count(
            card, sample, prediction, position, boundary_ratio=options.boundaries
        )

    def counts_pairs(self, options: Options) -> bool:
        """Pairs of segments are enough, except for boundaries."""
        return options.boundaries is None

    def count_pairs(self, card: Card, pairs: SegmentPairs, positions: Array) -> dict[str, Table]:
        """Match the segments of several images, whose `positions` in the data set are given."""
        return arithmetic.panoptic.count_pairs(pairs, card.classes, positions)

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes, which of them are things, and how segments match."""
        return shared.segments.rules_of(classes)

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """Class, crowd and pixels of every true segment."""
        return arithmetic.panoptic.truth_rows(tables)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        return shared.segments.score(tables["segments"], weights, classes, options.classes_in)

    def leave_out(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score with each cluster left out."""
        table, classes_in = tables["segments"], options.classes_in
        return shared.segments.scores_of(
            shared.segments.leave_out(table, clusters, classes, classes_in)
        )

    def per_image(
        self, tables: Mapping[str, Table], images: int, classes: Classes, options: Options
    ) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        """The scores of every image, and its PQ of every class."""
        scored = arithmetic.panoptic.per_image(
            tables["segments"],
            images,
            classes,
            classes_in=options.classes_in or shared.segments.CLASSES_IN,
        )
        return scored.overall, {"PQ": scored.per_class["PQ"]}

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over."""
        return shared.segments.facts_of(tables["segments"], classes, options.classes_in)

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options, source: Source
    ) -> list[Notice]:
        """Segments that are found as other classes, and classes that are never predicted."""
        from bench.families.doubts import object_doubts

        return object_doubts.of_segments(tables, classes, source)

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> list[tuple[str, str]]:
        """Classes that too few clusters contain, and areas of the truth that are not its pixels."""
        table, classes_in = tables["segments"], options.classes_in
        held = shared.segments.leave_out(table, clusters, classes, classes_in).fixed
        silent = ", ".join(name for name, rare in zip(classes.names, held, strict=True) if rare)
        notices = shared.segments.wrong_areas(tables)
        if not silent:
            return notices
        message = (
            f"too few images carry {silent}: in the means they are taken to vary as the others do"
        )
        return [("silent-classes", message), *notices]


FAMILY = Panoptic()
