"""What loops have at hand: labels, objects and segments in the forms of torch, COCO, transformers and Pillow."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import bench
from bench.classes import Class, Classes
from bench.errors import InputError, PredictionError, UsageError
from bench.evaluation.evaluator import Evaluator

RNG = np.random.default_rng(8)
TRUTH = RNG.integers(0, 3, (4, 10, 12))
FOUND = np.where(RNG.random(TRUTH.shape) < 0.7, TRUTH, 0)
SIZE = (40, 50)


def scored(truth: Any, prediction: Any, classes: Any = 3, **options: Any) -> dict[str, float]:
    evaluator = Evaluator(classes, **options)
    evaluator.update(truth=truth, prediction=prediction)
    return evaluator.scores()


PLAIN = scored(TRUTH, FOUND)


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x[:, None],
        lambda x: x[..., None],
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.uint8),
        list,
        lambda x: x.tolist(),
        lambda x: [{"labels": each} for each in x],
        lambda x: [Image.fromarray(each.astype(np.uint8)) for each in x],
    ],
    ids=range(8),
)
def test_label_maps_come_in_many_forms(form: Any) -> None:
    assert PLAIN == scored(form(TRUTH), form(FOUND)) == scored(TRUTH, form(FOUND))


@pytest.mark.parametrize(
    "form", [lambda x: x, lambda x: x[..., None], lambda x: x[None], lambda x: x[None, None]], ids=range(4)
)
def test_one_image_is_a_batch_of_one(form: Any) -> None:
    assert scored(TRUTH[:1], FOUND[:1]) == scored(form(TRUTH[0]), form(FOUND[0]))


def test_tensors_of_every_type_are_taken() -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    truth, found = torch.from_numpy(TRUTH), torch.from_numpy(FOUND)
    for kind in (torch.uint8, torch.int32, torch.bfloat16, torch.float16):
        assert PLAIN == scored(truth.to(kind), found.to(kind))
    assert PLAIN == scored(truth, found.float().requires_grad_())
    evaluator = Evaluator(3)
    evaluator.update(truth=truth, prediction=found, id=torch.arange(4))
    assert ["0", "1", "2", "3"] == evaluator.tables()["images"]["id"].tolist()
    logits = torch.nn.functional.one_hot(found, 3).permute(0, 3, 1, 2).float()
    with pytest.raises(UsageError, match=r"\(4, 3, 10, 12\), \(N, C, H, W\): take the argmax over the classes first"):
        scored(truth, logits)
    with pytest.raises(UsageError, match=r"logits \(C, H, W\), take the argmax over the classes first, x.argmax\(0\)"):
        scored(truth[0], logits[0])
    assert PLAIN == scored(truth, logits.argmax(1))


@pytest.mark.parametrize("value", [-100, -1, 255, 7])
def test_values_that_do_not_count_are_told(value: int) -> None:
    hidden = RNG.random(TRUTH.shape) < 0.2
    masked = np.where(hidden, value, TRUTH)
    expected = scored(np.where(hidden, 255, TRUTH), FOUND)
    assert (
        expected == scored(masked, FOUND, ignore=value) == scored(masked, np.where(hidden, value, FOUND), ignore=value)
    )
    other = 254 if value == 255 else 255
    with pytest.raises(UsageError, match=rf"the truth: the label {other} .* nor {value} for no class"):
        scored(np.where(hidden, other, TRUTH), FOUND, ignore=value)
    both = np.where(hidden & (FOUND > 0), other, masked)
    assert expected == scored(both, FOUND, ignore=[value, other])


def test_a_class_that_does_not_count_is_taken_from_the_truth_alone() -> None:
    """As torchmetrics and mmsegmentation have it: pixels of class 0 do not count, predictions of it elsewhere do."""
    scores = scored(TRUTH, FOUND, ignore=0)
    counts = TRUTH > 0
    ious = [
        ((TRUTH == c) & (FOUND == c) & counts).sum() / (((TRUTH == c) | (FOUND == c)) & counts).sum() for c in (1, 2)
    ]
    assert abs(scores["mIoU"] - np.mean(ious)) < 1e-12
    assert abs(scores["pixel_accuracy"] - (TRUTH == FOUND)[counts].mean()) < 1e-12


def test_masks_of_two_classes_may_be_bool() -> None:
    assert scored(TRUTH > 0, FOUND > 0, 2) == scored((TRUTH > 0) * 1, (FOUND > 0) * 1, ["rest", "cell"])
    with pytest.raises(PredictionError, match=r'name both, such as \["background", "cell"\]'):
        scored(TRUTH * 0, TRUTH > 0, ["cell"])


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        (TRUTH, FOUND[:, :5], r"it has 5 x 12 pixels, the truth 10 x 12 \(height x width\): resize one of the two"),
        (TRUTH, FOUND / 2, r"labels are whole numbers, and one of these is 0.5; take the argmax"),
        (TRUTH, np.full(TRUTH.shape, np.nan), "one of these is nan"),
        (TRUTH - 100 * (TRUTH == 1), FOUND, "the label -99 .*; say ignore=-99 if such pixels do not count"),
        (TRUTH, FOUND[:3], "4 truths and 3 predictions: each image needs one of each"),
        (TRUTH[0], np.zeros((10, 12, 3), np.uint8), "1 truths and 10 predictions"),
        ([np.array([["a"]])], [np.array([["b"]])], "labels are whole numbers, and these are <U1"),
        ([[[0, 1], [0]]], [[[0, 1], [0, 1]]], "rows of unequal length"),
    ],
)
def test_labels_that_are_none_are_refused_without_flags(truth: Any, prediction: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        scored(truth, prediction)
    assert "--" not in str(raised.value)


# Objects.


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    """Equal to the bit, where what is not defined equals itself."""
    return one.keys() == other.keys() and np.array_equal(list(one.values()), list(other.values()), equal_nan=True)


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
    evaluator = Evaluator(["cat", "dog"], task="instance")
    for number, (truth, found) in enumerate(IMAGES):
        if coco:
            real, made = entries(truth), entries(found, SCORES[number])
        else:
            real = {"masks": form(truth), "labels": LABELS}
            made = {"masks": form(found), "labels": LABELS, "scores": SCORES[number]}
        evaluator.update(truth=real, prediction=made, id=str(number))
    return evaluator


def test_masks_come_in_many_forms() -> None:
    plain = objects(lambda masks: masks)
    forms = (lambda m: m[:, None] * 0.9, list, codes, text, plain_counts, lambda m: (m * 255).astype("u1"))
    for form in forms:
        assert same(plain.scores(), objects(form).scores())
    assert same(plain.scores(), objects(None, coco=True).scores())


def reference(kind: str) -> list[float]:
    """What pycocotools says of the six images."""
    truth, found = COCO(), []
    annotations = []
    for number, (masks, moved) in enumerate(IMAGES):
        for code, label in zip(codes(masks), LABELS, strict=True):
            box, area = coco_mask.toBbox(code).tolist(), float(coco_mask.area(code))
            entry = {"id": len(annotations) + 1, "image_id": number, "category_id": int(label) + 1, "iscrowd": 0}
            annotations.append({**entry, "segmentation": code, "bbox": box, "area": area})
        for code, label, score in zip(codes(moved), LABELS, SCORES[number], strict=True):
            entry = {"image_id": number, "category_id": int(label) + 1, "score": float(score)}
            found.append(
                {**entry, **({"segmentation": code} if kind == "segm" else {"bbox": coco_mask.toBbox(code).tolist()})}
            )
    images = [{"id": number, "height": SIZE[0], "width": SIZE[1]} for number in range(6)]
    truth.dataset = {"images": images, "annotations": annotations, "categories": [{"id": 1}, {"id": 2}]}
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
        truth={"boxes": np.zeros((0, 4)), "labels": []}, prediction={"boxes": [], "labels": [], "scores": []}
    )
    for number, (truth, found) in enumerate(IMAGES):
        area = truth.sum((1, 2))
        real = {"boxes": corners(truth), "labels": LABELS, "area": area, "iscrowd": [0, 0, 0], "image_id": number}
        made = {"boxes": corners(found), "labels": LABELS, "scores": SCORES[number]}
        evaluator.update(truth=[real], prediction=[made], id=[str(number)])
    result = evaluator.result()
    assert ("boxes",) == evaluator.counted.families
    assert "boxes/AP" not in result.scores
    assert "the metrics of instance were not counted: the objects have boxes and no masks" in result.warnings
    assert abs(reference("bbox")[0] - result["AP"]) < 1e-12
    masked = {"masks": IMAGES[0][0], "labels": LABELS}
    with pytest.raises(UsageError, match="those of the images before have boxes alone"):
        evaluator.update(truth=masked, prediction={**masked, "scores": SCORES[0]})
    named = Evaluator(["cat", "dog"], task="instance", metrics="AP")
    empty = {"boxes": [], "labels": [], "scores": []}
    with pytest.raises(UsageError, match="the metrics of instance need masks, and there are boxes alone"):
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


def test_polygons_need_a_size_and_lists_of_coco_their_own_categories() -> None:
    classes = Classes((Class(17, "cat", 0, thing=True), Class(18, "dog", 1, thing=True), Class(90, "other")))
    square = [[5, 5, 25, 5, 25, 25, 5, 25]]
    real = [{"category_id": 18, "segmentation": square, "bbox": [5, 5, 20, 20], "area": 400, "iscrowd": 0}]
    made = {"masks": codes(IMAGES[0][0][:1]), "labels": [1], "scores": [0.5]}
    evaluator = Evaluator(classes, task="instance")
    evaluator.update(truth=real, prediction=made)
    evaluator.update(truth=real, prediction=[{**real[0], "score": 0.9}], size=SIZE)
    evaluator.update(truth=[[{**real[0], "category_id": 90}]], prediction=[[{**real[0], "score": 0.9}]], size=SIZE)
    assert 3 == len(evaluator)
    with pytest.raises(UsageError, match=r"polygons need the size of the image: say size=\(height, width\)"):
        evaluator.update(truth=real, prediction=[{**real[0], "score": 0.9}])
    with pytest.raises(UsageError, match="the category 5 is no id of a class; these are 17, 18, 90"):
        evaluator.update(truth=[{**real[0], "category_id": 5}], prediction=made)
    by_ids = Evaluator(classes, task="instance", label_space="ids")
    by_ids.update(truth=real, prediction={**made, "labels": [18]})
    with pytest.raises(PredictionError, match="the category 1 is no id of a class"):
        by_ids.update(truth=real, prediction=made)
    with pytest.raises(PredictionError, match=r'the class 18 is no train id 0 to 1; .* say label_space="ids"'):
        evaluator.update(truth=real, prediction={**made, "labels": [18]})
    with pytest.raises(PredictionError, match="the class 2 is no train id 0 to 1; if 0 is the background, subtract 1"):
        evaluator.update(truth=real, prediction={**made, "labels": [2]})


def test_detections_of_supervision_are_taken() -> None:
    evaluator = Evaluator(["cat", "dog"], task="instance")
    truth, found = IMAGES[0]
    kept = SimpleNamespace(xyxy=corners(found), mask=found, class_id=LABELS, confidence=SCORES[0])
    evaluator.update(truth={"masks": truth, "labels": LABELS}, prediction=kept)
    other = Evaluator(["cat", "dog"], task="instance")
    other.update(
        truth={"masks": truth, "labels": LABELS}, prediction={"masks": found, "labels": LABELS, "scores": SCORES[0]}
    )
    assert same(other.scores(), evaluator.scores())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": None}, "objects need masks or boxes"),
        ({"labels": None}, "objects need labels"),
        ({"labels": [0, 1]}, "3 masks but 2 labels"),
        ({"labels": [0.5, 1, 1]}, "classes are whole numbers, and one of these is 0.5"),
        ({"scores": None}, "detections need scores"),
        ({"scores": [0.1]}, "1 scores but 3 labels"),
        ({"scores": [0.1, np.nan, 1]}, "NaN"),
        ({"boxes": [[9, 9, 3, 3]] * 3}, "box 0 is 9, 9, 3, 3: is this x, y, width, height"),
        ({"boxes": [[0, 0, np.nan, 3]] * 3}, "a box with a NaN"),
        ({"boxes": [0, 0, 2, 3]}, r"boxes have shape \(G, 4\)"),
        ({"area": [-4, 1, 1]}, "has the area -4"),
        ({"masks": np.zeros((3, 9, 9), bool)}, "it has 9 x 9 pixels, the truth 40 x 50"),
        ({"masks": [{"size": [40, 50], "counts": "zz"}] * 3}, "a damaged run-length code|runs cover"),
        ({"masks": [{"size": [40, 50]}] * 3}, "a run-length code is a dict with size"),
        ({"mask": 1}, "a dict with the key 'mask': known are masks"),
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


# Segments.

SEGMENTED = Classes((Class(4, "sky", 0), Class(7, "car", 1, thing=True), Class(9, "void label")))
IDS = np.ones((10, 12), int)
IDS[:, 6:], IDS[:2] = 2, 0
MOVED = np.where(IDS == 0, 1, np.roll(IDS, 1, axis=1))


def panoptic(truth: Any, prediction: Any, **options: Any) -> dict[str, float]:
    evaluator = Evaluator(SEGMENTED, task="panoptic", **options)
    evaluator.update(truth=truth, prediction=prediction)
    return evaluator.scores()


def test_panoptic_maps_come_in_many_forms() -> None:
    plain = panoptic({"ids": IDS, "segments": {1: 0, 2: 1}}, {"ids": MOVED, "segments": {1: 0, 2: 1}})
    assert 0.5 < plain["PQ"] < 1
    truth = {"ids": IDS, "segments_info": [{"id": 1, "category_id": 4}, {"id": 2, "category_id": 7, "iscrowd": 0}]}
    rgb = np.zeros((*IDS.shape, 3), np.uint8)
    rgb[..., 0] = MOVED
    coco = {"segmentation": rgb, "segments_info": [{"id": 1, "category_id": 4, "area": 3}, {"id": 2, "category_id": 7}]}
    info = [{"id": 1, "label_id": 0, "was_fused": False, "score": 0.9}, {"id": 2, "label_id": 1, "score": 0.9}]
    transformers = {"segmentation": MOVED.astype(np.int32), "segments_info": info}
    from_zero = [{**entry, "id": entry["id"] - 1} for entry in info]
    for found in (coco, transformers, {"segmentation": MOVED - 1, "segments_info": from_zero}):
        assert plain == panoptic(truth, found) == panoptic({"ids": IDS, "segments": {1: 0, 2: 1}}, found)
    ids = [{**entry, "label_id": 4 if entry["id"] == 1 else 7} for entry in info]
    assert plain == panoptic(truth, {**transformers, "segments_info": ids}, label_space="ids")
    unscored = {"ids": IDS, "segments_info": [{"id": 1, "category_id": 9}, {"id": 2, "category_id": 7}]}
    void = {"ids": np.where(IDS == 1, 0, IDS), "segments": {2: 1}}
    assert same(panoptic(void, transformers), panoptic(unscored, transformers))
    nothing = {"segmentation": np.full(IDS.shape, -1.0), "segments_info": []}
    assert 0 == panoptic(truth, nothing)["PQ"]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"ids": MOVED}, r"a dict with ids, \(H, W\), and segments"),
        ({"ids": MOVED, "segments": {1: 0}}, "the id 2 is in the map and not among its segments"),
        ({"ids": MOVED, "segments": {1: 0, 2: 5}}, "the class 5 is no train id 0 to 1"),
        (
            {"ids": MOVED, "segments_info": [{"id": 1, "category_id": 9}, {"id": 2, "category_id": 7}]},
            "void label, which",
        ),
        ({"ids": MOVED[:4], "segments": {1: 0, 2: 1}}, "it has 4 x 12 pixels, the truth 10 x 12"),
        ({"ids": MOVED / 2, "segments": {}}, "ids are whole numbers"),
        ({"ids": MOVED, "segments": [5]}, "each segment is a dict"),
        ({"ids": MOVED, "segments": [{"id": 1, "label": 0}]}, "a segment with the key 'label'"),
        (MOVED, "a panoptic map is a dict"),
    ],
)
def test_segments_that_are_none_are_refused(found: Any, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        panoptic({"ids": IDS, "segments": {1: 0, 2: 1}}, found)


def test_objects_of_a_map_of_ids_are_taken() -> None:
    """As post_process_instance_segmentation of transformers gives them: -1 is nothing, ids may begin at 0."""
    truth = np.stack([IDS == 1, IDS == 2])
    real = {"masks": truth, "labels": [0, 1]}
    info = [{"id": 0, "label_id": 0, "score": 0.9}, {"id": 1, "label_id": 1, "score": 0.8}]
    expected = {"masks": np.stack([MOVED == 1, MOVED == 2]), "labels": [0, 1], "scores": [0.9, 0.8]}
    evaluator, other = (Evaluator(["a", "b"], task="instance") for _ in range(2))
    evaluator.update(truth=real, prediction={"segmentation": (MOVED - 1).astype(float), "segments_info": info})
    other.update(truth=real, prediction=expected)
    assert same(other.scores(), evaluator.scores())
    evaluator.update(truth=real, prediction={"segmentation": MOVED * 0 - 1, "segments_info": []})
    assert evaluator.scores()["AP"] < other.scores()["AP"]


def test_arguments_of_other_tasks_are_refused() -> None:
    for options, message in (
        ({"ignore": "x"}, "ignore='x': a whole number is needed"),
        ({"ignore": 1.5}, "ignore=1.5: a whole number is needed"),
        ({"ignore": []}, r"ignore=\[\]: a whole number is needed"),
        ({"ignore": -100, "task": "instance"}, "ignore=-100 is for label maps; .*iscrowd"),
        ({"ignore": -100, "task": "panoptic"}, "ignore=-100 is for label maps; .*pixels of id 0"),
        ({"label_space": "raw"}, "label_space='raw'"),
        ({"groups": "patient"}, "groups='patient'"),
        ({"metrics": ["PQ"]}, "metrics=PQ: it is counted from panoptic predictions"),
    ):
        with pytest.raises(UsageError, match=message):
            bench.Evaluator(3, **options)  # type: ignore[arg-type]


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
    assert "the metrics of cityscapes_instance were not counted: they need all forms of the truth" in told
    named = Evaluator("cityscapes", task="instance", metrics=["cityscapes_instance"])
    made = {"masks": found, "labels": LABELS, "scores": SCORES[0]}
    with pytest.raises(UsageError, match="the metrics of cityscapes_instance need all forms of the truth: hand over"):
        named.update(truth={"masks": truth, "labels": LABELS}, prediction=made)
