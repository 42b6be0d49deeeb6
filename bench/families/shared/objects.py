"""What families of objects share: reading one image, COCO-like protocols, and the notices on
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.classes import Classes
from bench.errors import PredictionError
from bench.families.contract.family import Curve, Scores
from bench.families.shared.protocol_options import ProtocolOptions
from bench.metrics import instance, max_detections
from bench.metrics.average_precision import InstanceScores
from bench.metrics.protocols import (
    COCO_MAX_DETECTIONS,
    COCO_RECALLS,
    COCO_SIZES,
    COCO_THRESHOLDS,
    SizeRange,
    coco_like,
)
from bench.metrics.protocols import Protocol as Matching
from bench.metrics.ranking import Curves
from bench.notices import Notice, many
from bench.samples import Array, Instances, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns


def scores_of(scores: InstanceScores) -> Scores:
    """The scores in the form of the contract."""
    return Scores(scores.overall, scores.per_class)


# ---- one image


def columns_of(sample: Sample, prediction: Prediction) -> tuple[TruthColumns, DetectionColumns]:
    """The objects of one image as columns.

    Raises:
        PredictionError: another kind of prediction, or masks of another size than the truth.
    """
    if not isinstance(prediction, Instances):
        kind = type(prediction).__name__
        raise PredictionError(
            f"{sample.id}: an instance evaluation needs detections with scores, not {kind}"
        )
    truth = sample.truth.instances()
    if prediction.size != truth.size and len(prediction):
        (tall, wide), (height, width) = prediction.size, truth.size
        raise PredictionError(
            f"{sample.id}: the predicted masks are {tall}x{wide} pixels (height x width) but the "
            f"truth is {height}x{width}: predictions have the size of the truth"
        )
    return instance.columns([truth], [prediction])


def at_position(tables: Mapping[str, Table], position: int) -> dict[str, Table]:
    """Tables that were counted for one image, with its position in their column `image`."""
    return {
        name: {**table, "image": np.full_like(table["image"], position)}
        for name, table in tables.items()
    }


# ---- COCO's protocol, and others of its kind


def protocol_of(options: ProtocolOptions) -> Matching:
    """The protocol that the options ask for, COCO's unless they say otherwise."""
    sizes: tuple[SizeRange, ...] = COCO_SIZES[1:]
    if options.area_ranges is not None:
        sizes = tuple(SizeRange(*area_range) for area_range in options.area_ranges)
    return coco_like(
        options.max_detections or COCO_MAX_DETECTIONS,
        options.iou_thresholds or COCO_THRESHOLDS,
        sizes,
    )


def changes(options: ProtocolOptions) -> dict[str, Any]:
    """The settings that are not COCO's, as JSON can hold them; two runs must share them."""
    changed: dict[str, Any] = {}
    if options.max_detections is not None:
        changed["max_detections"] = list(options.max_detections)
    if options.iou_thresholds is not None:
        changed["iou_thresholds"] = list(options.iou_thresholds)
    if options.area_ranges is not None:
        changed["area_ranges"] = {name: [low, high] for name, low, high in options.area_ranges}
    return changed


def names_under(options: ProtocolOptions) -> tuple[str, ...]:
    """The names of AP and AR under these options, such as AR500."""
    return tuple(measure.name for measure in protocol_of(options).measures)


def coco_scores(
    tables: Mapping[str, Table],
    weights: Array,
    classes: Classes,
    options: ProtocolOptions,
    *,
    kind: instance.Kind,
    only: str | None = None,
) -> Scores:
    """AP and AR of N images under weights (B, N); with `only` that score alone, to the bit."""
    protocol = protocol_of(options)
    return scores_of(
        instance.score(tables, weights, classes, kind=kind, protocol=protocol, only=only)
    )


def coco_curves(
    tables: Mapping[str, Table],
    classes: Classes,
    options: ProtocolOptions,
    *,
    kind: instance.Kind,
) -> list[Curve]:
    """Precision at 101 recalls of every class and overlap."""
    protocol = protocol_of(options)
    arrays = instance.curves(tables, classes, kind=kind, protocol=protocol)
    return curves_of(arrays, protocol, classes)


def curves_of(arrays: Curves, protocol: Matching, classes: Classes) -> list[Curve]:
    """Precision over recall of each class with ground truth, for objects of all sizes."""
    curves = []
    for k, label in enumerate(classes.names):
        for t, overlap in enumerate(protocol.thresholds):
            # The largest maximum of detections is the last.
            precisions, scores = (
                array[t, :, k, 0, -1] for array in (arrays.precision, arrays.scores)
            )
            if not np.isnan(precisions[0]):
                curves.append(
                    Curve(
                        label,
                        round(overlap, 10),
                        COCO_RECALLS,
                        precisions.tolist(),
                        scores.tolist(),
                    )
                )
    return curves


