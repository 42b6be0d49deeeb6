"""COCO's AP and AR against pycocotools, run live: whole arrays, to the bit; and what our own rules
add to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coco_cases as cases
import numpy as np
import pytest

from bench import masks
from bench.classes import Class, Classes
from bench.errors import InputError, PredictionError
from bench.metrics import instance, matching
from bench.metrics.protocols import COCO
from bench.samples import Instances
from bench.samples.columns import DetectionColumns, TruthColumns

Array = np.ndarray[Any, Any]
SEEDS = range(25)


def classes(count: int) -> Classes:
    return Classes(tuple(Class(id=k + 1, name=str(k + 1), train_id=k) for k in range(count)))


def minus_one(values: Array) -> Array:
    """As pycocotools writes what is not defined."""
    return np.nan_to_num(values, nan=-1.0)


def differences(tables: dict[str, Any], evaluation: Any, count: int, kind: str) -> list[str]:
    """Names of the arrays of pycocotools that ours do not equal to the bit."""
    curves = instance.curves(tables, classes(count), kind=kind)
    weights = np.ones((1, len(evaluation.params.imgIds)))
    scores = instance.score(tables, weights, classes(count), kind=kind)
    ours = {
        "precision": curves.precision,
        "recall": curves.recall,
        "scores": curves.scores,
        "stats": np.array([scores[name][0] for name in instance.OVERALL]),
    }
    theirs = {**evaluation.eval, "stats": evaluation.stats}
    return [
        name for name, values in ours.items() if not np.array_equal(minus_one(values), theirs[name])
    ]


# ---- generated cases


@pytest.mark.parametrize("seed", SEEDS)
def test_masks_equal_pycocotools(seed: int) -> None:
    made = cases.case(seed)
    tables = instance.count(*cases.columns(made), kinds=("mask",))
    assert [] == differences(tables, cases.pycocotools(made, "segm"), made.classes, "mask")


@pytest.mark.parametrize("seed", SEEDS)
def test_boxes_equal_pycocotools(seed: int) -> None:
    made = cases.case(seed)
    tables = instance.count(*cases.columns(made), kinds=("box",))
    assert [] == differences(
        tables, cases.pycocotools(made, "bbox", with_boxes=True), made.classes, "box"
    )


@pytest.mark.parametrize("kind", ["segm", "bbox"])
def test_more_than_a_hundred_detections_equal_pycocotools(kind: str) -> None:
    made = cases.crowded(3)
    assert len(made.results) > 300
    tables = instance.count(*cases.columns(made))
    evaluation = cases.pycocotools(made, kind, with_boxes=kind == "bbox")
    assert [] == differences(tables, evaluation, 1, "mask" if kind == "segm" else "box")


def test_a_changed_bit_is_found() -> None:
    made = cases.case(4)
    tables = instance.count(*cases.columns(made), kinds=("mask",))
    evaluation = cases.pycocotools(made, "segm")
    found = tables["mask_detections"]
    hits = found["matched"] & ~found["ignored"] & np.uint64(1)
    assert hits.any()
    wrong = {**found, "matched": found["matched"] ^ hits}
    assert "precision" in differences(
        {**tables, "mask_detections": wrong}, evaluation, made.classes, "mask"
    )


def test_area_of_detections_decides_by_size() -> None:
    """Results with a `bbox` take their area from it in pycocotools, which moves detections between
    size ranges.
    """
    moved = 0
    for seed in SEEDS:
        made = cases.case(seed)
        boxed = cases.pycocotools(made, "segm", with_boxes=True)
        columns = cases.columns(made)
        tables = instance.count(*columns, kinds=("mask",), area_from="box")
        assert [] == differences(tables, boxed, made.classes, "mask")
        moved += bool(
            differences(instance.count(*columns, kinds=("mask",)), boxed, made.classes, "mask")
        )
    assert moved > 0


def test_boxes_of_results_with_masks_only_have_the_masks_areas_in_pycocotools() -> None:
    made = cases.case(2)
    truth, found = cases.columns(made)
    areas = masks.areas(
        [
            {**r["segmentation"], "counts": r["segmentation"]["counts"].encode()}
            for r in made.results
        ]
    )
    pair = matching.match_tables(
        truth, found, matching.box_overlaps(truth, found), COCO, areas=areas
    )
    tables = dict(zip(("box_detections", "box_truths"), pair, strict=True))
    assert [] == differences(tables, cases.pycocotools(made, "bbox"), made.classes, "box")


# ---- real data


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def compressed(truth: dict[str, Any], results: list[dict[str, Any]]) -> None:
    """Replace polygons and plain runs by compressed ones, in place."""
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    for entry in [*truth["annotations"], *results]:
        size, segmentation = sizes[entry["image_id"]], entry.get("segmentation")
        if isinstance(segmentation, list):
            entry["segmentation"] = masks.from_polygons(segmentation, size)
        elif segmentation is not None and isinstance(segmentation["counts"], list):
            entry["segmentation"] = masks.from_uncompressed(segmentation["counts"], size)


def from_files(truth: dict[str, Any], results: list[dict[str, Any]], kind: str) -> tuple[Any, ...]:
    """Our tables, our scores and pycocotools' evaluation of data as files have it."""
    compressed(truth, results)
    columns = cases.truth_columns(truth), cases.detection_columns(truth, results)
    tables = instance.count(
        *columns,
        kinds=(kind,),  # type: ignore[arg-type]
        area_from="box" if "bbox" in results[0] else "mask",
    )
    names = classes(len(truth["categories"]))
    scores = instance.score(tables, np.ones((1, len(truth["images"]))), names, kind=kind)
    evaluation = cases.evaluated(truth, results, "segm" if kind == "mask" else "bbox")
    assert [] == differences(tables, evaluation, len(names), kind)
    return tables, {name: float(scores[name][0]) for name in instance.OVERALL}


