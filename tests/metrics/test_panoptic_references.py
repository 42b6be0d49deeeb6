"""Panoptic quality beside panopticapi, run live, and on real files: where they agree, and each
convention.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import panoptic_maps
import pytest
from oracles import panoptic as oracle
from PIL import Image

from bench.cards import load_card
from bench.classes import Class, Classes
from bench.errors import DataError
from bench.formats.coco import panoptic as coco_panoptic
from bench.formats.coco.json_files import PanopticAnnotation, SegmentEntry
from bench.metrics import panoptic
from bench.samples import Segments

C, CLASSES, tables, plain, made = (
    panoptic_maps.C,
    panoptic_maps.CLASSES,
    panoptic_maps.tables,
    panoptic_maps.plain,
    panoptic_maps.made,
)
Pairs = list[tuple[Segments, Segments]]
Results = dict[str, dict[str, Any]]
SUFFIXES = ("", "_th", "_st")


def reference(pairs: Pairs, folder: Path, classes: Classes = CLASSES, *, area: float = 1.0) -> Any:
    """Run panopticapi over pairs written as it wants them; returns its statistics. `area` scales
    the truth's areas.
    """
    evaluation = pytest.importorskip("panopticapi.evaluation")
    annotations = []
    for n, pair in enumerate(pairs):
        entries = []
        for kind, segments in zip(("truth", "prediction"), pair, strict=True):
            (folder / kind).mkdir(exist_ok=True)
            ids = segments.ids.astype(np.uint32)
            rgb = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=2).astype(np.uint8)
            Image.fromarray(rgb).save(folder / kind / f"{n}.png")
            columns = (
                segments.segment_ids.tolist(),
                segments.classes.tolist(),
                segments.crowd.tolist(),
            )
            infos = [
                {
                    "id": number,
                    "category_id": label,
                    "iscrowd": int(crowd),
                    "area": int((segments.ids == number).sum()) * area,
                }
                for number, label, crowd in zip(*columns, strict=True)
            ]
            entries.append({"image_id": n, "file_name": f"{n}.png", "segments_info": infos})
        annotations.append(entries)
    folders = str(folder / "truth"), str(folder / "prediction")
    return evaluation.pq_compute_single_core(0, annotations, *folders, categories(classes))


def categories(classes: Classes) -> dict[int, dict[str, int]]:
    return {
        label: {"id": label, "isthing": int(thing)} for label, thing in enumerate(classes.things)
    }


def averages(statistics: Any, classes: Classes = CLASSES) -> Results:
    """All, things and stuff; where a group is empty panopticapi divides by zero, and the entry is
    missing.
    """
    found: Results = {}
    for suffix, thing in (("", None), ("_th", True), ("_st", False)):
        try:
            found[suffix], per_class = statistics.pq_average(categories(classes), isthing=thing)
        except ZeroDivisionError:
            continue
        if thing is None:
            found["per class"] = per_class
    return found


def require_equal(
    expected: Results, actual: panoptic.PanopticScores, classes: Classes = CLASSES
) -> None:
    for suffix in SUFFIXES:
        for name in panoptic.PER_CLASS:
            value = expected[suffix][name.lower()] if suffix in expected else np.nan
            np.testing.assert_allclose(
                actual[name + suffix][0], value, rtol=1e-12, err_msg=name + suffix
            )
    for label in range(len(classes)):
        for name in panoptic.PER_CLASS:
            # What is in neither truth nor prediction is 0 there and not defined here.
            value = np.nan_to_num(actual.per_class[name][0, label])
            np.testing.assert_allclose(
                value,
                expected["per class"][label][name.lower()],  # type: ignore[index]
                rtol=1e-12,
            )


def require_counts(statistics: Any, table: dict[str, Any]) -> None:
    for label in range(C):
        rows = table["class"] == label
        cell = statistics[label]
        assert (cell.tp, cell.fp, cell.fn) == tuple(
            int(table[name][rows].sum()) for name in ("tp", "fp", "fn")
        )
        assert table["iou_sum"][rows].sum() == pytest.approx(cell.iou, rel=1e-12)


def generated(
    seed: int, *, images: int = 12, one_crowd: bool = True, absent: Sequence[int] = ()
) -> Pairs:
    """Overlapping rectangles and a prediction of them that has moved, with other classes, void and
    all kinds of ids.
    """
    generator = np.random.default_rng(seed)
    labels_known = [label for label in range(C) if label not in absent]
    pairs = []  # type: ignore[var-annotated]
    for _ in range(images):
        maps = []
        numbers = generator.choice((1 << 24) - 1, 24, replace=False) + 1
        labels = generator.choice(labels_known, 24)
        for kind in range(2):
            ids = np.zeros((40, 50), np.int32)
            for k in range(12):
                top, left, height, width = rectangle(k, seed + len(pairs)) + (
                    generator.integers(-3, 4, 4) if kind else 0
                )
                ids[max(top, 0) : top + height, max(left, 0) : left + width] = numbers[
                    k + 12 * kind
                ]
            ids[generator.random(ids.shape) < 0.03] = 0
            ids[: generator.integers(0, 16)] = 0
            maps.append(ids)
        changed = np.where(
            generator.random(12) < 0.15, generator.choice(labels_known, 12), labels[:12]
        )
        crowd = generator.random(12) < 0.3
        if one_crowd:
            seen = crowd & np.isin(numbers[:12], maps[0])
            crowd = seen & [not (seen[:k] & (labels[:k] == labels[k])).any() for k in range(12)]
        pairs.append(
            (
                listed(maps[0], numbers[:12], labels[:12], crowd),
                listed(maps[1], numbers[12:], changed),
            )
        )
    return pairs


def rectangle(k: int, seed: int) -> np.ndarray[Any, Any]:
    """Top, left, height and width, the same for truth and prediction."""
    generator = np.random.default_rng([k, seed])
    return np.concatenate([generator.integers(0, 30, 2), generator.integers(8, 30, 2)])


def listed(ids: Any, numbers: Any, labels: Any, crowd: Any = None) -> Segments:
    here = np.isin(numbers, ids)
    crowd = np.zeros(len(numbers), dtype=bool) if crowd is None else crowd
    return Segments(ids, numbers[here], labels[here], crowd[here])


# Agreement


@pytest.mark.parametrize("seed", range(6))
def test_panopticapi_agrees(seed: int, tmp_path: Path) -> None:
    pairs = generated(seed, absent=[(), (1,), (2, 3), (0, 1)][seed % 4])
    statistics = reference(pairs, tmp_path)
    table = tables(pairs)["segments"]
    assert table["tp"].sum() > 20
    assert table["fp"].sum() > 20
    require_counts(statistics, table)
    require_equal(averages(statistics), plain(pairs))


def test_comparison_with_panopticapi_fails_where_a_class_differs(tmp_path: Path) -> None:
    pairs = generated(0)
    statistics = reference(pairs, tmp_path)
    truth, prediction = pairs[0]
    pairs[0] = (truth, replace(prediction, classes=(prediction.classes + 1) % C))
    with pytest.raises(AssertionError):
        require_counts(statistics, tables(pairs)["segments"])
    with pytest.raises(AssertionError):
        require_equal(averages(statistics), plain(pairs))


@pytest.mark.parametrize("seed", [0, 1])
def test_repeated_images_equal_whole_weights(seed: int, tmp_path: Path) -> None:
    pairs = generated(seed, images=4)
    repeated = [pair for pair, times in zip(pairs, [3, 0, 1, 2], strict=True) for _ in range(times)]
    expected = averages(reference(repeated, tmp_path))
    require_equal(
        expected, panoptic.score(tables(pairs)["segments"], np.array([[3, 0, 1, 2]]), CLASSES)
    )


# Conventions


def test_prediction_half_over_void_is_a_false_positive(tmp_path: Path) -> None:
    truth = made([[1, 1, 0, 0, 0]], {1: 0})
    half, more = made([[0, 2, 2, 0, 0]], {2: 1}), made([[0, 2, 2, 2, 0]], {2: 1})
    for prediction, wrong in ((half, 1), (more, 0)):
        assert wrong == reference([(truth, prediction)], tmp_path)[1].fp
        table = tables([(truth, prediction)])["segments"]
        assert wrong == table["fp"].sum()


def test_iou_of_one_half_does_not_match(tmp_path: Path) -> None:
    truth, prediction = made([[1, 1]], {1: 0}), made([[1, 0]], {1: 0})
    cell = reference([(truth, prediction)], tmp_path)[0]
    table = tables([(truth, prediction)])["segments"]
    assert (cell.tp, cell.fp, cell.fn) == (0, 1, 1)
    assert [(0, 1, 1)] == list(
        zip(*(table[name].tolist() for name in ("tp", "fp", "fn")), strict=True)
    )


def test_every_crowd_of_a_class_excuses_predictions_and_not_only_the_last(tmp_path: Path) -> None:
    truth = made([[1, 1, 1, 2, 2, 2]], {1: 0, 2: 0}, crowd=[1, 2])
    prediction = made([[4, 4, 4, 5, 5, 5]], {4: 0, 5: 0})
    assert 1 == reference([(truth, prediction)], tmp_path)[0].fp
    assert 0 == tables([(truth, prediction)])["segments"]["fp"].sum()
    pairs = generated(3, one_crowd=False)
    statistics = reference(pairs, tmp_path)
    table = tables(pairs)["segments"]
    for label in range(C):
        rows = table["class"] == label
        assert (statistics[label].tp, statistics[label].fn) == (
            table["tp"][rows].sum(),
            table["fn"][rows].sum(),
        )
        assert statistics[label].fp >= table["fp"][rows].sum()


def test_areas_are_counted_and_not_read(tmp_path: Path) -> None:
    truth = made([[1, 1, 2, 2]] * 5, {1: 0, 2: 2})
    prediction = made([[1, 1, 1, 2]] * 5, {1: 0, 2: 2})
    honest, claimed = (
        averages(reference([(truth, prediction)], tmp_path, area=area)) for area in (1.0, 0.3)
    )
    require_equal(honest, plain([(truth, prediction)]))
    assert claimed[""]["pq"] > 1


def test_group_without_classes_has_no_score(tmp_path: Path) -> None:
    things = [(made([[1, 1]], {1: 0}), made([[1, 1]], {1: 0}))]
    with pytest.raises(ZeroDivisionError):
        reference(things, tmp_path).pq_average(categories(CLASSES), isthing=False)
    scores = plain(things)
    assert [1.0, 1.0] == [scores["PQ"][0], scores["PQ_th"][0]]
    assert np.isnan([scores[name][0] for name in ("PQ_st", "SQ_st", "RQ_st")]).all()


def test_class_that_is_only_predicted_counts_as_zero(tmp_path: Path) -> None:
    pairs = [(made([[1, 1, 2]], {1: 0, 2: 1}), made([[1, 1, 2]], {1: 0, 2: 2}))]
    require_equal(averages(reference(pairs, tmp_path)), plain(pairs))
    assert 1 / 3 == pytest.approx(plain(pairs)["PQ"][0])
    assert 1 / 2 == plain(pairs, classes_in="truth")["PQ"][0]


def test_class_in_neither_truth_nor_prediction_has_no_score(tmp_path: Path) -> None:
    pairs = [(made([[1]], {1: 0}), made([[1]], {1: 0}))]
    assert 0.0 == averages(reference(pairs, tmp_path))["per class"][3]["pq"]  # type: ignore[index]
    assert np.isnan(plain(pairs).per_class["PQ"][0, 3])


def test_pixels_of_unlisted_true_segments_are_refused(tmp_path: Path) -> None:
    truth, prediction = made([[1, 1, 9]], {1: 0}), made([[1, 1, 4]], {1: 0, 4: 1})
    assert 1 == reference([(truth, prediction)], tmp_path)[1].fp
    with pytest.raises(DataError, match="segment 9"):
        tables([(truth, prediction)])


def test_boundary_of_a_segment_runs_along_void_and_the_frame() -> None:
    ids = np.ones((9, 9), np.int32)
    ids[4, 4] = 0
    truth, prediction = made(ids, {1: 0}), made(np.ones((9, 9)), {1: 0})
    assert 40 == len(oracle.boundary(oracle.masks(ids.tolist())[1], 1))
    table = panoptic.count(truth, prediction, CLASSES, boundary_ratio=0.01)["boundary_segments"]
    # 32 pixels along the frame and 8 around the hole are near a true edge; the predicted segment
    # has no hole.
    assert [32 / 40] == table["iou_sum"].tolist()


# Real files


def sample(shared_data: Callable[[str], Path]) -> tuple[Any, list[Segments]]:
    """The two images of panopticapi's sample, read as the layout reads them."""
    folder = shared_data("panopticapi_sample") / "sample_data"
    card = load_card("coco-panoptic")
    found = []
    for entry in json.loads((folder / "panoptic_examples.json").read_text())["annotations"]:
        infos = [
            SegmentEntry(id=each["id"], category_id=each["category_id"], iscrowd=each["iscrowd"])
            for each in entry["segments_info"]
        ]
        annotation = PanopticAnnotation(
            image_id=entry["image_id"], file_name=entry["file_name"], segments_info=infos
        )
        png = folder / "panoptic_examples" / annotation.file_name
        found.append(coco_panoptic.read_segments(card, png, annotation.segments_info))
    return card, found


