"""Objects that loops have at hand, in the forms of torchvision and supervision, and how they
score.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bench.errors import InputError, UsageError
from bench.evaluation.evaluator import Evaluator

SIZE = (40, 50)


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    """Equal to the bit, where what is not defined equals itself."""
    return one.keys() == other.keys() and np.array_equal(
        list(one.values()), list(other.values()), equal_nan=True
    )


def blobs(seed: int) -> tuple[Any, Any]:
    """Three true masks of an image, and those moved by some pixels."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((3, *SIZE), bool)
    for number in range(3):
        top, left = rng.integers(0, 25), rng.integers(0, 35)
        truth[number, top : top + 12 - number, left : left + 13] = True
    return truth, np.stack([np.roll(mask, rng.integers(-2, 3, 2), (0, 1)) for mask in truth])


IMAGES = [blobs(seed) for seed in range(6)]
LABELS = np.array([0, 1, 1])
SCORES = [np.round(np.random.default_rng(seed).random(3), 3) for seed in range(6)]


def codes(masks: Any) -> list[dict[str, Any]]:
    return [coco_mask.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks]


def plain_counts(masks: Any) -> list[dict[str, Any]]:
    """Uncompressed: lengths of runs, column by column, outside first."""
    found = []
    for mask in masks:
        flat = np.concatenate([[False], mask.ravel(order="F")])
        edges = np.flatnonzero(flat[1:] != flat[:-1])
        found.append({"size": list(SIZE), "counts": np.diff([0, *edges, mask.size]).tolist()})
    return found


def text(masks: Any) -> list[dict[str, Any]]:
    return [{"size": code["size"], "counts": code["counts"].decode()} for code in codes(masks)]


def corners(masks: Any) -> Any:
    boxes = np.array([coco_mask.toBbox(code) for code in codes(masks)])
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def entries(masks: Any, scores: Any = None) -> list[dict[str, Any]]:
    """The annotations or results of one image, as COCO lists them; categories are 0 and 1 here."""
    return [
        {"category_id": int(label), "segmentation": code, "id": place, "image_id": 5}
        | ({} if scores is None else {"score": float(scores[place])})
        for place, (label, code) in enumerate(zip(LABELS, text(masks), strict=True))
    ]


def objects(form: Any, coco: bool = False) -> Evaluator:
    """Count the six images, with masks in this form."""
    evaluator = Evaluator(["cat", "dog"], task="instance", interval="none")
    for number, (truth, found) in enumerate(IMAGES):
        if coco:
            real, made = entries(truth), entries(found, SCORES[number])
        else:
            real = {"masks": form(truth), "labels": LABELS}  # type: ignore[assignment]
            made = {"masks": form(found), "labels": LABELS, "scores": SCORES[number]}  # type: ignore[assignment]
        evaluator.update(truth=real, prediction=made, id=str(number))
    return evaluator


def test_masks_come_in_many_forms() -> None:
    plain = objects(lambda masks: masks)
    forms = (
        lambda m: m[:, None] * 0.9,
        list,
        lambda m: (m * 1).tolist(),
        codes,
        text,
        plain_counts,
        lambda m: (m * 255).astype("u1"),
    )
    for form in forms:
        assert same(plain.scores(), objects(form).scores())
    assert same(plain.scores(), objects(None, coco=True).scores())


def reference(kind: str) -> list[float]:
    """What pycocotools says of the six images."""
    truth, found = COCO(), []
    annotations = []  # type: ignore[var-annotated]
    for number, (masks, moved) in enumerate(IMAGES):
        for code, label in zip(codes(masks), LABELS, strict=True):
            box, area = coco_mask.toBbox(code).tolist(), float(coco_mask.area(code))
            entry = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": int(label) + 1,
                "iscrowd": 0,
            }
            annotations.append({**entry, "segmentation": code, "bbox": box, "area": area})
        for code, label, score in zip(codes(moved), LABELS, SCORES[number], strict=True):
            entry = {"image_id": number, "category_id": int(label) + 1, "score": float(score)}  # type: ignore[dict-item]
            found.append(
                {
                    **entry,
                    **(
                        {"segmentation": code}
                        if kind == "segm"
                        else {"bbox": coco_mask.toBbox(code).tolist()}
                    ),
                }
            )
    images = [{"id": number, "height": SIZE[0], "width": SIZE[1]} for number in range(6)]
    truth.dataset = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1}, {"id": 2}],
    }
    truth.createIndex()
    judge = COCOeval(truth, truth.loadRes(found), kind)
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return list(judge.stats)


def test_objects_score_as_pycocotools_scores_them(capsys: pytest.CaptureFixture[str]) -> None:
    result = objects(codes).result()
    for kind, group in (("segm", ""), ("bbox", "boxes/")):
        stats = reference(kind)
        for place, name in ((0, "AP"), (1, "AP50"), (2, "AP75"), (8, "AR100")):
            assert abs(stats[place] - result[group + name]) < 1e-12, (kind, name)


