"""Objects of a long list of classes by their boxes, as LVIS scores them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Curve, Family, Scores
from bench.families.shared import lvis_metrics

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.families.contract.rules import Source
    from bench.notices import Notice
    from bench.samples import Array, Prediction, Sample, Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """The families that are counted too."""

    families: tuple[str, ...]


@final
class LvisBoxes(Family[Options]):
    """AP and AR of LVIS by boxes."""

    name = "lvis_boxes"
    group = "lvis_boxes"
    title = "instances by boxes, as LVIS scores them"
    task = "instance"
    prefix = "lvis_box_"
    counted = "default"
    order = 100
    needs = "truth in the layout lvis"
    needs_masks = False
    own_protocol = lvis_metrics.PROTOCOL
    tables = ("lvis_box_detections", "lvis_box_truths")
    options_type = Options
    metrics = lvis_metrics.lvis_metrics("by boxes")

    def suits(self, card: Card) -> bool:
        """Data sets in the layout of LVIS, whose images say which classes they are annotated
        for.
        """
        return card.layout == "lvis"

    def count(
        self, card: Card, options: Options, sample: Sample, prediction: Prediction, *, position: int
    ) -> dict[str, Table]:
        """Match the objects of one image."""
        tables = self.count_columns(options, *shared.objects.columns_of(sample, prediction))
        return shared.objects.at_position(tables, position)

    def count_columns(
        self, options: Options, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once."""
        absent = shared.lvis_objects.lists_of(truth)
        return arithmetic.lvis.count(truth, detections, *absent, kind="box")

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes with their frequencies, and protocol."""
        return {
            "table": "lvis",
            "kind": "box",
            "classes": list(classes.names),
            "frequencies": shared.lvis_objects.frequencies(classes),
            "protocol": "lvis",
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image, class and size range."""
        return arithmetic.lvis.truth_rows(tables, kind="box")

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        return shared.lvis_objects.scores(tables, weights, classes, kind="box")

    def score_only(
        self,
        tables: Mapping[str, Table],
        weights: Array,
        classes: Classes,
        options: Options,
        *,
        name: str,
    ) -> Scores:
        """The score of this name alone, to the bit as `score` has it."""
        return shared.lvis_objects.scores(tables, weights, classes, kind="box", only=name)

    def curves(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> list[Curve]:
        """Precision at 101 recalls of every class and overlap."""
        return shared.lvis_objects.curves(tables, classes, kind="box")

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over."""
        return shared.objects.facts_of_all_sizes(tables["lvis_box_truths"], classes)

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options, source: Source
    ) -> list[Notice]:
        """As for masks, unless the family `lvis` reports them already."""
        from bench.families.doubts import object_doubts

        if "lvis" in options.families:
            return []
        names = "lvis_box_detections", "lvis_box_truths"
        return object_doubts.of_objects(tables, *names, classes, source)

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> list[Notice]:
        """What LVIS's maximum of detections leaves out."""
        return shared.lvis_objects.notices_of(tables, "lvis_box_truths")


FAMILY = LvisBoxes()