def published(path: Path, kind: str) -> list[float]:
    """The twelve numbers of pycocotools' print."""
    text = path.read_text(encoding="utf-8").split(f"type={kind}")[1].split("type=")[0]
    return [float(line.rsplit("=", 1)[1]) for line in text.splitlines() if "Average" in line]


@pytest.mark.parametrize(("kind", "name"), [("mask", "segm"), ("box", "bbox")])
def test_twelve_published_numbers_of_the_coco_authors(
    shared_data: Callable[[str], Path], kind: str, name: str
) -> None:
    root = shared_data("cocoapi_results")
    truth = read(root / "dataset" / "cocoapi" / "instances_val2014_100.json")
    results = read(root / "results" / f"instances_val2014_fake{name}100_results.json")
    _, scores = from_files(truth, results, kind)
    numbers = published(root / "results" / "val2014_fake_eval_res.txt", name)
    assert 12 == len(numbers)
    assert numbers == [round(value, 3) for value in scores.values()]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("mask", {"AP": 0.774, "AP50": 0.857, "AP75": 0.837}), ("box", {"AP": 0.724, "AP50": 0.857})],
)
def test_balloon(shared_data: Callable[[str], Path], kind: str, expected: dict[str, float]) -> None:
    root = shared_data("balloon") / "maskrcnn_run_B"
    results = read(root / "res.json")
    if kind == "mask":
        results = [
            {key: value for key, value in result.items() if key != "bbox"} for result in results
        ]
    _, scores = from_files(read(root / "gt.json"), results, kind)
    assert expected == {name: round(scores[name], 3) for name in expected}


@pytest.mark.parametrize("kind", ["mask", "box"])
@pytest.mark.parametrize("part", ["train2017", "val2017"])
def test_tiny_coco_with_damaged_truth_as_results(
    shared_data: Callable[[str], Path], part: str, kind: str
) -> None:
    truth = read(shared_data("tiny_coco") / "annotations" / f"instances_{part}.json")
    compressed(truth, [])
    random = np.random.default_rng(7)
    keys = {"image_id", "category_id", "segmentation" if kind == "mask" else "bbox"}
    results = [
        {key: value for key, value in entry.items() if key in keys}
        | {"score": float(random.integers(1, 30)) / 30}
        for entry in truth["annotations"]
        for _ in range(int(random.integers(0, 3)))
    ]
    for result in results:
        if random.random() < 0.5 and kind == "box":
            result["bbox"] = [value * float(random.uniform(0.8, 1.2)) for value in result["bbox"]]
        elif random.random() < 0.5 and kind == "mask":
            code = result["segmentation"]
            moved = np.roll(
                masks.decode({**code, "counts": cases._bytes(code["counts"])}),
                int(random.integers(9)),
                1,
            )
            result["segmentation"] = dict(masks.encode(moved))
    tables, _ = from_files(truth, results, kind)
    assert tables[f"{kind}_truths"]["ignored"].any()


# ---- weights


@pytest.mark.parametrize("seed", range(8))
def test_whole_weights_equal_pycocotools_on_repeated_images(seed: int) -> None:
    made = cases.case(seed, distinct_scores=True)
    tables = instance.count(*cases.columns(made), kinds=("mask",))
    weights = np.random.default_rng(seed).integers(0, 4, (3, made.images))
    scores = instance.score(tables, weights, classes(made.classes))
    for row, drawn in enumerate(weights.tolist()):
        if not sum(drawn):
            continue
        evaluation = cases.pycocotools(cases.repeated(made, drawn), "segm")
        assert evaluation.stats.tolist() == [
            minus_one(scores[name])[row] for name in instance.OVERALL
        ]
        curves = instance.curves(tables, classes(made.classes), weights=weights[row])
        assert np.array_equal(evaluation.eval["precision"], minus_one(curves.precision))
        assert np.array_equal(evaluation.eval["scores"], minus_one(curves.scores))


