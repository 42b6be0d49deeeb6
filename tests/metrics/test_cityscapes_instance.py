"""Instance AP of Cityscapes: equal to cityscapesScripts run live, on all objects and near ones, and
laws of weights.
"""

from __future__ import annotations

import copy
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import masks
from bench.cards import load_card
from bench.errors import PredictionError
from bench.formats.cityscapes.files import read_segments_and_void
from bench.formats.objects import derive
from bench.metrics import cityscapes_instance as metric
from bench.samples import Instances, Segments

Array = np.ndarray[Any, Any]
CLASSES = load_card("cityscapes").classes
THINGS = [24, 25, 26, 27, 28, 31, 32, 33]
TRAIN = {entry.id: entry.train_id for entry in CLASSES.entries}
H, W = 90, 130


@dataclass
class Case:
    """Raw instance ids, detections as (mask, label id, score), and metres of a few images."""

    truths: list[Array] = field(default_factory=list)
    found: list[list[tuple[Array, int, float]]] = field(default_factory=list)
    metres: list[Array] = field(default_factory=list)


def generated(seed: int, images: int = 3) -> Case:
    """Blocks of objects, groups, void, caravans; shifted, doubled, tied, empty and wrong
    detections.
    """
    random = np.random.default_rng(seed)
    case = Case()
    for _ in range(images):
        ids = np.full((H, W), 7, dtype=np.int32)
        for number in range(14):
            label = int(random.choice([*THINGS[:4], 26, 24, 29, 4, 0, 23]))
            raw = label * 1000 + number if label >= 24 and random.random() < 0.8 else label
            top, left = random.integers(0, (H, W))
            tall, wide = random.integers(4, 60, 2)
            ids[top : top + tall, left : left + wide] = raw
        found = [
            (np.pad(np.ones((11, 11), bool), ((0, H - 11), (0, W - 11))), label, 0.05)
            for label in THINGS
        ]
        ids[:11, :11] = 7
        for raw in np.unique(ids[ids >= 24]).tolist():
            label = raw // 1000 if raw >= 1000 else raw
            for _ in range(int(random.integers(0, 4))):
                mask = np.roll(ids == raw, random.integers(-4, 5, 2), axis=(0, 1))
                if random.random() < 0.2:
                    mask |= np.roll(ids == int(random.choice(np.unique(ids))), 3, axis=1)
                wrong = random.random() < 0.15
                found.append(
                    (
                        mask,
                        int(random.choice(THINGS)) if wrong else label,
                        float(random.integers(1, 6)) / 5,
                    )
                )
        found.append((np.zeros((H, W), bool), 26, 0.9))
        found.append((ids == 0, 24, 0.95))
        distance = (
            np.where(random.random((H, W)) < 0.3, np.nan, 10.0) + 4 * np.arange(H)[::-1, None] / 3
        )
        distance[:, random.integers(0, W, 20)] = np.nan
        case.truths.append(ids)
        case.found.append(found)
        case.metres.append(distance)
    return case


