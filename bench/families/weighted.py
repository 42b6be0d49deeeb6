"""Cityscapes' own scores beside mIoU: IoU of categories, and iIoU, which weights objects by
size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Confusion, Family, Scores
from bench.families.contract.metric import fraction
from bench.families.pixels import IOU

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.families.contract.rules import Source
    from bench.metrics.semantic import ClassesIn
    from bench.notices import Notice
    from bench.samples import Array, Prediction, Sample, Table


class Options(NamedTuple):
    """The classes of means, and the families that count the same pixels."""

    families: tuple[str, ...]
    classes_in: ClassesIn | None

    @property
    def alone(self) -> bool:
        """Whether the family `pixels` is not counted too."""
        return "pixels" not in self.families


@final
class Weighted(Family[Options]):
    """iIoU and the scores of categories."""

    name = "weighted"
    group = "semantic"
    title = "semantic"
    task = "semantic"
    counted = "all"
    order = 20
    needs = "objects of the classes of Cityscapes"
    needs_whole_truth = True
    tables = ("pixels", "weighted")
    options_type = Options
    metrics = (
        fraction(
            "iIoU",
            "iIoU",
            meaning="IoU in which each object counts by its class's average size, not by its own",
            reference="cityscapesScripts",
            per_class="iIoU",
        ),
        fraction(
            "category_IoU",
            "category IoU",
            meaning="mean IoU of the classes merged into their categories",
            reference="cityscapesScripts",
        ),
        fraction(
            "category_iIoU",
            "category iIoU",
            meaning="iIoU of the categories whose labels are all countable",
            reference="cityscapesScripts",
        ),
        IOU,  # of categories
    )

    def suits(self, card: Card) -> bool:
        """Data sets with objects in the classes of Cityscapes."""
        from bench.errors import UsageError

        try:
            arithmetic.weighted.average_sizes(card.classes)
        except UsageError:
            return False
        return {"semantic", "instance"} <= set(card.tasks) and bool(card.classes.things.any())

    def count(
        self, card: Card, options: Options, sample: Sample, prediction: Prediction, *, position: int
    ) -> dict[str, Table]:
        """Count the objects of one image, and its pixels unless `pixels` does so already."""
        from bench.errors import PredictionError
        from bench.samples import LabelMap

        if not isinstance(prediction, LabelMap):
            kind = type(prediction).__name__
            raise PredictionError(f"{sample.id}: iIoU needs a label map, not {kind}")
        counted = arithmetic.weighted.count(
            sample.truth.semantic(),
            sample.truth.segments(),
            prediction,
            card.classes,
            arithmetic.weighted.average_sizes(card.classes),
            prediction_ids=prediction.ids,
            image=position,
        )
        if options.alone:
            return {**shared.label_maps.count(card, sample, prediction, position), **counted}
        return counted

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes and their categories."""
        categories = [[entry.name, entry.category] for entry in classes.scored]
        return {"table": "weighted", "classes": categories}

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """How many objects of each class every image has."""
        return arithmetic.weighted.truth_rows(tables)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        scored = arithmetic.weighted.score(
            tables, weights, classes, classes_in=_classes_in(options)
        )
        return Scores(scored.overall, scored.per_class, scored.per_category, scored.categories)

    def leave_out(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score with each cluster left out."""
        scored = arithmetic.weighted.leave_out(
            tables, clusters, classes, classes_in=_classes_in(options)
        )
        return Scores(scored.overall, scored.per_class, scored.per_category, scored.categories)

    def per_image(
        self, tables: Mapping[str, Table], images: int, classes: Classes, options: Options
    ) -> tuple[Mapping[str, Array], Mapping[str, Array]] | None:
        """The scores of the pixels of every image, unless `pixels` has them already."""
        if not options.alone:
            return None
        return shared.label_maps.per_image(tables["pixels"], images, classes, options.classes_in)

    def confusion(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> Confusion | None:
        """Pixels by class and predicted class, unless `pixels` has them already."""
        return shared.label_maps.confusion(tables["pixels"], classes) if options.alone else None

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options, source: Source
    ) -> list[Notice]:
        """Signs in the pixels, unless `pixels` reports them already."""
        from bench.families.doubts import pixel_doubts

        if not options.alone:
            return []
        return pixel_doubts.doubts(tables, classes, _classes_in(options), source)


def _classes_in(options: Options) -> ClassesIn:
    return options.classes_in or shared.label_maps.CLASSES_IN


FAMILY = Weighted()
