"""The loop: the same counts however it is cut, resumed or threaded, and errors that name the
image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tiny_card

from bench import runs, scoring
from bench.errors import DataError, PredictionError, RunError
from bench.evaluation import evaluate
from bench.evaluation.jobs import FromModel, FromReader, Job
from bench.families.contract.rules import Rules
from bench.samples import Image, LabelMap, Sample, Truth

CARD = tiny_card.with_classes("road", "car", "sky")
COUNT = 23


def _labels(seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, (9, 7), dtype=np.uint8)
    labels[0, 0] = 255
    return labels


def _sample(index: int) -> Sample:
    truth = LabelMap(_labels(index))
    picture = np.repeat(_labels(1000 + index)[:, :, None], 3, axis=2)
    return Sample(f"image{index}", Truth(read_semantic=lambda: truth), read_image=lambda: picture)


SAMPLES = [_sample(index) for index in range(COUNT)]


class Echo:
    """A model that reads its prediction off the picture; it can be told to break off after some
    batches.
    """

    identity: ClassVar[dict[str, Any]] = {"name": "echo"}
    settings: ClassVar[dict[str, Any]] = {"device": "cpu"}
    task = "semantic"

    def __init__(self, batch_size: int = 4, stop_after: int | None = None) -> None:
        self.batch_size = batch_size
        self.stop_after = stop_after
        self.batches: list[int] = []

    def predict(self, images: Sequence[Image]) -> list[LabelMap]:
        if self.stop_after is not None and len(self.batches) == self.stop_after:
            raise KeyboardInterrupt
        self.batches.append(len(images))
        return [
            LabelMap(np.where(image[:, :, 0] == 255, 0, image[:, :, 0]).astype(np.uint8))
            for image in images
        ]


def _job(model: Echo | None = None, **changes: Any) -> Job:
    model = model or Echo()
    job = Job(
        CARD,
        "val",
        SAMPLES,
        "echo",
        dict(model.identity),
        dict(model.settings),
        FromModel(model),  # type: ignore[arg-type]
    )
    return replace(job, **changes)


def _stored(read: Callable[[Sample], LabelMap], *, resize: bool = False, **changes: Any) -> Job:
    return replace(_job(), predictions=FromReader(read, resize=resize), **changes)


def _rows(run: runs.Run) -> dict[str, list[int]]:
    return {name: column.tolist() for name, column in run.tables["pixels"].items()}


def test_counts_do_not_depend_on_the_batch_size(tmp_path: Path) -> None:
    whole = evaluate(_job(Echo(64)), out=tmp_path / "a")
    for size in (1, 4, 7):
        assert _rows(whole) == _rows(evaluate(_job(Echo(size)), out=tmp_path / str(size)))


def test_every_valid_pixel_is_counted(tmp_path: Path) -> None:
    run = evaluate(_job(), out=tmp_path)
    valid = sum(int((sample.truth.semantic().labels != 255).sum()) for sample in SAMPLES)
    assert valid == run.tables["pixels"]["pixels"].sum()
    assert [sample.id for sample in SAMPLES] == run.image_ids


def test_an_interrupted_run_goes_on_where_it_was_and_gives_the_same_counts(tmp_path: Path) -> None:
    plain = evaluate(_job(), out=tmp_path / "plain")
    with pytest.raises(KeyboardInterrupt):
        evaluate(_job(Echo(stop_after=4)), out=tmp_path / "cut")
    path = _job().path(tmp_path / "cut")
    assert not path.exists(), "half a record is no record"
    model = Echo()
    resumed = evaluate(_job(model), out=tmp_path / "cut", resume=True)
    assert _rows(plain) == _rows(resumed)
    assert plain.record.tables == resumed.record.tables
    assert plain.record.scores == resumed.record.scores
    assert sum(model.batches) < COUNT, "what was counted before is not predicted again"
    assert resumed.record.timings["images_resumed"] > 0
    assert not runs.partial_folder(path).exists()


def test_resuming_a_finished_run_returns_it(tmp_path: Path) -> None:
    done = evaluate(_job(), out=tmp_path)
    model = Echo()
    again = evaluate(_job(model), out=tmp_path, resume=True)
    assert done.record == again.record
    assert [] == model.batches


def test_without_resume_a_run_starts_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(_job(Echo(stop_after=4)), out=tmp_path)
    model = Echo()
    evaluate(_job(model), out=tmp_path)
    assert sum(model.batches) in (COUNT, COUNT + 1), (
        "one more to count operations, where torch is loaded"
    )


def test_resuming_with_other_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(_job(Echo(stop_after=2), sources={"data": "here"}), out=tmp_path)
    with pytest.raises(RunError, match="other files or settings"):
        evaluate(_job(sources={"data": "there"}), out=tmp_path, resume=True)


def test_another_question_is_another_record(tmp_path: Path) -> None:
    jobs = [
        _job(),
        _job(samples=SAMPLES[:-1]),
        _job(rules=Rules(classes_in="union")),
        _job(settings={"device": "cuda"}),
        _job(identity={"name": "echo", "digest": "1"}),
        _job(split="train"),
    ]
    assert len(jobs) == len({job.path(tmp_path) for job in jobs})
    assert _job().path(tmp_path) == _job().path(tmp_path)


def test_stored_predictions_give_the_same_counts_as_a_model(tmp_path: Path) -> None:
    echo = Echo()
    plain = evaluate(_job(), out=tmp_path / "model")
    stored = _stored(lambda sample: echo.predict([sample.image()])[0])
    assert _rows(plain) == _rows(evaluate(stored, out=tmp_path / "stored"))


def test_a_prediction_of_another_size_is_refused_or_resized_on_request(tmp_path: Path) -> None:
    def double(sample: Sample) -> LabelMap:
        return LabelMap(
            np.kron(sample.truth.semantic().labels % 255, np.ones((2, 2), dtype=np.uint8))
        )

    with pytest.raises(PredictionError, match=r"image0: .*18x14.*9x7.*--resize nearest"):
        evaluate(_stored(double), out=tmp_path)
    run = evaluate(_stored(double, resize=True), out=tmp_path)
    assert 1.0 == run.record.scores["semantic"]["pixel_accuracy"]["value"]


def test_an_error_in_a_thread_names_the_image(tmp_path: Path) -> None:
    def wrong(sample: Sample) -> LabelMap:
        labels = sample.truth.semantic().labels.copy()
        labels[3, 3] = 9 if sample.id == "image7" else 0
        return LabelMap(labels)

    with pytest.raises(PredictionError, match=r"image7.* 9"):
        evaluate(_stored(wrong), out=tmp_path / "new")
    assert [] == list((tmp_path / "new").iterdir())
    kept = evaluate(_job(), out=tmp_path / "used")
    with pytest.raises(PredictionError, match=r"image7.* 9"):
        evaluate(_stored(wrong), out=tmp_path / "used")
    assert [kept.path] == [file.parent for file in (tmp_path / "used").rglob("run.json")]


def test_no_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no image to evaluate"):
        evaluate(_job(samples=[]), out=tmp_path)


def test_progress_ends_at_the_number_of_images(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(_job(), out=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert (COUNT, COUNT) == seen[-1]
    assert seen == sorted(seen)


def test_the_record_holds_every_score_with_its_interval(tmp_path: Path) -> None:
    scores = evaluate(_job(), out=tmp_path).record.scores["semantic"]
    for name in ("pixel_accuracy", "mean_accuracy", "mIoU", "fwIoU", "mDice"):
        low, high = scores[name]["interval"]
        assert low < scores[name]["value"] < high
    assert ["road", "car", "sky"] == list(scores["per_class"])
    assert {"IoU", "Dice", "accuracy"} == set(scores["per_class"]["car"])


def test_scoring_a_record_again_gives_what_it_holds(tmp_path: Path) -> None:

    run = evaluate(_job(), out=tmp_path)
    assert run.record.scores == runs.nan_to_null(scoring.rescore(runs.read(run.path)).groups)


def test_a_mean_most_of_whose_classes_few_images_carry_has_no_interval(tmp_path: Path) -> None:
    def rare(index: int) -> Sample:
        labels = np.zeros((4, 4), dtype=np.uint8)
        labels[0] = 1 if index == 0 else 2 if index == 1 else 0
        return replace(_sample(index), truth=Truth(read_semantic=lambda: LabelMap(labels)))

    def nearly(sample: Sample) -> LabelMap:
        labels = sample.truth.semantic().labels.copy()
        labels[3, 3] = 1 if sample.id == "image5" else labels[3, 3]
        return LabelMap(labels)

    job = _stored(nearly, samples=[rare(index) for index in range(9)])
    run = evaluate(job, out=tmp_path)
    scores = run.record.scores["semantic"]
    assert "silent-classes" in {warning.code for warning in run.record.warnings}
    assert "silent-classes" not in {
        each.code for each in scoring.rescore(run, interval="none").warnings
    }
    assert [None, None, None] == [
        scores[name]["interval"] for name in ("mIoU", "mean_accuracy", "mDice")
    ]
    assert scores["pixel_accuracy"]["interval"] is not None