def streets(count: int = 3) -> Case:
    """Scenes, with their objects shifted as detections."""
    from bench.streets import draw

    case = Case()
    for index in range(count):
        ids = draw("mini", index).instance_ids.astype(np.int32)
        raws = [raw for raw in np.unique(ids).tolist() if raw >= 24000 and raw // 1000 in THINGS]
        found = [
            (np.roll(ids == raw, n % 4, axis=1), raw // 1000, 1 - n / 90)
            for n, raw in enumerate(raws)
        ]
        case.truths.append(ids)
        case.found.append(found)
        case.metres.append(np.full(ids.shape, 20.0))
    return case


def prepared(case: Case, folder: Path) -> list[tuple[Segments, Instances, Array]]:
    """Truth, detections and void of each image, as readers give them."""
    parts = []
    for n, (ids, found) in enumerate(zip(case.truths, case.found, strict=True)):
        path = folder / f"{n}_instanceIds.png"
        Image.fromarray(ids.astype(np.uint16)).save(path)
        kept = [(mask, label, score) for mask, label, score in found if TRAIN[label] is not None]
        detections = derive.instances_from_rles(
            (ids.shape[0], ids.shape[1]),
            np.array([TRAIN[label] for _, label, _ in kept], dtype=np.int64),
            [masks.encode(mask) for mask, _, _ in kept],
            scores=np.array([score for _, _, score in kept], dtype=np.float64),
        )
        truth, void = read_segments_and_void(CLASSES, path)
        parts.append((truth, detections, void))
    return parts


def tables(case: Case, folder: Path, *, near: bool = False) -> dict[str, Any]:
    counted = [
        metric.count(
            truth, found, CLASSES, void=void, distance=case.metres[n] if near else None, image=n
        )
        for n, (truth, found, void) in enumerate(prepared(case, folder))
    ]
    return joined(counted)


def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: {
            column: np.concatenate([part[name][column] for part in parts])
            for column in parts[0][name]
        }
        for name in parts[0]
    }


def reference(
    case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch, *, near: bool = False
) -> dict[str, Any]:
    """Write the case as files and run the script of Cityscapes over them."""
    monkeypatch.setattr(
        np, "in1d", np.isin, raising=False
    )  # NumPy 2.4 removed what the script calls
    script: ModuleType = pytest.importorskip(
        "cityscapesscripts.evaluation.evalInstanceLevelSemanticLabeling"
    )
    monkeypatch.chdir(folder)
    truths, predictions = [], []
    for n, (ids, found) in enumerate(zip(case.truths, case.found, strict=True)):
        Image.fromarray(ids.astype(np.uint16)).save(folder / f"{n}_gt.png")
        lines = []
        for place, (mask, label, score) in enumerate(found):
            Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{n}_{place}.png")
            lines.append(f"{n}_{place}.png {label} {score}\n")
        (folder / f"{n}.txt").write_text("".join(lines))
        truths.append(str(folder / f"{n}_gt.png"))
        predictions.append(str(folder / f"{n}.txt"))
    args = copy.copy(script.args)
    args.quiet, args.JSONOutput, args.distanceAvailable = True, False, near
    args.predictionPath, args.gtInstancesFile = str(folder), str(folder / "gtInstances.json")
    monkeypatch.setattr(
        script, "writeDict2JSON", lambda *_: None
    )  # it cannot write NumPy's numbers
    if near:
        listed = script.instances2dict(truths)
        for n, path in enumerate(truths):
            for entries in listed[path].values():
                for entry in entries:
                    metres = case.metres[n][case.truths[n] == entry["instID"]]
                    valid = metres[np.isfinite(metres)]
                    entry["medDist"] = float(np.median(valid)) if len(valid) else float("inf")
                    entry["distConf"] = len(valid) / max(len(metres), 1)
        monkeypatch.setattr(script, "getGtInstances", lambda *_: listed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result: dict[str, Any] = script.evaluateImgLists(predictions, truths, args)
    return result["averages"]


def compared(
    expected: dict[str, Any], scores: Any, *, near: bool = False
) -> list[tuple[float, float]]:
    names = {"AP": "ap", "AP50": "ap50%"} | ({"AP100m": "ap100m", "AP50m": "ap50m"} if near else {})
    pairs = []
    for ours, theirs in names.items():
        pairs.append((float(expected[f"allA{theirs[1:]}"]), float(scores[ours][0])))
        for k, name in enumerate(CLASSES.names):
            if name in expected["classes"]:
                pairs.append(
                    (float(expected["classes"][name][theirs]), float(scores.per_class[ours][0, k]))
                )
    return pairs


def require_equal(pairs: list[tuple[float, float]]) -> None:
    expected, actual = np.array(pairs).T
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("near", [False, True])
def test_cityscapes_scripts_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, near: bool
) -> None:
    case = generated(seed)
    scores = metric.score(tables(case, tmp_path, near=near), np.ones((1, 3)), CLASSES, near=near)
    expected = reference(case, tmp_path, monkeypatch, near=near)
    assert 0 < expected["allAp"] < 1
    require_equal(compared(expected, scores, near=near))


def test_cityscapes_scripts_agree_on_streets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = streets()
    scores = metric.score(tables(case, tmp_path), np.ones((1, 3)), CLASSES)
    require_equal(compared(reference(case, tmp_path, monkeypatch), scores))


def test_comparison_fails_where_a_match_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = generated(2)
    counted = tables(case, tmp_path)
    found = counted["cityscapes_detections"]
    place = int(np.argmax(found["matched"] > 0))
    found["matched"][place] = 0
    pairs = compared(
        reference(case, tmp_path, monkeypatch), metric.score(counted, np.ones((1, 3)), CLASSES)
    )
    with pytest.raises(AssertionError):
        require_equal(pairs)


# ---- single rules


def single(scores: list[tuple[bool, float]], objects: int = 1) -> float:
    """AP of one class with right and wrong detections."""
    found = {
        "image": np.zeros(len(scores), np.int32),
        "class": np.full(len(scores), 13, np.int16),
        "score": np.array([score for _, score in scores]),
        "matched": np.array([(2**10 - 1) * right for right, _ in scores], dtype=np.uint64),
        "ignored": np.zeros(len(scores), np.uint64),
    }
    truths = {
        "image": np.array([0], np.int32),
        "class": np.array([13], np.int16),
        "size": np.array([0], np.int8),
        "objects": np.array([objects], np.int32),
    }
    both = {"cityscapes_detections": found, "cityscapes_truths": truths}
    return float(metric.score(both, np.ones((1, 1)), CLASSES)["AP"][0])  # type: ignore[arg-type]


def test_areas_are_trapezoids_and_equal_scores_one_point() -> None:
    assert 1.0 == single([(True, 0.9), (False, 0.8)])
    assert 0.25 == single([(False, 0.9), (True, 0.8)])
    assert 0.75 == single([(False, 0.9), (True, 0.9)])
    assert 0.0 == single([])


def square(raw: int, size: int = 20) -> Array:
    ids = np.full((H, W), 7, dtype=np.int32)
    ids[:size, :size] = raw
    return ids


def test_an_overlap_of_one_half_does_not_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = square(26001)
    half = ids == 26001
    half[:10] = False
    case = Case([ids], [[(half, 26, 0.9)]])
    scores = metric.score(tables(case, tmp_path), np.ones((1, 1)), CLASSES)
    assert 0.0 == scores["AP50"][0]
    require_equal(compared(reference(case, tmp_path, monkeypatch), scores))


def test_detections_over_void_and_groups_alone_score_zero_where_the_script_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = square(26001)
    ids[40:60, 40:60], ids[70:, 70:] = 26, 4
    case = Case([ids], [[(ids == 26, 26, 0.9), (ids == 4, 26, 0.8)]])
    counted = tables(case, tmp_path)
    assert [0, 0] == counted["cityscapes_detections"]["matched"].tolist()
    assert [2**10 - 1] * 2 == counted["cityscapes_detections"]["ignored"].tolist()
    assert 0.0 == metric.score(counted, np.ones((1, 1)), CLASSES)["AP"][0]
    with pytest.raises(IndexError):
        reference(case, tmp_path, monkeypatch)


def test_caravans_are_not_void_and_their_unnumbered_regions_are(tmp_path: Path) -> None:
    path = tmp_path / "a_instanceIds.png"
    Image.fromarray(np.uint16([[29001, 29, 4, 26001, 26, 7]])).save(path)  # type: ignore[arg-type]
    assert [[False, True, True, False, False, False]] == read_segments_and_void(CLASSES, path)[
        1
    ].tolist()


# ---- weights


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return tables(generated(11, 6), tmp_path_factory.mktemp("six"), near=True)


def test_whole_weights_equal_repeated_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = generated(5)
    times = [2, 0, 1]
    scores = metric.score(tables(case, tmp_path), np.array([times]), CLASSES)
    places = [n for n, count in enumerate(times) for _ in range(count)]
    again = Case(*([part[n] for n in places] for part in (case.truths, case.found, case.metres)))  # type: ignore[arg-type]
    require_equal(compared(reference(again, tmp_path, monkeypatch), scores))


def test_rows_do_not_depend_on_their_neighbours(
    six: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.random.default_rng(0).random((9, 6))
    together = metric.score(six, weights, CLASSES, near=True)
    from bench.metrics import trapezoids

    monkeypatch.setattr(trapezoids, "_LANES", 1)
    again = metric.score(six, weights, CLASSES, near=True)
    for name, values in together.overall.items():
        assert np.isfinite(values).any(), name
        assert np.array_equal(values, again[name], equal_nan=True), name
        scaled = metric.score(six, 3 * weights, CLASSES, near=True)[name]
        np.testing.assert_allclose(scaled, values, rtol=1e-12)


def test_a_monotone_change_of_scores_changes_nothing(six: dict[str, Any]) -> None:
    found = six["cityscapes_detections"]
    changed = {**six, "cityscapes_detections": {**found, "score": np.exp(found["score"])}}
    before, after = (
        metric.score(each, np.ones((1, 6)), CLASSES)["AP"].tolist() for each in (six, changed)
    )
    assert before == after


def test_truth_rows_hold_no_prediction(tmp_path: Path) -> None:
    case = generated(3)
    before = metric.truth_rows(tables(case, tmp_path))
    case.found = [found[:1] for found in case.found]
    after = metric.truth_rows(tables(case, tmp_path))
    assert {name: column.tolist() for name, column in before.items()} == {
        n: c.tolist() for n, c in after.items()
    }


def test_nothing_and_bad_input(tmp_path: Path) -> None:
    truth, found, _ = prepared(Case([square(26001)], [[]]), tmp_path)[0]
    scores = metric.score(metric.count(truth, found, CLASSES), np.ones((2, 1)), CLASSES)
    assert [0.0, 0.0] == scores["AP"].tolist()
    with pytest.raises(PredictionError, match="no scores"):
        metric.count(truth, derive.instances_from_rles((H, W), np.zeros(0, int), []), CLASSES)
    small = derive.instances_from_rles(
        (2, 2), np.array([13]), [masks.encode(np.ones((2, 2)))], scores=np.ones(1)
    )
    with pytest.raises(PredictionError, match="size"):
        metric.count(truth, small, CLASSES)


def test_speed_beside_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = generated(1)
    parts = prepared(case, tmp_path)
    start = time.process_time()
    metric.score(
        joined(
            [
                metric.count(*part[:2], CLASSES, void=part[2], image=n)
                for n, part in enumerate(parts)
            ]
        ),
        np.ones((1, 3)),
        CLASSES,
    )
    ours = time.process_time() - start
    start = time.process_time()
    reference(case, tmp_path, monkeypatch)
    assert ours < time.process_time() - start
