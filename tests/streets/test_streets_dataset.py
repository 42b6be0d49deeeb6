"""streets as a data set: written in three official layouts it is the same truth three times, and
scores the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cards, masks, opening
from bench.errors import DataError, UsageError
from bench.evaluation import evaluate
from bench.evaluation.stored import stored_predictions
from bench.formats import layout
from bench.samples import LabelMap, Sample
from bench.streets import SPLITS, dataset

LAYOUTS = ("cityscapes", "coco", "voc")
IMAGES = 3
CARD = cards.load_card("streets")


@pytest.fixture(scope="module")
def drawn() -> list[Sample]:
    """A few scenes, in memory."""
    return list(dataset.samples(CARD, "mini", IMAGES))


@pytest.fixture(scope="module")
def written(drawn: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from a layout to the folder that holds the scenes in it."""
    roots: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in roots:
            roots[name] = tmp_path_factory.mktemp(name)
            card = CARD.in_layout(name)
            layout(card).write_truth(card, roots[name], "mini", drawn)
        return roots[name]

    return folder


def _read(name: str, root: Path) -> list[Sample]:
    card = CARD.in_layout(name)
    return layout(card).read_truth(card, root, "mini")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_gives_back_the_truth_in_all_three_forms(
    drawn: list[Sample], written: Any, name: str
) -> None:
    found = _read(name, written(name))
    assert [sample.id for sample in drawn] == [sample.id for sample in found]
    for expected, actual in zip(drawn, found, strict=True):
        np.testing.assert_array_equal(
            expected.truth.semantic().labels, actual.truth.semantic().labels
        )
        _equal_instances(expected, actual)
        _equal_segments(expected, actual)


def _equal_instances(expected: Sample, actual: Sample) -> None:
    left, right = expected.truth.instances(), actual.truth.instances()
    assert left.classes.tolist() == right.classes.tolist()
    assert left.areas.tolist() == right.areas.tolist()
    assert left.boxes.tolist() == right.boxes.tolist()
    for a, b in zip(left.rles, right.rles, strict=True):
        np.testing.assert_array_equal(masks.decode(a), masks.decode(b))


def _equal_segments(expected: Sample, actual: Sample) -> None:
    left, right = expected.truth.segments(), actual.truth.segments()
    assert left.classes.tolist() == right.classes.tolist()
    for a, b in zip(left.segment_ids, right.segment_ids, strict=True):
        np.testing.assert_array_equal(left.ids == a, right.ids == b)


@pytest.mark.parametrize("name", LAYOUTS)
def test_pictures_survive_as_far_as_their_format_allows(
    drawn: list[Sample], written: Any, name: str
) -> None:
    expected, actual = drawn[0].image(), _read(name, written(name))[0].image()
    assert expected.shape == actual.shape
    difference = np.abs(expected.astype(int) - actual.astype(int)).mean()
    assert difference == 0 if name == "cityscapes" else difference < 8, (
        "JPEG blurs, but not beyond recognition"
    )


def test_depth_survives_in_the_layout_that_has_it(drawn: list[Sample], written: Any) -> None:
    (expected, *_), (actual, *_) = drawn, _read("cityscapes", written("cityscapes"))
    assert expected.read_depth is not None
    assert actual.read_depth is not None
    np.testing.assert_allclose(actual.read_depth(), expected.read_depth(), rtol=1e-2)


def test_the_same_predictions_score_the_same_in_every_layout(
    drawn: list[Sample], written: Any, tmp_path: Path
) -> None:
    scores = {}
    for name in LAYOUTS:
        card = CARD.in_layout(name)
        predictions = [(sample, LabelMap(_damaged(sample))) for sample in drawn]
        layout(card).write_predictions(card, tmp_path / name, "semantic", predictions)
        samples = _read(name, written(name))
        job = stored_predictions(
            card, "mini", samples, tmp_path / name, root=written(name), name="damaged"
        )
        run = evaluate(job, out=tmp_path / "runs" / name)
        counts = {column: values.tolist() for column, values in run.tables["pixels"].items()}
        scores[name] = (run.record.scores, run.record.tables, counts)
    assert scores["cityscapes"] == scores["coco"] == scores["voc"]
    assert 0.5 < scores["voc"][0]["semantic"]["pixel_accuracy"]["value"] < 1


def _damaged(sample: Sample) -> np.ndarray:
    labels = np.roll(sample.truth.semantic().labels, 5, axis=1)
    return np.where(labels == CARD.classes.ignore, 0, labels).astype(np.uint8)


def test_the_cache_is_drawn_once_and_grouped_in_sequences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    seen: list[tuple[int, int]] = []
    opened = opening.open_data(
        "streets", "mini", progress=lambda done, total: seen.append((done, total))
    )
    assert SPLITS["mini"] == len(opened.samples)
    assert (SPLITS["mini"], SPLITS["mini"]) == seen[-1]
    assert 2 == len({sample.groups["sequence"] for sample in opened.samples})
    seen.clear()
    again = opening.open_data(
        "streets", "mini", progress=lambda done, total: seen.append((done, total))
    )
    assert [] == seen
    assert [sample.id for sample in opened.samples] == [sample.id for sample in again.samples]


def test_a_cache_that_broke_off_is_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dataset.cached(CARD, "mini", progress=stop)
    assert [] == list(tmp_path.rglob("*.png"))


def test_a_cache_that_cannot_be_written_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(
        DataError, match=r"cannot write the cache: .*set BENCH_CACHE to another folder"
    ):
        dataset.cached(CARD, "mini")


def test_a_split_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no split 'test'"):
        dataset.write(CARD, tmp_path, "test")
