"""Objects by their masks: COCO's AP and AR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families import Rules, Source
from bench.families.doubts import object_doubts
from bench.metrics import caps, instance
from bench.metrics.protocols import COCO_CAPS, COCO_SIZES, COCO_THRESHOLDS, Protocol, SizeRange, coco_like
from bench.notices import Notice, many
from bench.samples import Array, Instances, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "instance"
KIND = "mask"
TABLES = ("mask_detections", "mask_truths")
METRICS = (*instance.OVERALL,)


def suits(card: Card) -> bool:
    """Every data set with objects, but those whose images tell only some classes."""
    return "instance" in card.tasks and card.layout != "lvis"


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image, by boxes too if that family is asked for."""
    kinds: tuple[instance.Kind, ...] = ("mask", "box") if "boxes" in rules.families else ("mask",)
    return count_kinds(rules, sample, prediction, position, kinds)


def count_kinds(
    rules: Rules, sample: Sample, prediction: Prediction, position: int, kinds: tuple[instance.Kind, ...]
) -> dict[str, Table]:
    """Match the objects of one image by masks, boxes or both.

    Raises:
        PredictionError: another kind of prediction.
    """
    truth, found = columns_of(sample, prediction)
    tables = instance.count(truth, found, kinds=kinds, area_from=rules.area_from, protocol=protocol_of(rules))
    return {name: {**table, "image": np.full_like(table["image"], position)} for name, table in tables.items()}


def columns_of(sample: Sample, prediction: Prediction) -> tuple[TruthColumns, DetectionColumns]:
    """The objects of one image as columns.

    Raises:
        PredictionError: another kind of prediction, or masks of another size than the truth.
    """
    if not isinstance(prediction, Instances):
        kind = type(prediction).__name__
        raise PredictionError(f"{sample.id}: an instance evaluation needs detections with scores, not {kind}")
    truth = sample.truth.instances()
    if prediction.size != truth.size and len(prediction):
        (tall, wide), (height, width) = prediction.size, truth.size
        raise PredictionError(
            f"{sample.id}: the predicted masks are {tall}x{wide} pixels (height x width) but the truth is "
            f"{height}x{width}: predictions have the size of the truth"
        )
    return instance.columns([truth], [prediction])


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once, by boxes too if that family is asked for."""
    kinds: tuple[instance.Kind, ...] = ("mask", "box") if "boxes" in rules.families else ("mask",)
    return instance.count(truth, detections, kinds=kinds, area_from=rules.area_from, protocol=protocol_of(rules))


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes and protocol."""
    plain = {"table": KIND, "classes": list(classes.names), "protocol": "coco", "area_from": rules.area_from}
    return {**plain, **changes(rules)}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image, class and size range."""
    return instance.truth_rows(tables, kind=KIND)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> instance.InstanceScores:
    """Score N images under B rows of weights (B, N)."""
    return instance.score(tables, weights, classes, kind=KIND, protocol=protocol_of(rules))


def score_only(
    tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules, name: str
) -> instance.InstanceScores:
    """The score of this name alone, to the bit as `score` has it."""
    return instance.score(tables, weights, classes, kind=KIND, protocol=protocol_of(rules), only=name)


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> None:
    """None: AP is made of steps, which the delete-one jackknife fails; its interval comes from the bootstrap."""
    return


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over, and by which protocol."""
    return {**facts_of(tables["mask_truths"], classes), **protocol_facts(rules)}


def facts_of(truths: Table, classes: Classes) -> dict[str, Any]:
    """How many classes have an object to be found."""
    scored = int(np.count_nonzero(np.bincount(truths["class"][truths["objects"] > 0])))
    return {"classes": {"scored": scored, "of": len(classes), "in": "truth"}}


def doubts(tables: Mapping[str, Table], classes: Classes, rules: Rules, source: Source) -> list[Notice]:
    """Objects that are found as other classes, and classes that are never predicted."""
    return object_doubts.of_objects(tables, "mask_detections", "mask_truths", classes, source)


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[Notice]:
    """What maximum detections leave out, and that the protocol is another than COCO's."""
    return notices_of(tables, f"{KIND}_truths", len(clusters), rules)


def nothing_to_say(
    tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules
) -> list[tuple[str, str]]:
    """No notices, for families that count all detections."""
    return []


# ---- COCO's protocol, and others of its kind


def protocol_of(rules: Rules) -> Protocol:
    """The protocol that the rules ask for, COCO's unless they say otherwise."""
    sizes = COCO_SIZES[1:] if rules.area_ranges is None else tuple(SizeRange(*each) for each in rules.area_ranges)
    return coco_like(rules.max_detections or COCO_CAPS, rules.iou_thresholds or COCO_THRESHOLDS, sizes)