def test_boxes_alone_are_scored_as_boxes(capsys: pytest.CaptureFixture[str]) -> None:
    evaluator = Evaluator(["cat", "dog"], task="instance")
    evaluator.update(
        truth={"boxes": np.zeros((0, 4)), "labels": []},
        prediction={"boxes": [], "labels": [], "scores": []},
    )
    for number, (truth, found) in enumerate(IMAGES):
        area = truth.sum((1, 2))
        real = {
            "boxes": corners(truth),
            "labels": LABELS,
            "area": area,
            "iscrowd": [0, 0, 0],
            "image_id": number,
        }
        made = {"boxes": corners(found), "labels": LABELS, "scores": SCORES[number]}
        evaluator.update(truth=[real], prediction=[made], id=[str(number)])
    result = evaluator.result()
    assert ("boxes",) == evaluator.counted.families
    assert "boxes/AP" not in result.scores
    assert (
        "the metrics of instance were not counted: the objects have boxes and no masks"
        in result.warnings
    )
    assert abs(reference("bbox")[0] - result["AP"]) < 1e-12
    masked = {"masks": IMAGES[0][0], "labels": LABELS}
    with pytest.raises(UsageError, match="those of the images before have boxes alone"):
        evaluator.update(truth=masked, prediction={**masked, "scores": SCORES[0]})
    named = Evaluator(["cat", "dog"], task="instance", metrics="AP")
    empty = {"boxes": [], "labels": [], "scores": []}  # type: ignore[var-annotated]
    with pytest.raises(
        UsageError, match="the metrics of instance need masks, and the objects have boxes only"
    ):
        named.update(truth={"boxes": corners(IMAGES[0][0]), "labels": LABELS}, prediction=empty)


def test_masks_against_boxes_are_scored_as_boxes() -> None:
    """As the command does with results of boxes alone against a truth with masks."""
    mixed, plain = (Evaluator(["cat", "dog"], task="instance") for _ in range(2))
    for number, (truth, found) in enumerate(IMAGES):
        real = {"masks": truth, "labels": LABELS}
        boxes = {"boxes": corners(found), "labels": LABELS, "scores": SCORES[number]}
        mixed.update(truth=real, prediction=boxes, id=str(number))
        plain.update(truth=real, prediction={**boxes, "masks": found}, id=str(number))
    assert plain.result()["boxes/AP"] == mixed.result()["AP"]


def test_detections_of_supervision_are_taken() -> None:
    evaluator = Evaluator(["cat", "dog"], task="instance")
    truth, found = IMAGES[0]
    kept = SimpleNamespace(xyxy=corners(found), mask=found, class_id=LABELS, confidence=SCORES[0])
    evaluator.update(truth={"masks": truth, "labels": LABELS}, prediction=kept)
    other = Evaluator(["cat", "dog"], task="instance")
    other.update(
        truth={"masks": truth, "labels": LABELS},
        prediction={"masks": found, "labels": LABELS, "scores": SCORES[0]},
    )
    assert same(other.scores(), evaluator.scores())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": None}, "objects need masks or boxes"),
        ({"labels": None}, "objects need labels"),
        ({"labels": [0, 1]}, "got 3 masks and 2 labels"),
        ({"labels": [0.5, 1, 1]}, "classes must be whole numbers, got 0.5"),
        ({"scores": None}, "detections need scores"),
        ({"scores": [0.1]}, "got 1 scores and 3 labels"),
        ({"scores": [0.1, np.nan, 1]}, "NaN"),
        ({"boxes": [[9, 9, 3, 3]] * 3}, "box 0 is 9, 9, 3, 3: is this x, y, width, height"),
        ({"boxes": [[0, 0, np.nan, 3]] * 3}, "a box contains NaN"),
        ({"boxes": [0, 0, 2, 3]}, r"boxes have shape \(G, 4\)"),
        ({"area": [-4, 1, 1]}, "0 or more pixels, got -4"),
        ({"masks": np.zeros((3, 9, 9), bool)}, "it has 9 x 9 pixels, the truth 40 x 50"),
        (
            {"masks": [{"size": [40, 50], "counts": "zz"}] * 3},
            "a damaged run-length code|runs cover",
        ),
        ({"masks": [{"size": [40, 50]}] * 3}, "a run-length code must be a dict with size"),
        ({"mask": 1}, "unknown key 'mask' in a dict; the keys are masks"),
    ],
)
def test_objects_that_are_none_are_refused(change: dict[str, Any], message: str) -> None:
    truth, found = IMAGES[0]
    made = {"masks": found, "labels": LABELS, "scores": SCORES[0], **change}
    evaluator = Evaluator(["cat", "dog"], task="instance")
    with pytest.raises(InputError, match=message) as raised:
        evaluator.update(truth={"masks": truth, "labels": LABELS}, prediction=made, id="a")
    assert str(raised.value).startswith("a: ")
    assert "--" not in str(raised.value)


def test_a_loop_says_what_it_could_not_count() -> None:
    """Cityscapes' instance AP needs two forms of the truth, and a loop hands over one."""
    evaluator = Evaluator("cityscapes", task="instance")
    truth, found = IMAGES[0]
    for name in ("bonn_000000_000019", "bonn_000000_000020"):
        evaluator.update(
            truth={"masks": truth, "labels": LABELS + 11},
            prediction={"masks": found, "labels": LABELS + 11, "scores": SCORES[0]},
            id=name,
        )
    told = "\n".join(evaluator.result().warnings)
    assert (
        "the metrics of cityscapes_instance were not counted: they need all forms of the truth"
        in told
    )
    named = Evaluator("cityscapes", task="instance", metrics=["cityscapes_instance"])
    made = {"masks": found, "labels": LABELS, "scores": SCORES[0]}
    with pytest.raises(
        UsageError, match="cityscapes_instance need all forms of the truth: pass samples"
    ):
        named.update(truth={"masks": truth, "labels": LABELS}, prediction=made)
