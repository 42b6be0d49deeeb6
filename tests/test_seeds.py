"""Seeds: noise of images and of trainings is told apart, and an interval of both covers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bench import cli, seeds
from bench.compare import compare
from bench.errors import UsageError
from bench.seeds import compare_seeds


@pytest.fixture(scope="module")
def trained(test_module: Callable[[str], ModuleType], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """Three trainings of a steady model and three of one whose training decides much."""
    made, out = test_module("contesting"), tmp_path_factory.mktemp("runs")
    shares = {"steady": (0.10, 0.101, 0.102), "moody": (0.10, 0.16, 0.22)}
    return {
        name: [made.run(out, name, wrong, model=10 * len(name) + n) for n, wrong in enumerate(wrongs)]
        for name, wrongs in shares.items()
    }


def test_one_run_each_is_the_plain_comparison(trained: dict[str, list]) -> None:
    one, other = trained["steady"][0], trained["moody"][2]
    found, plain = compare_seeds([one], [other]), compare(one, other).pairs[0].effect
    assert plain.difference == pytest.approx(found.difference, abs=1e-15)
    assert plain.interval is not None
    assert found.interval is not None
    assert plain.interval.standard_error == pytest.approx(found.image_error, rel=0.1)
    assert found.image_error == pytest.approx(found.interval.standard_error, rel=0.1)
    assert np.isnan(found.seed_error)
    assert 2 == len(found.notes)


def test_seed_noise_is_told_apart_and_widens_the_interval(trained: dict[str, list]) -> None:
    found = compare_seeds(trained["steady"], trained["moody"])
    scores = found.scores[1]
    expected = np.sqrt(sum(each.var(ddof=1) / 3 for each in found.scores))
    assert expected == pytest.approx(found.seed_error)
    assert found.seed_error > 2 * found.image_error
    assert found.interval is not None
    assert np.hypot(found.seed_error, found.image_error) == pytest.approx(found.interval.standard_error, rel=0.1)
    assert found.interval.degrees_of_freedom < 5
    assert scores.mean() == pytest.approx(found.scores[0].mean() - found.difference)


def test_more_trainings_are_no_more_images(trained: dict[str, list]) -> None:
    few, many = compare_seeds(trained["steady"][:1], trained["moody"][:1]), compare_seeds(*trained.values())
    assert 40 == few.images == many.images


def test_a_model_without_runs_is_refused(trained: dict[str, list]) -> None:
    with pytest.raises(UsageError, match="at least one run"):
        compare_seeds(trained["steady"], [])


def test_seeds_drawn_spread_as_their_mean_does() -> None:
    scores = np.random.default_rng(0).normal(size=4)
    drawn = seeds._drawn(np.tile(scores, (50_000, 1)), np.random.default_rng(1))
    assert scores.var(ddof=1) / 4 == pytest.approx(drawn.var(), rel=0.03)


def test_the_same_question_has_the_same_answer(trained: dict[str, list], tmp_path: Path) -> None:
    answers = [compare_seeds(*trained.values()).interval for _ in range(2)]
    assert answers[0] == answers[1]


def test_the_command_says_both_kinds_of_noise(trained: dict[str, list], capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(run.path) for runs in trained.values() for run in runs]
    assert 0 == cli.main(["compare", *words, "--seeds"])
    out = " ".join(capsys.readouterr().out.split())
    assert "steady and moody" in out or "steady beats moody" in out
    assert "from the images" in out
    assert "from the seeds" in out
    assert 0 == cli.main(["compare", *words, "--seeds", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [3, 3] == [len(model["scores"]) for model in found["models"]]
    assert 2 == cli.main(["compare", *words[:3], "--seeds"])
    assert "two models, told apart by --name" in capsys.readouterr().err
