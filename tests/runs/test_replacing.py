"""Records of one question: equal counts are there already or replaced, others stay until somebody
says otherwise.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tiny_card

from bench import cli, runs
from bench.errors import DataError, RunError
from bench.evaluation import evaluate
from bench.evaluation.answered import answered, files_digest
from bench.evaluation.jobs import FromModel, FromReader, Job
from bench.runs.replacing import describe_difference
from bench.samples import LabelMap, Sample, Truth

CARD = tiny_card.with_classes("road", "car", "sky")


HALVES = np.repeat(np.array([[0, 0, 0, 1, 1, 1]], dtype=np.uint8), 4, axis=0)


def _sample(index: int) -> Sample:
    labels = np.full((6, 5), index % 3, dtype=np.uint8)
    return Sample(
        f"image{index}",
        Truth(read_semantic=lambda: LabelMap(labels)),
        read_image=lambda: np.repeat(labels[:, :, None], 3, axis=2),
    )


class Painter:
    """Answers with the truth, but for so many images with one class."""

    identity: ClassVar[dict[str, Any]] = {"kind": "model", "model": "painter"}
    settings: ClassVar[dict[str, Any]] = {"device": "cpu"}
    task, batch_size = "semantic", 2

    def __init__(self, wrong: int = 0) -> None:
        self.wrong, self.asked = wrong, 0

    def predict(self, images: Any) -> list[LabelMap]:
        found = []
        for image in images:
            found.append(
                LabelMap(
                    image[..., 0]
                    if self.asked >= self.wrong
                    else np.full(image.shape[:2], 2, np.uint8)
                )
            )
            self.asked += 1
        return found


def _job(wrong: int = 0, **changes: Any) -> Job:
    model = Painter(wrong)
    job = Job(
        CARD,
        "val",
        [_sample(n) for n in range(9)],
        "p",
        dict(model.identity),
        dict(model.settings),
        FromModel(model),  # type: ignore[arg-type]
    )
    return replace(job, **changes)


def test_equal_counts_are_replaced_and_others_only_on_request(tmp_path: Path) -> None:
    first = evaluate(_job(), out=tmp_path)
    again = evaluate(_job(), out=tmp_path)
    assert first.path == again.path
    message = (
        r"holds other counts for the same model and data: the pixels of 2 of 9 images differ, "
        r"starting with image0 \(.*"
        r"let its loader return its identity .*\); --overwrite replaces it"
    )
    with pytest.raises(RunError, match=message):
        evaluate(_job(wrong=2), out=tmp_path)
    assert runs.read(first.path).record == again.record
    assert [] == list(first.path.parent.glob("*.writing-*"))
    # What was predicted is not lost.
    idle = _job(wrong=9)
    written = evaluate(idle, out=tmp_path, resume=True, overwrite=True)
    assert isinstance(idle.predictions, FromModel)
    assert 0 == idle.predictions.model.asked  # type: ignore[attr-defined]
    assert written.record.scores == runs.read(first.path).record.scores != again.record.scores
    assert [first.path] == list(first.path.parent.iterdir())


def test_a_refused_record_leaves_no_journal_behind(tmp_path: Path) -> None:
    def stored(value: int) -> Job:
        answer = LabelMap(np.full((6, 5), value, dtype=np.uint8))
        return _job(predictions=FromReader(lambda _: answer))

    first = evaluate(stored(0), out=tmp_path)
    with pytest.raises(RunError, match="other counts"):
        evaluate(stored(1), out=tmp_path)
    assert [first.path] == list(first.path.parent.iterdir())


def test_other_truth_makes_a_record_of_its_own(tmp_path: Path) -> None:
    first = evaluate(_job(), out=tmp_path)
    other = [replace(_sample(n), truth=_sample(n + 1).truth) for n in range(9)]
    second, again = (evaluate(_job(samples=other), out=tmp_path) for _ in range(2))
    assert first.path != second.path == again.path
    assert {first.path, second.path} == set(first.path.parent.iterdir())
    for run in (first, again):
        assert run.path.name == runs.read(run.path).record.id
        assert runs.read(run.path).record == run.record
    replaced = evaluate(_job(samples=other), out=tmp_path, overwrite=True)
    assert replaced.path == first.path


def test_stored_predictions_that_score_differently_met_other_truth(tmp_path: Path) -> None:
    def stored(shift: int) -> Job:
        # As many pixels of each class in each image, elsewhere.
        samples = [
            replace(
                _sample(n),
                truth=Truth(read_semantic=lambda: LabelMap(np.roll(HALVES, shift, axis=1))),
            )
            for n in range(9)
        ]
        job = _job(samples=samples, predictions=FromReader(lambda _: LabelMap(HALVES)))
        return replace(job, identity={"kind": "predictions", "folder": "p", "files": "0"})

    first, second = (evaluate(stored(shift), out=tmp_path) for shift in (0, 1))
    assert first.path != second.path
    assert first.record.scores != second.record.scores


def test_a_damaged_record_is_replaced(tmp_path: Path) -> None:
    first = evaluate(_job(), out=tmp_path)
    (first.path / "counts.npz").write_bytes(b"no archive")
    assert evaluate(_job(wrong=2), out=tmp_path).record == runs.read(first.path).record


IMAGES = {"id": np.array(["a", "b", "c"]), "cluster": np.array(["a", "b", "c"])}
TABLE = {"image": np.array([0, 0, 2]), "score": np.array([0.5, np.nan, 1.0])}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"images": IMAGES, "t": {**TABLE, "score": TABLE["score"].copy()}}, ""),
        ({"images": IMAGES, "t": TABLE, "came_later": {"image": np.zeros(0, int)}}, ""),
        ({"images": IMAGES}, "its tables are images, t; the new ones are images"),
        (
            {"images": {**IMAGES, "id": np.array(["a", "b", "d"])}, "t": TABLE},
            "its images are different",
        ),
        (
            {"images": {**IMAGES, "cluster": np.array(["a", "a", "c"])}, "t": TABLE},
            "grouped into different clusters",
        ),
        ({"images": IMAGES, "t": {"image": TABLE["image"]}}, "its table t has different columns"),
        (
            {"images": IMAGES, "t": {**TABLE, "score": np.array([0.5, np.nan, 2.0])}},
            "t of 1 of 3 images differ, starting with c",
        ),
        (
            {"images": IMAGES, "t": {**TABLE, "image": np.array([0, 1, 2])}},
            "t of 2 of 3 images differ, starting with a",
        ),
    ],
)
def test_differences_are_told_by_image(other: Any, message: str) -> None:
    difference = describe_difference({"images": IMAGES, "t": TABLE}, other)
    assert bool(message) == bool(difference)
    assert message in difference


def test_an_answered_question_needs_no_evaluation(tmp_path: Path) -> None:
    job = _job(files="a")
    assert answered(job, tmp_path) is None
    run = evaluate(job, out=tmp_path)
    found = answered(job, tmp_path)
    assert found is not None
    assert run.record == found.record
    for other in (
        replace(job, files="b"),
        replace(job, files=None),
        replace(job, save_predictions=True),
        replace(job, predictions=replace(job.predictions, latency=True)),  # type: ignore[arg-type]
        replace(job, card=replace(CARD, digest="other")),
        replace(job, name="q"),
    ):
        assert answered(other, tmp_path) is None
    (run.path / "counts.npz").write_bytes(b"no archive")
    assert answered(job, tmp_path) is None


def test_files_are_told_apart_by_path_size_and_time_but_records_are_none_of_them(
    tmp_path: Path,
) -> None:
    root, out = tmp_path / "data", tmp_path / "data" / "runs"
    (root / "a").mkdir(parents=True)
    (root / "a" / "1.png").write_bytes(b"1")
    (root / "loop").symlink_to(root)
    digests = [files_digest(root, out)]
    out.mkdir()
    (out / "run.json").write_text("{}")
    assert (
        digests[0] == files_digest(root, out) == files_digest(root / "a" / ".." / "card.json", out)
    )
    changes: list[Callable[[], object]] = [
        lambda: (root / "a" / "2.png").write_bytes(b"1"),
        lambda: (root / "a" / "2.png").write_bytes(b"12"),
        lambda: os.utime(root / "a" / "2.png", ns=(1, 1)),
        lambda: (root / "a" / "2.png").rename(root / "a" / "3.png"),
    ]
    for change in changes:
        change()
        digests.append(files_digest(root, out))
    assert len(digests) == len(set(digests))


OWN = """
import os
import numpy as np