# ---- facts and notices


def facts_of(truths: Table, classes: Classes) -> dict[str, Any]:
    """How many classes have an object to be found."""
    scored = int(np.count_nonzero(np.bincount(truths["class"][truths["objects"] > 0])))
    return {"classes": {"scored": scored, "of": len(classes), "in": "truth"}}


def facts_of_all_sizes(truths: Table, classes: Classes) -> dict[str, Any]:
    """How many classes have an object of any size to be found."""
    whole = truths["size"] == 0
    return facts_of({name: column[whole] for name, column in truths.items()}, classes)


def protocol_facts(options: ProtocolOptions) -> dict[str, Any]:
    """By which protocol AP and AR were made, and how many detections per class and image count."""
    protocol = protocol_of(options)
    return {
        "protocol": "not COCO's" if changes(options) else "COCO's",
        "max_detections": protocol.max_detections,
    }


def notices_of(
    tables: Mapping[str, Table], truths: str, images: int, options: ProtocolOptions
) -> list[Notice]:
    """The notices on maximum detections and protocol; `truths` names the table of true objects."""
    protocol, notices = protocol_of(options), list[Notice]()
    best, maximum = (
        max_detections.perfect(tables[truths], protocol),
        int(protocol.max_detections or 0),
    )
    if best:
        holds = "has" if best.crowded == 1 else "have"
        more = [*(options.max_detections or COCO_MAX_DETECTIONS)[:-1], 100 * -(-best.most // 100)]
        notices.append(
            Notice(
                "more-objects-than-counted",
                f"{best.crowded} of {many(images, 'image')} {holds} more than {maximum} objects "
                f"of a class, and AP counts {maximum} detections of a class in an image: a "
                f"perfect model would score AP {100 * best.ap:.2f} and AR{maximum} "
                f"{100 * best.ar:.2f} (--max-detections {','.join(map(str, more))} counts more)",
                "warning",
            )
        )
    return notices + shared_notices(tables, options)


def shared_notices(tables: Mapping[str, Table], options: ProtocolOptions) -> list[Notice]:
    """The notices that hold for all scores made of the same matches.

    They say how many detections were left out, and how the protocol differs from COCO's.
    """
    maximum = protocol_of(options).max_detections
    notices = left_out_notices(
        tables,
        max_detections.LEFT_OUT,
        f"{maximum} detections of a class",
        str(maximum),
        "--max-detections changes that",
    )
    settings = protocol_in_words(options)
    if settings:
        notices.append(Notice("not-coco-protocol", f"this is not COCO's protocol: {settings}"))
    return notices


def left_out_notices(
    tables: Mapping[str, Table], name: str, held: str, counted: str, remedy: str = ""
) -> list[Notice]:
    """The notice on detections above a maximum, from the table `name`.

    Records of earlier versions lack that table.
    """
    left = tables.get(name)
    if left is None or not len(left["image"]):
        return []
    number, total = len(np.unique(left["image"])), int(left["detections"].sum())
    verb, were = "holds" if number == 1 else "hold", "was" if total == 1 else "were"
    more = f" ({remedy})" if remedy else ""
    message = (
        f"{many(number, 'image')} {verb} more than {held}; the protocol counts the {counted} with "
        f"the highest scores: {many(total, 'detection')} {were} left out{more}"
    )
    return [Notice("detections-left-out", message)]


def protocol_in_words(options: ProtocolOptions) -> str:
    """How the protocol differs from COCO's; "" where it does not.

    >>> from bench.families.contract.rules import Rules
    >>> rules = Rules(max_detections=(1, 500), area_ranges=(("tiny", 0.0, 256.0),))
    >>> protocol_in_words(rules)  # doctest: +NORMALIZE_WHITESPACE
    'maximum detections 1, 500 (COCO: 1, 10, 100); area ranges tiny 0 to 256 (COCO: small, medium,
    large)'
    """
    settings = []
    if options.max_detections:
        maxima = ", ".join(map(str, options.max_detections))
        settings.append(f"maximum detections {maxima} (COCO: 1, 10, 100)")
    if options.iou_thresholds:
        thresholds = ", ".join(f"{threshold:.6g}" for threshold in options.iou_thresholds)
        settings.append(f"IoU thresholds {thresholds} (COCO: .50 to .95)")
    if options.area_ranges:
        ranges = ", ".join(
            f"{name} {_area(low)} {_to(high)}" for name, low, high in options.area_ranges
        )
        settings.append(f"area ranges {ranges} (COCO: small, medium, large)")
    return "; ".join(settings)


def _area(value: float) -> str:
    return f"{value:.15g}"


def _to(high: float) -> str:
    return "and above" if high >= COCO_SIZES[0].high else f"to {_area(high)}"