def test_tied_scores_in_repeated_images_depend_on_the_order_of_rows() -> None:
    """A right and a wrong detection of one score: pycocotools alternates them when their image is
    repeated.
    """
    made = cases.case(0, classes=1)
    mask, other = np.zeros((2, cases.H, cases.W), dtype=bool)
    mask[:50, :50], other[60:, 60:] = True, True
    made.images = 1
    made.annotations = [{**cases._entry(mask, 1, 1), "id": 1, "iscrowd": 0}]
    made.results = [{**cases._entry(shape, 1, 1), "score": 0.5} for shape in (mask, other)]
    tables = instance.count(*cases.columns(made), kinds=("mask",))
    ours = instance.score(tables, np.array([[2.0]]), classes(1))["AP"][0]
    theirs = cases.pycocotools(cases.repeated(made, [2]), "segm").stats[0]
    assert ours == pytest.approx(1.0)
    assert theirs < 0.9


def test_rows_do_not_depend_on_their_neighbours_or_the_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    made = cases.case(11, most=12)
    tables = instance.count(*cases.columns(made), kinds=("mask",))
    weights = np.random.default_rng(1).random((20, made.images))
    together = instance.score(tables, weights, classes(made.classes))
    for row in range(len(weights)):
        alone = instance.score(tables, weights[row : row + 1], classes(made.classes))
        for name in instance.OVERALL:
            assert np.array_equal(together[name][row], alone[name][0], equal_nan=True), name
            assert np.array_equal(
                together.per_class[name][row], alone.per_class[name][0], equal_nan=True
            ), name
    monkeypatch.setattr(matching, "_PAIRS", 1)
    again = instance.count(*cases.columns(made), kinds=("mask",))
    for table in tables:
        for column in tables[table]:
            assert tables[table][column].tolist() == again[table][column].tolist()


def test_images_one_by_one_make_the_same_tables() -> None:
    made = cases.case(9, most=12)
    truth, found = cases.columns(made)
    whole = instance.count(truth, found)
    pieces = []
    for image in range(made.images):
        mine, theirs = truth.image == image, found.image == image
        part = cases.Case(
            1,
            made.classes,
            [{**a, "image_id": 1} for a, keep in zip(made.annotations, mine, strict=True) if keep],
            [{**r, "image_id": 1} for r, keep in zip(made.results, theirs, strict=True) if keep],
        )
        tables = instance.count(*cases.columns(part))
        pieces.append(
            {name: {**t, "image": t["image"] + np.int32(image)} for name, t in tables.items()}
        )
    for name, table in whole.items():
        for column, values in table.items():
            joined = np.concatenate([piece[name][column] for piece in pieces])
            assert joined.dtype == values.dtype
            assert joined.tolist() == values.tolist(), (name, column)


# ---- laws


def scores_of(truth: TruthColumns, found: DetectionColumns, count: int) -> dict[str, Array]:
    tables = instance.count(truth, found, kinds=("mask",))
    scores = instance.score(tables, np.ones((1, truth.images)), classes(count))
    return {
        **scores.overall,
        **{f"{name} per class": values for name, values in scores.per_class.items()},
    }


