"""Models over several data sets: ranks from run records, the same test as scipy's, and words that
follow from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import small_runs

from bench import cli
from bench.comparison.across import rank_across
from bench.errors import RunError, UsageError
from bench.runs import Run

WRONG = {"good": 0.10, "fair": 0.2, "poor": 0.4}


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Makes the run of a model on data set number `place`."""
    out = tmp_path_factory.mktemp("runs")

    def run(name: str, wrong: float, place: int, first: int = 0) -> Run:
        card = small_runs.CARD.replace('title = "Blocks"', f'title = "Blocks {place}"')
        card = card.replace('name = "blocks"', f'name = "blocks{place}"')
        samples = [small_runs.sample(n) for n in range(first + 10 * place, first + 10 * place + 12)]
        return small_runs.run(out, name, wrong, images=samples, card=card, model=len(name))

    return run


@pytest.fixture(scope="module")
def runs(contest: Callable[..., Run]) -> list[Run]:
    """Three models on five data sets, of which the best two change places once."""
    found = []
    for place in range(5):
        swapped = {"good": "fair", "fair": "good"} if place == 3 else {}
        found += [contest(swapped.get(name, name), wrong, place) for name, wrong in WRONG.items()]
    return found


def test_ranks_and_test_are_those_of_scipy(runs: list[Run]) -> None:
    stats = pytest.importorskip("scipy.stats")
    found = rank_across(runs)
    scores = np.array(
        [
            [run.record.scores["semantic"]["mIoU"]["value"] for run in runs[n : n + 3]]
            for n in range(0, 15, 3)
        ]
    )
    scores[3, :2] = scores[3, 1::-1]
    np.testing.assert_allclose(scores, found.scores, atol=1e-15)
    np.testing.assert_array_equal(stats.rankdata(-scores, axis=1), found.ranks)
    assert [1.2, 1.8, 3.0] == pytest.approx(found.test.mean_ranks.tolist())
    assert stats.friedmanchisquare(*scores.T).pvalue == pytest.approx(found.test.p_value)
    assert ("a", "ab", "b") == found.letters
    assert [True, True, False] == found.best.tolist()


def test_errors_are_ranked_from_the_lowest(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    small_runs.declare_lower_better(monkeypatch)
    found = rank_across(runs)
    assert [2.8, 2.2, 1.0] == pytest.approx(found.test.mean_ranks.tolist())
    assert [False, True, True] == found.best.tolist()


def test_trainings_of_a_model_count_by_their_mean(
    runs: list[Run], contest: Callable[..., Run]
) -> None:
    more = contest("good-seed2", 0.5, 0)
    found, plain = rank_across([*runs, more]), rank_across(runs)
    mean = (plain.scores[0, 0] + more.record.scores["semantic"]["mIoU"]["value"]) / 2
    assert mean == pytest.approx(found.scores[0, 0])
    assert plain.models == found.models
    assert any("by their mean: 2 of good on Blocks 0 val" in note for note in found.notes)


def test_what_cannot_be_ranked_is_refused_in_words(
    runs: list[Run], contest: Callable[..., Run]
) -> None:
    with pytest.raises(UsageError, match="all these runs are on Blocks 0 val"):
        rank_across(runs[:3])
    with pytest.raises(UsageError, match="these are on all: good"):
        rank_across([runs[0], runs[3]])
    with pytest.raises(RunError, match="different ground truth"):
        rank_across([*runs, contest("other", 0.1, 0, first=100)])


def test_the_command_speaks_words_and_json(
    runs: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(run.path) for run in runs]
    assert 0 == cli.main(["compare", "--across", *words])
    out = " ".join(capsys.readouterr().out.split())
    assert "The ranks of the models differ significantly (Friedman, p = .0" in out
    assert "good has the best mean rank, 1.20; fair does not differ significantly from it." in out
    assert 0 == cli.main(["compare", "--across", *words[:6], "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ["good", "fair", "poor"] == [model["name"] for model in found["models"]]
    assert found["smallest_p_value"] == pytest.approx(found["p_value"]) == pytest.approx(np.exp(-2))
    assert "nothing can be significant" in " ".join(found["verdict"])
    assert 2 == cli.main(["compare", "--across", words[0]])
    assert "at least two data sets" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["--across", "--seeds"], ["--across", "--by", "class"], ["--seeds", "--interval", "bca"]],
)
def test_options_that_would_change_nothing_are_refused(
    runs: list[Run], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert 2 == cli.main(["compare", str(runs[0].path), str(runs[1].path), *words])
    assert f"{words[1]} has no effect with {words[0]}" in capsys.readouterr().err