def changes(rules: Rules) -> dict[str, Any]:
    """The settings that are not COCO's, as JSON can hold them; two runs must share them."""
    asked = {
        "max_detections": rules.max_detections,
        "iou_thresholds": rules.iou_thresholds,
        "area_ranges": rules.area_ranges and {name: [low, high] for name, low, high in rules.area_ranges},
    }
    return {name: list(each) if isinstance(each, tuple) else each for name, each in asked.items() if each is not None}


def metrics_of(rules: Rules) -> tuple[str, ...]:
    """The names of the scores under these rules, such as AR500."""
    return tuple(measure.name for measure in protocol_of(rules).measures)


def protocol_facts(rules: Rules) -> dict[str, Any]:
    """By which protocol AP and AR were made, and how many detections of a class in an image AP counts."""
    protocol = protocol_of(rules)
    return {"protocol": "not COCO's" if changes(rules) else "COCO's", "max_detections": protocol.cap}


def notices_of(tables: Mapping[str, Table], truths: str, images: int, rules: Rules) -> list[Notice]:
    """The notices on maximum detections and protocol; `truths` names the table of true objects."""
    protocol, found = protocol_of(rules), list[Notice]()
    best, cap = caps.perfect(tables[truths], protocol), int(protocol.cap or 0)
    more = [*(rules.max_detections or COCO_CAPS)[:-1], 100 * -(-best.most // 100)] if best else []
    if best:
        holds = "has" if best.crowded == 1 else "have"
        found.append(
            Notice(
                "more-objects-than-counted",
                f"{best.crowded} of {many(images, 'image')} {holds} more than {cap} objects of a class, and AP counts "
                f"{cap} detections of a class in an image: a perfect model would score AP {100 * best.ap:.2f} and "
                f"AR{cap} {100 * best.ar:.2f} (--max-detections {','.join(map(str, more))} counts more)",
                "warning",
            )
        )
    return found + shared_notices(tables, rules)


def shared_notices(tables: Mapping[str, Table], rules: Rules) -> list[Notice]:
    """The notices that hold for all scores made of the same matches: detections left out, and another protocol."""
    cap = protocol_of(rules).cap
    found = left_out_notices(
        tables, caps.LEFT_OUT, f"{cap} detections of a class", str(cap), "--max-detections changes that"
    )
    words = protocol_in_words(rules)
    return [*found, Notice("not-coco-protocol", f"this is not COCO's protocol: {words}")] if words else found


def left_out_notices(tables: Mapping[str, Table], name: str, held: str, counted: str, remedy: str = "") -> list[Notice]:
    """The notice on detections beyond a cap, from the table of this name, which records of earlier versions lack."""
    left = tables.get(name)
    if left is None or not len(left["image"]):
        return []
    number, total = len(np.unique(left["image"])), int(left["detections"].sum())
    verb, were = "holds" if number == 1 else "hold", "was" if total == 1 else "were"
    more = f" ({remedy})" if remedy else ""
    message = (
        f"{many(number, 'image')} {verb} more than {held}; the protocol counts the {counted} with the highest scores: "
        f"{many(total, 'detection')} {were} left out{more}"
    )
    return [Notice("detections-left-out", message)]


def protocol_in_words(rules: Rules) -> str:
    """How the protocol differs from COCO's; nothing where it does not.

    >>> protocol_in_words(Rules(max_detections=(1, 500), area_ranges=(("tiny", 0.0, 256.0),)))
    'maximum detections 1, 500 (COCO: 1, 10, 100); area ranges tiny 0 to 256 (COCO: small, medium, large)'
    """
    words = []
    if rules.max_detections:
        words.append(f"maximum detections {', '.join(map(str, rules.max_detections))} (COCO: 1, 10, 100)")
    if rules.iou_thresholds:
        words.append(f"IoU thresholds {', '.join(f'{each:.6g}' for each in rules.iou_thresholds)} (COCO: .50 to .95)")
    if rules.area_ranges:
        ranges = ", ".join(f"{name} {_area(low)} {_to(high)}" for name, low, high in rules.area_ranges)
        words.append(f"area ranges {ranges} (COCO: small, medium, large)")
    return "; ".join(words)


def _area(value: float) -> str:
    return f"{value:.15g}"


def _to(high: float) -> str:
    return "and above" if high >= COCO_SIZES[0].high else f"to {_area(high)}"