def load(card, options):
    value = int(os.environ["VALUE"])
    return lambda image: np.full(image.shape[:2], value)

def tells(card, options):
    return load(card, options), {"weights": os.environ["VALUE"]}
"""


def test_two_models_of_one_loader_do_not_replace_each_other(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mine_env", raising=False)
    (tmp_path / "mine_env.py").write_text(OWN)

    def run(name: str, value: int, *more: str) -> tuple[int, Any]:
        monkeypatch.setenv("VALUE", str(value))
        words = [
            "run",
            "--model",
            f"mine_env:{name}",
            "--limit",
            "2",
            "--interval",
            "none",
            "--json",
            *more,
        ]
        return cli.main(words), json.loads(capsys.readouterr().out)

    first, same, other = run("load", 0), run("load", 0), run("load", 2)
    assert [0, 0, 2] == [first[0], same[0], other[0]]
    assert first[1]["path"] == same[1]["path"]
    assert "holds other counts for the same model and data" in other[1]["error"]["message"]
    code, forced = run("load", 2, "--overwrite")
    assert (0, first[1]["path"]) == (code, forced["path"])
    assert forced["scores"] != first[1]["scores"]
    told = [run("tells", value) for value in (0, 2)]
    assert [0, 0] == [code for code, _ in told]
    assert 2 == len({found["path"] for _, found in told})
    assert "2" == told[1][1]["model"]["weights"]


def test_a_network_is_not_run_twice_on_the_same_files(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    pytest.importorskip("torch", reason="the extra models is not installed")
    words = ["run", "--model", "fcn", "--limit", "2", "--interval", "none", "--out", str(tmp_path)]
    assert 0 == cli.main(words)
    first = capsys.readouterr()
    assert "already there" not in first.err
    with monkeypatch.context() as forbidden:
        forbidden.setattr("bench.evaluation.evaluate", None)
        assert 0 == cli.main(words)
    again = capsys.readouterr()
    assert first.out == again.out
    assert "already there: " in again.err
    assert "--overwrite evaluates again" in again.err
    assert 0 == cli.main([*words, "--overwrite"])
    assert "already there" not in capsys.readouterr().err


def test_an_image_of_another_size_than_its_truth_is_the_data_sets_fault(tmp_path: Path) -> None:
    samples = [_sample(n) for n in range(4)]
    samples[2] = replace(samples[2], read_image=lambda: np.zeros((12, 10, 3), dtype=np.uint8))
    message = (
        r"^image2: the image is 12x10 pixels \(height x width\) and its ground truth "
        r"6x5: they belong"
    )
    with pytest.raises(DataError, match=message) as caught:
        evaluate(_job(samples=samples), out=tmp_path)
    assert "--resize" not in str(caught.value)
