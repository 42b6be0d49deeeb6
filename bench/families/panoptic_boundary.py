"""Boundary PQ: panoptic quality by the smaller of mask IoU and boundary IoU."""

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
    from bench.metrics.semantic import ClassesIn
    from bench.samples import Array, Prediction, Sample, Table


class Options(NamedTuple):
    """The classes of means, the width of boundaries, and the families that share the pass."""

    families: tuple[str, ...]
    classes_in: ClassesIn | None
    boundary_ratio: float


@final
class PanopticBoundary(Family[Options]):
    """PQ, SQ and RQ by boundaries."""

    name = "panoptic_boundary"
    group = "panoptic_boundary"
    title = "panoptic, by boundaries"
    task = "panoptic"
    prefix = "boundary_"
    counted = "all"
    order = 160
    tables = ("boundary_segments", "truth_segments")
    options_type = Options
    metrics = panoptic_metrics("the smaller of mask IoU and boundary IoU", "boundary-iou-api")

    def suits(self, card: Card) -> bool:
        """Every data set with a segment for every pixel."""
        return "panoptic" in card.tasks

    def count(
        self, card: Card, options: Options, sample: Sample, prediction: Prediction, *, position: int
    ) -> dict[str, Table]:
        """Match segments and boundaries of one image, unless `panoptic` does so already."""
        if "panoptic" in options.families:
            return {}
        tables = shared.segments.count(
            card, sample, prediction, position, boundary_ratio=options.boundary_ratio
        )
        return {name: tables[name] for name in (*self.tables, "claimed_areas")}

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Those of PQ, with the width of boundaries."""
        return {
            **shared.segments.rules_of(classes),
            "table": "boundary_segments",
            "boundary_ratio": options.boundary_ratio,
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """Class, crowd and pixels of every true segment."""
        return arithmetic.panoptic.truth_rows(tables)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        table = tables["boundary_segments"]
        return shared.segments.score(table, weights, classes, options.classes_in)

    def leave_out(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score with each cluster left out."""
        table, classes_in = tables["boundary_segments"], options.classes_in
        return shared.segments.scores_of(
            shared.segments.leave_out(table, clusters, classes, classes_in)
        )

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over, and how wide boundaries are."""
        table = tables["boundary_segments"]
        return {
            **shared.segments.facts_of(table, classes, options.classes_in),
            "boundary_ratio": options.boundary_ratio,
        }

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> list[tuple[str, str]]:
        """Areas of the truth that are not its pixels, unless `panoptic` reports them already."""
        return [] if "panoptic" in options.families else shared.segments.wrong_areas(tables)


FAMILY = PanopticBoundary()