def damaged(truth: Segments, seed: int) -> Segments:
    """Move a true map, mix up some classes and rub some of it out: the prediction of no model, but
    of every error.
    """
    generator = np.random.default_rng(seed)
    ids = np.roll(truth.ids, generator.integers(-9, 10, 2), axis=(0, 1))
    ids[100:180, 50:300] = ids[0, 0]
    ids[:40] = 0
    labels = np.where(generator.random(len(truth.classes)) < 0.15, 7, truth.classes)
    return listed(ids, truth.segment_ids, labels)


@pytest.mark.parametrize("seed", range(3))
def test_panopticapi_agrees_on_its_sample(
    seed: int, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    card, truths = sample(shared_data)
    pairs = [(truth, damaged(truth, seed)) for truth in truths]
    parts = [
        panoptic.count(*pair, card.classes, image=n)["segments"] for n, pair in enumerate(pairs)
    ]
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    assert 3 == sum(truth.crowd.sum() for truth in truths)
    scores = panoptic.score(table, np.ones((1, 2)), card.classes)
    require_equal(
        averages(reference(pairs, tmp_path, card.classes), card.classes), scores, card.classes
    )
    assert 0.1 < scores["PQ"][0] < 0.9


COLOURS = {
    (0, 0, 255): 1,
    (255, 0, 0): 2,
    (0, 255, 0): 3,
    (255, 0, 255): 4,
    (0, 255, 255): 5,
    (255, 255, 0): 6,
}
PHOTOGRAPHS = {
    "team": (
        "team_gt_instance.png",
        {198: 2} | dict.fromkeys((47, 97, 133, 150, 174, 215, 244, 255), 1),
    ),
    "cat": ("cat_gt.png", {255: 6}),
    "bird": ("bird_gt.png", {92: 5, 176: 3, 255: 4}),
}


def photograph(folder: Path, name: str) -> tuple[Segments, Segments]:
    """Truth and prediction of one image of DeepLab2's test data; a segment is a class with an
    instance's grey value.
    """
    file, class_of = PHOTOGRAPHS[name]
    grey = np.array(Image.open(folder / file).convert("L")).astype(np.int32)
    labels = np.vectorize(lambda value: class_of.get(value, 0), otypes=[np.int32])(grey)
    colours = np.array(Image.open(folder / f"{name}_pred_class.png").convert("RGB"))
    guesses = np.zeros_like(labels)
    for colour, label in COLOURS.items():
        guesses[(colours == colour).all(axis=2)] = label
    instances = np.array(Image.open(folder / f"{name}_pred_instance.png").convert("L")).astype(
        np.int32
    )
    return of_labels(labels, grey), of_labels(guesses, instances)


def of_labels(labels: Any, instances: Any) -> Segments:
    ids = np.where(labels > 0, labels * 256 + instances, 0)
    numbers = np.unique(ids[ids > 0])
    return Segments(ids, numbers, numbers // 256 - 1, np.zeros(len(numbers), dtype=bool))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("team",), (0.62156284, 0.64664984, 0.9666667)),
        (("team", "cat", "bird"), (0.76855499, 0.7769174, 0.98888892)),
    ],
)
def test_published_scores_of_deeplab2_are_met(
    names: Sequence[str], expected: Sequence[float], shared_data: Callable[[str], Path]
) -> None:
    folder = shared_data("deeplab2_pq_testdata")
    classes = Classes(tuple(Class(c, f"class {c}", c - 1) for c in range(1, 7)))
    parts = [
        panoptic.count(*photograph(folder, name), classes, image=n)["segments"]
        for n, name in enumerate(names)
    ]
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    scores = panoptic.score(table, np.ones((1, len(names))), classes)
    # They were computed in single precision.
    np.testing.assert_allclose(
        [scores[name][0] for name in panoptic.PER_CLASS], expected, rtol=1e-7
    )
