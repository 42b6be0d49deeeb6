"""Seeds: noise of images and of trainings is told apart, and an interval of both covers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import small_runs

from bench import cli, resample
from bench.comparison import compare, seeds
from bench.comparison.seeds import compare_seeds
from bench.errors import UsageError


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:  # type: ignore[type-arg]
    """Three trainings of a steady model and three of one whose training decides much."""
    out = tmp_path_factory.mktemp("runs")
    shares = {"steady": (0.10, 0.101, 0.102), "moody": (0.10, 0.16, 0.22)}
    return {
        name: [
            small_runs.run(out, name, wrong, model=10 * len(name) + n)
            for n, wrong in enumerate(wrongs)
        ]
        for name, wrongs in shares.items()
    }


def test_one_run_each_is_the_plain_comparison(trained: dict[str, list]) -> None:  # type: ignore[type-arg]
    one, other = trained["steady"][0], trained["moody"][2]
    whole, plain = (
        compare_seeds({"steady": [one], "moody": [other]}),
        compare(one, other).pairs[0].effect,
    )
    found = whole.pairs[0].effect
    assert plain.difference == pytest.approx(found.value, abs=1e-15)
    assert plain.interval is not None
    assert found.interval is not None
    assert plain.interval.standard_error == pytest.approx(found.image_error, rel=0.1)
    assert found.image_error == pytest.approx(found.interval.standard_error, rel=0.1)
    assert np.isnan(found.seed_error)
    assert 2 == len(whole.notes)


def test_seed_noise_is_told_apart_and_widens_the_interval(trained: dict[str, list]) -> None:  # type: ignore[type-arg]
    whole = compare_seeds(trained)
    found, scores = whole.pairs[0].effect, [model.scores for model in whole.models]
    expected = np.sqrt(sum(each.var(ddof=1) / 3 for each in scores))
    assert expected == pytest.approx(found.seed_error)
    assert found.seed_error > 2 * found.image_error
    assert found.interval is not None
    assert np.hypot(found.seed_error, found.image_error) == pytest.approx(
        found.interval.standard_error, rel=0.1
    )
    assert found.interval.degrees_of_freedom < 5
    assert scores[0].mean() - scores[1].mean() == pytest.approx(found.value)


def test_the_mean_of_one_model_has_both_kinds_of_noise(trained: dict[str, list]) -> None:  # type: ignore[type-arg]
    moody = compare_seeds({"moody": trained["moody"]}, by_class=True).models[0]
    single = [compare_seeds({"moody": [run]}).models[0].mean for run in trained["moody"]]
    assert moody.scores.mean() == pytest.approx(moody.mean.value)
    assert [each.value for each in single] == pytest.approx(moody.scores.tolist())
    assert moody.scores.std(ddof=1) / np.sqrt(3) == pytest.approx(moody.mean.seed_error)
    assert all(np.isnan(each.seed_error) for each in single)
    assert moody.mean.interval is not None
    assert moody.mean.interval.low < moody.scores.mean() < moody.mean.interval.high
    assert {"road", "car", "sky"} == set(moody.classes)
    assert moody.mean.value == pytest.approx(
        np.mean([each.value for each in moody.classes.values()])
    )


def test_the_interval_of_both_noises_covers_where_that_of_images_alone_does_not() -> None:
    """Scores are mu + image noise shared by seeds + seed noise; 400 samples of 40 images and 3
    seeds.
    """
    covered = {"both": 0, "images": 0}
    for n in range(400):
        random = np.random.default_rng(n)
        values = (
            random.normal(0, 1, 40)[:, None]
            + random.normal(0, 0.2, 3)
            + random.normal(0, 0.3, (40, 3))
        )
        weights = resample.bootstrap_weights(40, 400, random)
        moved = weights @ values / 40
        side = seeds._Side(1, values.mean(axis=0), moved)
        found = seeds._effect([side], np.ones(40, dtype=int), random, alpha=0.05)
        assert found.interval is not None
        covered["both"] += found.interval.low <= 0 <= found.interval.high
        covered["images"] += abs(found.value) <= 1.96 * found.image_error
    assert 0.92 <= covered["both"] / 400
    assert covered["images"] / 400 < 0.90


def test_names_of_trainings_lead_to_their_model(trained: dict[str, list]) -> None:  # type: ignore[type-arg]
    names = [
        "net-seed2",
        "net_seed_3",
        "net (seed 4)",
        "net.seed5",
        "net",
        "net2",
        "seeded",
        "birdseed7",
    ]
    assert [*["net"] * 5, "net2", "seeded", "birdseed7"] == [seeds.model_of(name) for name in names]
    assert {"steady": 3, "moody": 3} == {
        name: len(runs)
        for name, runs in seeds.by_model([run for runs in trained.values() for run in runs]).items()
    }


def test_more_trainings_are_no_more_images(trained: dict[str, list]) -> None:  # type: ignore[type-arg]
    few = compare_seeds({name: runs[:1] for name, runs in trained.items()})
    assert 40 == few.images == compare_seeds(trained).images


def test_a_model_without_runs_is_refused(trained: dict[str, list]) -> None:  # type: ignore[type-arg]
    with pytest.raises(UsageError, match="at least one run"):
        compare_seeds({**trained, "moody": []})


def test_seeds_drawn_spread_as_their_mean_does() -> None:
    scores = np.random.default_rng(0).normal(size=4)
    drawn = seeds._mean_of_drawn_seeds(np.tile(scores, (50_000, 1)), np.random.default_rng(1))
    assert scores.var(ddof=1) / 4 == pytest.approx(drawn.var(), rel=0.03)


def test_the_same_question_has_the_same_answer(trained: dict[str, list]) -> None:  # type: ignore[type-arg]
    answers = [compare_seeds(trained).pairs[0].effect.interval for _ in range(2)]
    assert answers[0] == answers[1]


def test_the_command_says_both_kinds_of_noise(
    trained: dict[str, list],  # type: ignore[type-arg]
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(run.path) for runs in trained.values() for run in runs]
    assert 0 == cli.main(["compare", *words, "--seeds"])
    out = " ".join(capsys.readouterr().out.split())
    assert "steady and moody" in out or "steady beats moody" in out
    assert "from the images" in out
    assert "from the seeds" in out
    assert 0 == cli.main(["compare", *words, "--seeds", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [3, 3] == [len(model["scores"]) for model in found["models"]]
    assert found["pairs"][0]["seed_error"] > found["pairs"][0]["image_error"] > 0
    assert 0 == cli.main(["compare", *words[3:], "--seeds"])
    assert "the mean of 3 runs" in " ".join(capsys.readouterr().out.split())
