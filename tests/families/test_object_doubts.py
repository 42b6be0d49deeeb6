"""Objects and segments that are found as another class: what is suspected, with both numbers and
what mends it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import scoring
from bench.baselines import oracle
from bench.cards import Card, load_card, parse_card
from bench.errors import PredictionError
from bench.evaluation import evaluate
from bench.evaluation.choosing import rules_for
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.jobs import FromReader
from bench.evaluation.stored import stored_predictions
from bench.families.contract.rules import Source
from bench.families.doubts import object_doubts
from bench.formats import layout
from bench.formats.coco import data_set as coco
from bench.formats.coco.json_files import SegmentEntry
from bench.formats.coco.panoptic import read_segments
from bench.metrics.label_space import Votes
from bench.notices import Notice
from bench.opening import open_data
from bench.runs import Run
from bench.samples import Instances, Sample, Segments, Truth

Written = Callable[[int], int]
SIZE = (60, 80)
BOXES = [(5, 5, 20, 20), (40, 10, 30, 30), (10, 35, 20, 20), (36, 42, 14, 14)]


def coco_card(ids: list[int], tasks: str = "instance") -> Card:
    rows = "\n".join(
        f'[[classes]]\nid = {each}\ntrain_id = {place}\nname = "c{each}"\nthing = true'
        for place, each in enumerate(ids)
    )
    head = (
        f'name = "own"\ntitle = "Own"\nlayout = "coco"\ntasks = ["{tasks}"]\nlicence = '
        '"-"\ncite = "-"\nobtain = "-"'
    )
    return parse_card(f"{head}\n[splits.val]\n{rows}".encode(), where="test")


def written(
    root: Path, ids: list[int], true: list[int], change: Written, images: int = 4
) -> tuple[Path, Path]:
    """Truth and results: boxes of the classes `true` in turn, found one pixel aside and under the
    changed id.
    """
    root.mkdir(parents=True, exist_ok=True)
    turns = [true[number % len(true)] for number in range(images * len(BOXES))]
    places = [(image, box) for image in range(images) for box in BOXES]
    truth = {
        "images": [
            {"id": n, "file_name": f"{n}.jpg", "height": SIZE[0], "width": SIZE[1]}
            for n in range(images)
        ],
        "annotations": [
            {
                "id": n + 1,
                "image_id": i,
                "category_id": c,
                "bbox": [x, y, w, h],
                "area": w * h,
                "iscrowd": 0,
            }
            | {"segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]]}
            for n, (c, (i, (x, y, w, h))) in enumerate(zip(turns, places, strict=True))
        ],
        "categories": [{"id": each, "name": f"c{each}"} for each in ids],
    }
    found = [
        {"image_id": i, "category_id": change(c), "score": 0.9 - 0.01 * n, "bbox": [x + 1, y, w, h]}
        for n, (c, (i, (x, y, w, h))) in enumerate(zip(turns, places, strict=True))
    ]
    stray = [
        {"image_id": i, "category_id": change(true[0]), "score": 0.2, "bbox": [70, 50, 8, 8]}
        for i in range(images)
    ]
    (root / "truth.json").write_text(json.dumps(truth))
    (root / "results.json").write_text(json.dumps(found + stray))
    return root / "truth.json", root / "results.json"


def run_of(
    card: Card,
    truth: Path,
    results: Path,
    out: Path,
    *,
    bulk: bool = True,
    task: str = "instance",
    split: str = "val",
) -> Run:
    samples = layout(card).read_truth(card, truth, split)[:6]
    rules = rules_for(card, task, metrics="box_AP" if task == "instance" else "PQ")
    job = stored_predictions(card, split, samples, results, root=truth, task=task, rules=rules)
    assert isinstance(job.predictions, FromReader)
    single = replace(job, predictions=FromReader(job.predictions.read))
    return evaluate(job if bulk else single, out=out)


def warned(run: Run) -> list[tuple[str, str]]:
    again = scoring.rescore(run).warnings
    assert [tuple(each) for each in again] == [
        (w.code, w.message, w.severity) for w in run.record.warnings
    ]
    return [(each.code, each.message) for each in run.record.warnings if each.severity == "warning"]


CASES: dict[str, tuple[list[int], list[int], Written, str, str]] = {
    "as they are": ([1, 2, 3], [1, 2, 3], lambda c: c, "", ""),
    "from 0, with a root": (
        [0, 1, 2],
        [1, 2],
        lambda c: c - 1,
        "label-shift",
        "one too low (counted from 0?)",
    ),
    "from 0, one class": ([0, 1], [1], lambda c: c - 1, "label-shift", "add 1 to each category id"),
    "from 0": (
        [*range(8)],
        [3, 4, 5, 6, 7],
        lambda c: c - 1,
        "label-shift",
        "add 1 to each category id",
    ),
    "from 1": (
        [*range(9)],
        [0, 1, 2, 3, 6],
        lambda c: c + 1,
        "label-shift",
        "subtract 1 from each category id",
    ),
    "places": (
        [1, 2, 4, 5, 7, 9],
        [4, 7, 2, 9],
        {4: 2, 7: 4, 2: 1, 9: 5}.__getitem__,
        "label-space",
        "counted from 0",
    ),
    "places from 1": (
        [*range(1, 8), *range(10, 20)],
        [1, 2, 12, 14, 3, 16, 17, 18],
        lambda c: c if c < 8 else c - 2,
        "label-shift",
        "look like positions in the list of classes, counted from 1",
    ),
    "one for all": ([1, 2, 3, 4], [1, 2, 3, 4], lambda _: 2, "", ""),
    "one that is not there": (
        [1, 2, 3, 4],
        [1, 2, 3],
        lambda _: 4,
        "other-classes",
        "the category ids may be counted",
    ),
    "two alike": ([1, 2, 3, 4], [1, 2, 3, 4], lambda c: 1 if c == 2 else c, "", ""),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bulk", [True, False])
def test_categories_that_are_other_ones(tmp_path: Path, name: str, bulk: bool) -> None:
    ids, true, change, code, words = CASES[name]
    run = run_of(
        coco_card(ids), *written(tmp_path / name, ids, true, change), tmp_path / "runs", bulk=bulk
    )
    found = warned(run)
    if not code:
        assert [] == found
        return
    ((said, message),) = found
    wrong = sum(change(true[n % len(true)]) != true[n % len(true)] for n in range(16))
    assert f"({wrong} of 16) are predicted as another class, most often " in message
    assert words in message
    assert said == code
    assert ("with that corrected, 16 would be right" in message) == (code != "other-classes")


def test_both_ways_of_reading_count_the_same(tmp_path: Path) -> None:
    ids, true, change, *_ = CASES["places from 1"]
    files = written(tmp_path, ids, true, change)
    one, other = (
        run_of(coco_card(ids), *files, tmp_path / str(bulk), bulk=bulk) for bulk in (True, False)
    )
    assert len(one.tables["found_as"]["image"])
    for name, column in one.tables["found_as"].items():
        assert np.array_equal(column, other.tables["found_as"][name])
        assert column.dtype == other.tables["found_as"][name].dtype
    assert one.record.warnings == other.record.warnings


def test_classes_that_are_never_predicted(tmp_path: Path) -> None:
    ids, true, change, *_ = CASES["two alike"]
    run = run_of(coco_card(ids), *written(tmp_path, ids, true, change), tmp_path / "runs")
    (told,) = [each.message for each in run.record.warnings if each.code == "never-predicted"]
    assert told == "1 of 4 classes in the truth are never predicted: c2"


def test_masks_of_a_loop_are_looked_at_too() -> None:
    evaluator = Evaluator(["cat", "dog", "cow", "hen"], task="instance")
    for shift in range(3):
        masks = np.zeros((3, *SIZE), dtype=bool)
        for place, (x, y, w, h) in enumerate(BOXES[:3]):
            masks[place, y : y + h, x + shift : x + shift + w] = True
        evaluator.update(
            truth={"masks": masks, "classes": [0, 1, 2]},
            prediction={"masks": masks, "classes": [1, 2, 3], "scores": [0.9, 0.8, 0.7]},
        )
    (found,) = [each for each in evaluator.result().scored.warnings if each.severity == "warning"]
    assert found.code == "label-shift"
    assert "most often cat as dog" in found.message


def test_cityscapes_instances_with_train_ids(tmp_path: Path) -> None:
    data = open_data("streets", "mini")
    right = oracle(data.card, "instance")
    layout(data.card).write_predictions(
        data.card, tmp_path, "instance", ((s, right(s)) for s in data.samples[:6])
    )
    train = {entry.id: entry.train_id for entry in data.card.classes.scored}
    assert [] == warned(run_of(data.card, data.root, tmp_path, tmp_path / "right", split="mini"))
    for file in tmp_path.glob("*.txt"):
        fields = [line.split() for line in file.read_text().splitlines()]
        file.write_text(
            "".join(f"{name} {train[int(label)]} {score}\n" for name, label, score in fields)
        )
    ((code, message),) = warned(
        run_of(data.card, data.root, tmp_path, tmp_path / "wrong", split="mini")
    )
    assert code == "label-space"
    assert (
        "most often car as fence: the category ids look like positions in the list of classes, "
        "counted from 0"
    ) in message
    assert message.endswith("write the ids of the classes (26 for car)")


PANOPTIC = load_card("coco-panoptic")


def panoptic(name: str, seed: int) -> Sample:
    numbers = np.random.default_rng(seed).permutation([1, 2, 3, 12, 13, 14])
    ids = np.kron(numbers.reshape(2, 3), np.ones((9, 9), int)).astype(np.int32)
    segments = Segments(ids, np.sort(numbers), np.sort(numbers), np.zeros(6, dtype=bool))
    return Sample(name, Truth(read_segments=lambda: segments))


@pytest.mark.parametrize(
    ("change", "code", "wrong"),
    [
        (lambda place, _: place + 1, "label-shift", 12),
        (lambda _, number: number - 1, "label-shift", 24),
        (lambda _, number: number, None, 0),
    ],
    ids=["places from 1", "one less", "right"],
)
def test_segments_that_bear_other_ids(
    tmp_path: Path, change: Any, code: str | None, wrong: int
) -> None:
    coco.write_truth(PANOPTIC, tmp_path, "val", [panoptic(f"{n:012d}", n) for n in range(1, 5)])
    file = tmp_path / "annotations" / "panoptic_val2017.json"
    content = json.loads(file.read_text())
    places = {entry.id: place for place, entry in enumerate(PANOPTIC.classes.scored)}
    for annotation in content["annotations"]:
        for entry in annotation["segments_info"]:
            entry["category_id"] = change(places[entry["category_id"]], entry["category_id"])
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "panoptic.json").write_text(json.dumps(content))
    (tmp_path / "found" / "panoptic").symlink_to(file.with_suffix(""))
    runs = [
        run_of(
            PANOPTIC, tmp_path, tmp_path / "found", tmp_path / str(bulk), bulk=bulk, task="panoptic"
        )
        for bulk in (True, False)
    ]
    assert warned(runs[0]) == warned(runs[1])
    assert [code] * bool(code) == [each[0] for each in warned(runs[0])]
    if code:
        message = warned(runs[0])[0][1]
        assert f"of the segments that predictions overlap ({wrong} of 24)" in message
        assert "with that corrected, 24 would be right" in message


@pytest.mark.parametrize(("change", "words"), [(0, "lie in 0 to 2"), (1, "lie in 1 to 3"), (7, "")])
def test_places_that_are_no_ids_are_refused_with_the_cause(
    tmp_path: Path, change: int, words: str
) -> None:
    ids = [3, 5, 9]
    files = written(tmp_path, ids, ids, lambda c: ids.index(c) + change)
    with pytest.raises(PredictionError) as refused:
        run_of(coco_card(ids), *files, tmp_path / "runs")
    assert words in str(refused.value)
    assert (
        "if they are positions in the list of classes, write their ids instead"
        in str(refused.value)
    ) == bool(words)


def test_segments_with_train_ids_are_refused_with_the_cause(tmp_path: Path) -> None:
    card = load_card("streets")
    (tmp_path / "found").mkdir()
    Image.fromarray(np.full((6, 8, 3), [1, 0, 0], np.uint8)).save(tmp_path / "found" / "a.png")
    entry = SegmentEntry(id=1, category_id=0)
    with pytest.raises(
        PredictionError,
        match=r"category 0, which is not a scored class of streets; .* lie in 0 to 18: ",
    ):
        read_segments(card, tmp_path / "found" / "a.png", [entry], wrong=PredictionError)


def test_segments_of_crowds_alone(tmp_path: Path) -> None:
    ids = np.ones((6, 6), np.int32)
    crowd = Segments(ids, np.array([1]), np.array([0]), np.array([True]))
    evaluator = Evaluator(PANOPTIC, task="panoptic")
    evaluator.update(truth=crowd, prediction={"ids": ids, "segments": {1: 0}})
    assert "nothing-scored" in {each.code for each in evaluator.result().scored.warnings}


def counted(seed: int, classes: int, right: float) -> tuple[Votes, float]:
    """As which class objects are found by a detector that localises some and knows the class of a
    share of those.
    """
    generator = np.random.default_rng(seed)
    objects = np.rint(200 * generator.dirichlet(np.full(classes, 0.3)))
    known = np.clip(right + 0.15 * generator.standard_normal(classes), 0, 1)
    others = generator.dirichlet(np.full(classes, 2.0)) * (
        generator.random((classes, classes)) + 0.2
    )
    rates = np.diag(known) + (1 - known)[:, None] * others / others.sum(axis=1, keepdims=True)
    localised = generator.binomial(objects.astype(int), generator.uniform(0.1, 1))
    counts = np.stack(
        [generator.multinomial(n, row / row.sum()) for n, row in zip(localised, rates, strict=True)]
    )
    places = np.arange(classes)
    return Votes(counts.astype(float), places, places, (objects > 0) * 9), objects.sum()


@pytest.mark.parametrize("classes", [2, 3, 5, 20, 80])
@pytest.mark.parametrize("right", [0.35, 0.5, 0.7, 0.9])
def test_honest_detectors_are_left_alone(classes: int, right: float) -> None:
    table = coco_card(list(range(1, classes + 1))).classes
    for seed in range(60):
        votes, objects = counted(seed, classes, right)
        votes = replace(votes, values=votes.values + 1)
        found: Notice | None = object_doubts.notice(
            votes, objects, table, Source("predictions", "ids"), "objects"
        )
        assert found is None, (seed, found)


def test_few_objects_say_nothing() -> None:
    table = coco_card([1, 2]).classes
    places = np.arange(2)
    votes = Votes(np.array([[0.0, 1], [1, 0]]), places + 1, places, np.array([9, 9]))
    assert object_doubts.notice(votes, 2, table, Source("predictions", "ids"), "objects") is None


def test_boxes_that_touch_nothing_are_left_alone() -> None:
    """Detections beside all objects take none of them for another class."""
    evaluator = Evaluator(["cat", "dog"], task="instance")
    masks = np.zeros((2, *SIZE), dtype=bool)
    masks[0, :20, :20], masks[1, 40:, 40:] = True, True
    for _ in range(3):
        real = Instances((60, 80), np.array([0, 1]), *_parts(masks))
        evaluator.update(
            truth=real,
            prediction={"masks": masks[:, ::-1], "classes": [1, 0], "scores": [0.9, 0.8]},
        )
    assert [] == [each for each in evaluator.result().scored.warnings if each.severity == "warning"]


def _parts(masks: Any) -> tuple[Any, Any, Any]:
    from bench import masks as coding

    rles = coding.encode_many(masks)
    return rles, coding.areas(rles), coding.boxes(rles)
