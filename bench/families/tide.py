"""Errors of detections by kind, and how much AP50 would rise if each kind were corrected: TIDE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import NoOptions, Scores
from bench.families.contract.metric import fraction
from bench.families.shared.object_family import ObjectFamily

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.notices import Notice
    from bench.samples import Array, Table
    from bench.samples.columns import DetectionColumns, TruthColumns


_ERRORS = {
    "class": "the right place and the wrong class",
    "location": "the right class and an overlap below .50",
    "both": "the wrong class and an overlap below .50",
    "duplicate": "an object that another detection has matched",
    "background": "no object",
    "missed": "objects that no detection matches",
}


@final
class Tide(ObjectFamily[NoOptions]):
    """TIDE's kinds of errors."""

    name = "tide"
    group = "tide"
    title = "errors of detections: rise of AP50 if corrected"
    counted = "all"
    order = 120
    own_protocol = "TIDE counts 100 detections of an image, at an overlap of .50"
    tables = ("tide_detections", "tide_truths")
    options_type = NoOptions
    metrics = (
        fraction(
            "AP50",
            "AP50",
            meaning="AP50 by TIDE's rules",
            reference="TIDE, tidecv",
            per_class="AP50",
        ),
        *(
            fraction(
                f"dAP_{error}",
                f"dAP_{error}",
                meaning=f"rise of AP50 without these errors: {description}",
                reference="TIDE, tidecv",
                better="lower",
            )
            for error, description in _ERRORS.items()
        ),
    )

    def count_columns(
        self, options: NoOptions, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Sort the errors of all images at once."""
        return arithmetic.tide.count(truth, detections)

    def rules_of(self, classes: Classes, options: NoOptions) -> dict[str, Any]:
        """Classes and protocol."""
        return {"table": "tide", "classes": list(classes.names), "protocol": "tide"}

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image and class."""
        return arithmetic.tide.truth_rows(tables)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: NoOptions
    ) -> Scores:
        """Score N images under weights (B, N)."""
        return shared.objects.scores_of(arithmetic.tide.score(tables, weights, classes))

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: NoOptions
    ) -> dict[str, Any]:
        """How many detections are errors of each kind."""
        return {"errors": arithmetic.tide.errors(tables)}

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: NoOptions
    ) -> list[Notice]:
        """How many detections are above TIDE's maximum."""
        most = arithmetic.tide.DETECTIONS
        table, maximum = f"tide_{arithmetic.max_detections.LEFT_OUT}", f"{most} detections"
        return shared.objects.left_out_notices(tables, table, maximum, f"{maximum} of an image")


FAMILY = Tide()