def with_scores(found: DetectionColumns, scores: Array) -> DetectionColumns:
    return DetectionColumns(
        found.images, found.image, found.classes, scores, found.boxes, found.runs
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_monotone_change_of_scores_changes_nothing(seed: int) -> None:
    made = cases.case(seed)
    truth, found = cases.columns(made)
    changed = with_scores(found, np.exp(3 * found.scores) - 7)
    before, after = scores_of(truth, found, made.classes), scores_of(truth, changed, made.classes)
    for name in before:
        assert np.array_equal(before[name], after[name], equal_nan=True), name
    tables = [
        instance.count(truth, each, kinds=("mask",))["mask_detections"] for each in (found, changed)
    ]
    ranks = [instance.as_ranks(table)["score"].tolist() for table in tables]
    assert ranks[0] == ranks[1]
    ties = [
        len(np.unique(np.stack([t["class"], s]), axis=1).T)
        for t, s in zip(tables, ranks, strict=True)
    ]
    assert len(np.unique(np.stack([tables[0]["class"], tables[0]["score"]]), axis=1).T) == ties[0]


def test_ranks_score_as_scores_do() -> None:
    made = cases.case(5)
    tables = instance.count(*cases.columns(made), kinds=("mask",))
    ranked = {**tables, "mask_detections": instance.as_ranks(tables["mask_detections"])}
    weights = np.ones((1, made.images))
    plain, again = (
        instance.score(each, weights, classes(made.classes)) for each in (tables, ranked)
    )
    for name in instance.OVERALL:
        assert np.array_equal(plain[name], again[name], equal_nan=True), name


def perfect(count: int) -> tuple[TruthColumns, DetectionColumns]:
    """`count` objects of one class in one image, all found."""
    maps = np.zeros((count, 8, 8), dtype=bool)
    for place in range(count):
        maps[place, 2 * place : 2 * place + 2] = True
    rles = masks.encode_many(maps)
    shared: Any = {"size": (8, 8), "classes": np.zeros(count, int), "rles": rles}
    shared |= {"areas": masks.areas(rles), "boxes": masks.boxes(rles)}
    return instance.columns(
        [Instances(**shared)], [Instances(**shared, scores=np.linspace(1, 0.5, count))]
    )


def test_a_perfect_result_scores_just_below_one_as_in_pycocotools() -> None:
    tables = instance.count(*perfect(1))
    assert 0.9999999999999998 == instance.score(tables, np.ones((1, 1)), classes(1))["AP"][0]
    tables = instance.count(*perfect(3))
    assert 1.0 == pytest.approx(
        instance.score(tables, np.ones((1, 1)), classes(1))["AP"][0], abs=1e-15
    )


def test_an_annotation_with_id_0_is_found_here_and_not_by_pycocotools() -> None:
    mask = np.zeros((cases.H, cases.W), dtype=bool)
    mask[:9, :9] = True
    entry = cases._entry(mask, 1, 1)
    made = cases.Case(1, 1, [{**entry, "id": 0, "iscrowd": 0}], [{**entry, "score": 1.0}])
    tables = instance.count(*cases.columns(made), kinds=("mask",))
    assert 0.0 == cases.pycocotools(made, "segm").stats[0]
    assert 0.9999999999999998 == instance.score(tables, np.ones((1, 1)), classes(1))["AP"][0]


def test_a_class_without_truth_is_left_out_of_means() -> None:
    made = cases.case(6)
    more = cases.Case(made.images, made.classes + 1, made.annotations, [*made.results])
    more.results = [*made.results, {**made.results[0], "category_id": made.classes + 1}]
    before = scores_of(*cases.columns(made), made.classes)
    after = scores_of(*cases.columns(more), more.classes)
    assert before["AP"].tolist() == after["AP"].tolist()
    assert np.isnan(after["AP per class"][0, -1])
    theirs = cases.pycocotools(more, "segm")
    assert (theirs.eval["precision"][:, :, -1] == -1).all()
    assert theirs.stats[0] == after["AP"][0]


# ---- inputs


def test_tables_without_rows_have_no_score() -> None:
    assert (cases.pycocotools(cases.Case(1, 2, [], []), "segm").stats == -1).all()
    empty = instance.columns([], [])
    scores = instance.score(instance.count(*empty), np.ones((2, 0)), classes(2))
    assert all(np.isnan(scores[name]).all() for name in instance.OVERALL)
    assert (2, 2) == scores.per_class["AP"].shape


def test_detections_without_scores_are_refused() -> None:
    nothing = Instances(
        size=(2, 2), classes=np.zeros(0, int), rles=[], areas=np.zeros(0), boxes=np.zeros((0, 4))
    )
    with pytest.raises(PredictionError, match="image 0 have no scores"):
        instance.columns([nothing], [nothing])


def test_masks_are_asked_for_where_there_are_boxes_only() -> None:
    truth, found = perfect(1)
    boxes = DetectionColumns(found.images, found.image, found.classes, found.scores, found.boxes)
    with pytest.raises(InputError, match="detections have boxes only"):
        instance.count(truth, boxes)
    counted = set(instance.count(truth, boxes, kinds=("box",)))
    assert {"box_detections", "box_truths", "left_out", "found_as", "object_checks"} == counted


def test_truth_rows_do_not_know_the_prediction() -> None:
    truth, found = perfect(3)
    one = instance.truth_rows(instance.count(truth, found))
    other = instance.truth_rows(
        instance.count(truth, with_scores(found, found.scores[::-1].copy()))
    )
    assert {name: column.tolist() for name, column in one.items()} == {
        n: c.tolist() for n, c in other.items()
    }
    assert [3, 3, 0, 0] == one["objects"].tolist()
    assert [0, 0, 3, 3] == one["ignored"].tolist()
