"""The front of accuracy and cost: who is on it, who cannot be, and a picture whose names can be
read.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tiny_card

from bench import cli, runs
from bench.boards import fronts
from bench.boards.fronts import Front, Point
from bench.errors import MissingExtra, RunError, UsageError
from bench.evaluation import evaluate
from bench.evaluation.jobs import FromReader, Job
from bench.families.contract.metric import fraction
from bench.families.contract.rules import Rules
from bench.render import plot
from bench.runs import Run
from bench.samples import LabelMap, Sample, Truth

CARD = tiny_card.with_classes("road", "car")
LABELS = [np.random.default_rng(seed).integers(0, 2, (8, 9), dtype=np.uint8) for seed in range(6)]


def _samples(number: int) -> list[Sample]:
    return [
        Sample(f"{n:02}", Truth(read_semantic=lambda labels=labels: LabelMap(labels)))  # type: ignore[misc]
        for n, labels in enumerate(LABELS[:number])
    ]


def _run(folder: Path, name: str, wrong: int, images: int = 6, **cost: Any) -> Run:
    """A run with so many wrong pixels in each image, and figures of cost as if a model had made
    it.
    """

    def read(sample: Sample) -> LabelMap:
        labels = sample.truth.semantic().labels.copy()
        labels.ravel()[:wrong] ^= 1
        return LabelMap(labels)

    rules = Rules(families=("pixels",))
    job = Job(
        CARD,
        "val",
        _samples(images),
        name,
        {"kind": "stored", "n": name},
        {},
        FromReader(read),
        rules=rules,
    )
    run = evaluate(job, out=folder)
    told = {
        "device": cost.pop("device", "H200"),
        "threads": None,
        "flops": cost.pop("flops", None),
        "latency": {"p50_ms": cost["p50_ms"]} if "p50_ms" in cost else None,
    }
    timings = {"images_per_second": cost.get("speed"), "cost": told}
    model = {"kind": "model", "parameters": cost.get("parameters"), "n": name}
    record = msgspec.structs.replace(run.record, timings=timings, model=model)
    run = replace(run, record=record)
    runs.write(run)
    return run


def _on_front(found: Front) -> list[str]:
    return [point.name for point in found.points if point.on_front]


def test_the_front_is_what_no_other_run_beats(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    costs, wrong = rng.integers(1, 9, 12), rng.integers(0, 9, 12)
    made = [
        _run(
            tmp_path,
            f"m{n}",
            int(w),
            parameters=int(c) * 10**6,
            speed=float(c),
            flops=int(c) * 10**9,
        )
        for n, (c, w) in enumerate(zip(costs, wrong, strict=True))
    ]
    for cost, sign in (("parameters", 1), ("GFLOPs", 1), ("images/s", -1)):
        found = fronts.front(made, metric="pixel_accuracy", cost=cost)
        score = {point.name: point.score for point in found.points}
        dear = {point.name: sign * point.cost for point in found.points}
        expected = {
            a
            for a in score
            if not any(
                score[b] >= score[a]
                and dear[b] <= dear[a]
                and (score[b], dear[b]) != (score[a], dear[a])
                for b in score
            )
        }
        assert expected == set(_on_front(found))
        assert 1 <= len(expected) < 12
        assert [float(c) for c in sorted(costs)] == [point.cost for point in found.points]
        assert all(abs(score[f"m{n}"] - (1 - w / 72)) < 1e-12 for n, w in enumerate(wrong.tolist()))


def test_a_point_has_the_interval_of_its_record(tmp_path: Path) -> None:
    run = _run(tmp_path, "one", 3, parameters=10**6)
    entry = run.record.scores["semantic"]["mIoU"]
    (point,) = fronts.front([run], metric=None, cost="parameters").points
    assert Point("one", 1.0, entry["value"], tuple(entry["interval"]), True) == point
    (point,) = fronts.front([run], metric="IoU:car", cost="parameters").points
    assert run.record.scores["semantic"]["per_class"]["car"]["IoU"]["value"] == point.score


def test_what_cannot_stand_in_one_picture_is_refused(tmp_path: Path) -> None:
    one, other = (
        _run(tmp_path, "a", 1, parameters=5),
        _run(tmp_path, "b", 1, images=5, parameters=5),
    )
    with pytest.raises(RunError, match="image"):
        fronts.front([one, other], metric=None, cost="parameters")
    with pytest.raises(
        RunError, match=r"none of the 1 runs has the cost latency: bench run --latency measures it"
    ):
        fronts.front([one], metric=None, cost="latency")
    with pytest.raises(UsageError, match=r"--cost param: did you mean parameters"):
        fronts.front([one], metric=None, cost="param")


def test_what_is_left_out_and_where_speed_was_measured_is_said(tmp_path: Path) -> None:
    made = [
        _run(tmp_path, "a", 1, p50_ms=4.0, device="H200"),
        _run(tmp_path, "b", 2, p50_ms=3.0, device="A100"),
        _run(tmp_path, "c", 3),
    ]
    found = fronts.front(made, metric=None, cost="latency")
    assert ["b", "a"] == [point.name for point in found.points]
    expected = (
        "left out: c has no latency",
        "p50 ms was measured on different devices and is not comparable: A100; H200",
    )
    assert expected == found.notes
    assert ("p50 ms on H200",) == fronts.front(made[:1], metric=None, cost="latency").notes


# The picture.


@pytest.fixture
def matplotlib() -> Any:
    return pytest.importorskip("matplotlib", reason="the extra report is not installed")


def _crowd(seed: int, number: int = 12) -> Front:
    rng = np.random.default_rng(seed)
    points = [
        Point(
            f"segmenter-{n}",
            float(10 ** rng.uniform(0, 2)),
            s := float(rng.uniform(0.4, 0.8)),
            (s - 0.02, s + 0.01),
            n < 3,
        )
        for n in range(number)
    ]
    notes = ("left out: nobody",)
    metric = fraction("mIoU", "mIoU", meaning="-", reference="-")
    return Front("Tiny val, 6 images", "mIoU", "parameters", metric, False, tuple(points), notes)


@pytest.mark.parametrize("seed", range(2))
def test_names_lie_apart_and_inside(matplotlib: Any, seed: int) -> None:
    figure = plot.draw(_crowd(seed))
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts]
    assert 12 == len(boxes)
    assert [] == [(a, b) for n, a in enumerate(boxes) for b in boxes[:n] if plot._shared(a, b) > 0]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert "log" == axes.get_xscale()
    assert "left out: nobody" in figure.get_supxlabel()


def test_names_that_meet_would_be_found(matplotlib: Any) -> None:
    box = matplotlib.transforms.Bbox([[0, 0], [10, 4]])
    assert 12 == plot._shared(box, matplotlib.transforms.Bbox([[6, 1], [30, 4]]))
    assert 0 == plot._shared(box, matplotlib.transforms.Bbox([[11, 1], [30, 4]]))


def test_pictures_of_every_kind(matplotlib: Any, tmp_path: Path) -> None:
    for ending, begins in {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}.items():
        plot.write(_crowd(1, 3), tmp_path / f"a{ending}")
        assert (tmp_path / f"a{ending}").read_bytes().startswith(begins)
    plot.write(_crowd(1, 3), tmp_path / "b.svg")
    text = (tmp_path / "b.svg").read_text()
    assert (tmp_path / "a.svg").read_text() == text
    assert all(f">segmenter-{n}<" in text for n in range(3))


def test_pictures_that_cannot_be_are_one_sentence(
    matplotlib: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"the file must end in \.png, \.svg or \.pdf"):
        plot.write(_crowd(1, 2), tmp_path / "front.gif")
    with pytest.raises(UsageError, match="cannot write the file"):
        plot.write(_crowd(1, 2), tmp_path / "nowhere" / "front.png")
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(MissingExtra, match=r'install "segbench\[report\]"'):
        plot.write(_crowd(1, 2), tmp_path / "front.png")


def test_the_command_plots_runs(
    matplotlib: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [
        _run(tmp_path, name, wrong, parameters=wrong * 10**6)
        for name, wrong in (("a", 1), ("b", 4), ("c", 2))
    ]
    file = tmp_path / "front.svg"
    words = ["plot", *(str(run.path) for run in made), "-o", str(file)]
    assert 0 == cli.main(words)
    assert (
        f"wrote {file}: 3 runs; on the front of mIoU and parameters: a\n" == capsys.readouterr().out
    )
    assert 0 == cli.main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ["a", "c", "b"] == [point["name"] for point in found["points"]]
    assert file.is_file()
