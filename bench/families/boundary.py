"""Boundaries of label maps: Boundary IoU, and F-scores of contours at the tolerances of the
paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Family, Scores
from bench.families.contract.metric import Metric, fraction

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.metrics.semantic import ClassesIn
    from bench.samples import Array, Prediction, Sample, Table

TOLERANCES = ("0.00088", "0.001875", "0.00375", "0.005")
"""Those of `bench.metrics.boundary`, as they are named."""
_PREFIX = "boundary_F_"
_SHAPES = 5
"""Image sizes for which a record names the tolerances in pixels."""


class Options(NamedTuple):
    """The classes of means, the width of bands, and what a class without contour counts."""

    classes_in: ClassesIn | None
    boundary_ratio: float
    boundary_mode: Literal["gscnn", "present"]


@final
class Boundary(Family[Options]):
    """Boundary IoU and boundary F-scores."""

    name = "boundary"
    group = "semantic"
    title = "semantic"
    task = "semantic"
    counted = "all"
    order = 30
    tables = ("bands", "sizes")
    options_type = Options
    metrics = (
        fraction(
            "boundary_IoU",
            "boundary IoU",
            meaning="mean over classes of the IoU of the bands along their boundaries",
            reference="boundary-iou-api",
            per_class="boundary_IoU",
        ),
        *(
            fraction(
                _PREFIX + tolerance,
                f"boundary F at {tolerance}",
                meaning=f"mean F-score of contours, within {tolerance} of the diagonal",
                reference="GSCNN, arXiv 1907.05740",
                per_class=_PREFIX + tolerance,
            )
            for tolerance in TOLERANCES
        ),
    )

    def title_in(self, metric: Metric, group: Mapping[str, Any]) -> str:
        """A tolerance comes with its pixels where all images have one size."""
        radii = list(group.get("boundary", {}).get("tolerances_in_pixels", {}).values())
        if len(radii) != 1 or not metric.name.startswith(_PREFIX):
            return metric.title
        radius = radii[0][TOLERANCES.index(metric.name.removeprefix(_PREFIX))]
        return f"{metric.title} ({radius} px)"

    def suits(self, card: Card) -> bool:
        """Every data set with a class for every pixel."""
        return "semantic" in card.tasks

    def count(
        self, card: Card, options: Options, sample: Sample, prediction: Prediction, *, position: int
    ) -> dict[str, Table]:
        """Count the boundary pixels of one image, and note its size."""
        import numpy as np

        from bench.errors import PredictionError
        from bench.samples import LabelMap

        truth = sample.truth.semantic()
        if not isinstance(prediction, LabelMap) or prediction.size != truth.size:
            raise PredictionError(
                f"{sample.id}: boundaries need a label map of the size of the truth"
            )
        height, width = truth.size
        row = {"image": position, "height": height, "width": width}
        size = {name: np.array([value], dtype=np.int32) for name, value in row.items()}
        bands = arithmetic.boundary.count(
            truth, prediction, card.classes, band_ratio=options.boundary_ratio, image=position
        )
        return {**bands, "sizes": size}

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes, the width of bands, and the tolerances."""
        return {
            "table": "bands",
            "classes": list(classes.names),
            "boundary_ratio": options.boundary_ratio,
            "tolerances": list(arithmetic.boundary.TOLERANCES),
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """The boundary pixels of the ground truth."""
        return arithmetic.boundary.truth_rows(tables)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        scored = arithmetic.boundary.score(
            tables,
            weights,
            classes,
            mode=options.boundary_mode,
            classes_in=options.classes_in or shared.label_maps.CLASSES_IN,
        )
        return Scores(scored.overall, scored.per_class)

    def leave_out(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score with each cluster left out."""
        scored = arithmetic.boundary.leave_out(
            tables,
            clusters,
            classes,
            mode=options.boundary_mode,
            classes_in=options.classes_in or shared.label_maps.CLASSES_IN,
        )
        return Scores(scored.overall, scored.per_class)

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How wide boundaries are, in pixels of the first few image sizes."""
        shapes = sorted(_shapes(tables["sizes"]))[:_SHAPES]
        radii = {f"{h}x{w}": list(arithmetic.boundary.radii((h, w))) for h, w in shapes}
        return {
            "boundary": {
                "ratio": options.boundary_ratio,
                "mode": options.boundary_mode,
                "tolerances_in_pixels": radii,
            }
        }

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> list[tuple[str, str]]:
        """Tolerances that are the same number of pixels."""
        same = sorted(
            {
                (radius, group)
                for shape in _shapes(tables["sizes"])
                for radius, group in arithmetic.boundary.coinciding(shape)
            }
        )
        return [
            (
                "same-tolerance",
                (
                    f"the boundary tolerances {', '.join(f'{t:g}' for t in group)} are all "
                    f"{radius} pixels in some images"
                ),
            )
            for radius, group in same
        ]


def _shapes(sizes: Table) -> set[tuple[int, int]]:
    return set(zip(sizes["height"].tolist(), sizes["width"].tolist(), strict=True))


FAMILY = Boundary()
