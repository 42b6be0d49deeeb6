"""Intervals by the method that is asked for: those of a comparison, recorded with B and seed, and
shown again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import small_runs

from bench import cli, runs
from bench.comparison import compare
from bench.errors import RunError, UsageError
from bench.families.contract.rules import Rules
from bench.resample import bootstrap
from bench.runs import Run
from bench.scoring import rescore, rules_of, with_interval
from bench.scoring.entries import require_entries

METHODS: list[bootstrap.Method] = ["percentile", "bca", "studentised"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    out = tmp_path_factory.mktemp("runs")
    return [
        small_runs.run(out, name, wrong, model=n)
        for n, (name, wrong) in enumerate({"a": 0.1, "b": 0.2}.items())
    ]


@pytest.mark.parametrize("method", METHODS)
def test_a_record_has_the_interval_that_a_comparison_has(
    pair: list[Run], method: bootstrap.Method
) -> None:
    group, found = rescore(pair[0], interval=method), compare(*pair, method=method).intervals[0]
    plain = rescore(pair[0])
    assert found is not None
    assert [found.low, found.high] == pytest.approx(
        group.groups["semantic"]["mIoU"]["interval"], abs=1e-12
    )
    assert (
        plain.groups["semantic"]["mIoU"]["interval"] != group.groups["semantic"]["mIoU"]["interval"]
    )
    used = group.intervals["methods"]["semantic"]
    assert f"{bootstrap.NAMES[method]} of 2000 resamples" == used["method"]
    assert (2000, compare(*pair).seed) == (used["resamples"], used["seed"])
    assert {"method", "degrees_of_freedom", "score"} == set(plain.intervals["methods"]["semantic"])
    labels = group.groups["semantic"]["per_class"].values()
    assert all(
        entry["interval"][0] <= entry["value"] for scores in labels for entry in scores.values()
    )


def test_errors_of_resamples_are_those_of_a_mean() -> None:
    """For a mean, the error of a resample is that of its own values."""
    random = np.random.default_rng(1)
    values = random.exponential(size=12)
    drawn = random.multinomial(12, np.full(12, 1 / 12), size=5)
    expected = [np.repeat(values, row).std() / np.sqrt(11) for row in drawn]
    np.testing.assert_allclose(expected, bootstrap.errors_of((values.sum() - values) / 11, drawn))


def test_scores_made_of_steps_take_percentiles_and_say_so(tmp_path: Path) -> None:
    objects = [
        small_runs.run(tmp_path, name, 0.2, task="instance", model=n, images=12)
        for n, name in enumerate("ab")
    ]
    found = rescore(objects[0], interval="bca").intervals["methods"]["instance"]
    assert found["method"].startswith("percentile bootstrap of 2000")
    assert 300 == rescore(objects[0]).intervals["methods"]["instance"]["resamples"]
    with pytest.raises(UsageError, match="need the jackknife"):
        compare(*objects, method="studentised")


def test_a_run_can_be_made_with_another_method(tmp_path: Path) -> None:
    run = small_runs.run(tmp_path, "a", 0.1, rules=Rules(interval="percentile"), images=20)
    assert "percentile" == rules_of(runs.read(run.path)).interval
    assert (
        run.record.scores
        == with_interval(small_runs.run(tmp_path, "b", 0.1, images=20), "percentile").record.scores
    )


def test_show_makes_intervals_again(pair: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == cli.main(["show", str(pair[0].path), "--interval", "bca"])
    assert "BCa bootstrap of 2000 resamples, over 40 images" in " ".join(
        capsys.readouterr().out.split()
    )
    assert 0 == cli.main(["show", str(pair[0].path), "--interval", "none", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["scores"]["semantic"]["mIoU"]["interval"] is None
    assert "none" == found["protocol"]["rules"]["interval"]
    assert 0 == cli.main(["compare", *(str(run.path) for run in pair), "--interval", "studentised"])
    assert "studentised bootstrap of 2000 resamples, over" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("mIoU",), 0.5, "scores.semantic.mIoU is not a score"),
        (
            ("mIoU",),
            {"value": "high", "interval": None, "level": 0.95},
            "scores.semantic.mIoU is not a score",
        ),
        (
            ("mIoU",),
            {"value": 0.5, "interval": [0.1], "level": 0.95},
            "scores.semantic.mIoU is not a score",
        ),
        (("mIoU",), {"value": 0.5, "interval": None}, "scores.semantic.mIoU is not a score"),
        (("per_class",), [], "scores.semantic.per_class is not a table of scores"),
        (("per_class", "car"), 3, "scores.semantic.per_class.car is not a table of scores"),
        (("per_class", "car", "IoU"), None, "scores.semantic.per_class.car.IoU is not a score"),
    ],
)
def test_a_score_of_another_form_is_refused(
    pair: list[Run],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    place: tuple[str, ...],
    value: Any,
    message: str,
) -> None:
    raw = json.loads((pair[0].path / "run.json").read_text(encoding="utf-8"))
    inner = raw["scores"]["semantic"]
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (tmp_path / "run.json").write_text(json.dumps(raw), encoding="utf-8")
    (tmp_path / "counts.npz").write_bytes((pair[0].path / "counts.npz").read_bytes())
    assert 2 == cli.main(["show", str(tmp_path)])
    said = capsys.readouterr().err
    assert message in said
    assert str(tmp_path / "run.json") in said
    with pytest.raises(RunError):
        require_entries(runs.read(tmp_path))


def test_what_bench_writes_passes(pair: list[Run], tmp_path: Path) -> None:
    require_entries(pair[0])
    for task, families in (
        ("instance", ("instance", "boxes", "tide")),
        ("panoptic", ("panoptic",)),
    ):
        require_entries(
            runs.read(
                small_runs.run(tmp_path, task, 0.2, task=task, rules=Rules(families=families)).path
            )
        )
    assert msgspec.to_builtins(pair[0].record)["scores"]["semantic"]["classes"]["of"] == 3
