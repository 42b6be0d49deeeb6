"""`bench compare` as a person meets it: the verdict first, tables, JSON, and one-sentence
errors.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import small_runs

from bench import runs
from bench.comparison import compare
from bench.render import comparison


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run records of three models: `alike` is as good as `fine`, `coarse` is worse."""
    out = tmp_path_factory.mktemp("runs")
    for n, (name, wrong) in enumerate((("fine", 0.10), ("coarse", 0.16), ("alike", 0.10))):
        small_runs.run(out, name, wrong, model=n)
    return out / "blocks-val"


def test_the_verdict_comes_first_in_words(folder: Path, bench: Any) -> None:
    code, out, err = bench("compare", folder / "coarse", folder / "fine", "--by", "class")
    lines = out.splitlines()
    assert (0, "") == (code, err)
    assert "mIoU on Blocks val: 40 images" == lines[0]
    assert lines[2].startswith("fine beats coarse by ")
    assert "], p < .001." in out
    assert "fine scores higher in" in out
    header = next(number for number, line in enumerate(lines) if line.startswith("class"))
    rows = [line.split() for line in lines[header + 1 : header + 4]]
    assert {"road", "car", "sky"} == {row[0] for row in rows}
    assert rows == sorted(rows, key=lambda row: -abs(float(row[3])))
    assert "10 000 permutations of images between two runs" in out


def test_no_difference_comes_with_what_could_be_seen(folder: Path, bench: Any) -> None:
    _, out, _ = bench("compare", folder / "fine", folder / "alike")
    assert "No significant difference between fine and alike: " in " ".join(out.split())
    assert "minimum detectable difference: " in " ".join(out.split())


def test_many_runs_have_ranks_letters_and_a_matrix(folder: Path, bench: Any) -> None:
    code, out, _ = bench("compare", *(folder / name for name in ("coarse", "fine", "alike")))
    assert 0 == code
    assert "not differ significantly from it." in out
    assert "row minus column, * p <= .05" in out
    assert "corrected for 3 pairs by Holm" in out
    rows = {
        line.split()[0]: line.split()
        for line in out.splitlines()
        if line.count("[") == 1 and "%" not in line
    }
    assert ["1-2", "a"] == rows["fine"][-2:]
    assert ["3", "b"] == rows["coarse"][-2:]


def test_json_holds_what_the_comparison_holds(folder: Path, bench: Any) -> None:
    words = [folder / name for name in ("fine", "coarse")]
    code, out, _ = bench("compare", *words, "--json", "--by", "class", "--metric", "mDice")
    found = json.loads(out)
    expected = compare(
        *(runs.read(next(path.iterdir())) for path in words), metric="mDice", by_class=True
    ).pairs[0]
    assert 0 == code
    assert "mDice" == found["metric"]
    assert expected.effect.difference == found["pairs"][0]["difference"]
    assert expected.classes["sky"].p_value == found["pairs"][0]["per_class"]["sky"]["p_value"]
    assert found["verdict"][0].startswith("fine beats coarse by ")
    assert [True, False] == [run["not_worse_than_best"] for run in found["runs"]]


def test_errors_are_one_sentence(folder: Path, tmp_path: Path, bench: Any) -> None:
    for words, expected in (
        ([folder / "fine", tmp_path / "nothing"], "there is no run record here or below"),
        ([folder, folder / "fine"], "there are 3 run records below; name one:"),
        ([folder / "fine"], "a comparison needs at least two runs, got 1"),
        ([folder / "fine", folder / "alike", "--metric", "PQ"], "unknown metric 'PQ': known are: "),
    ):
        code, out, err = bench("compare", *words)
        assert (2, "") == (code, out)
        assert err.startswith("error: ")
        assert expected in err
        assert 1 == len(err.splitlines())


def test_settings_that_differ_stand_beside_the_scores(folder: Path) -> None:
    found = [runs.read(next((folder / name).iterdir())) for name in ("fine", "coarse")]
    import msgspec

    changed = msgspec.structs.replace(found[1].record, settings={"device": "cuda"})
    text = comparison.report(compare(found[0], runs.Run(changed, found[1].tables, found[1].path)))
    assert [line.split()[-2:] for line in text.splitlines() if "device" in line] == [
        ["device", "none"],
        ["device", "cuda"],
    ]


def test_points_are_shown_the_way_round_that_the_sentence_says(folder: Path) -> None:
    one, other = (runs.read(next((folder / name).iterdir())) for name in ("fine", "coarse"))
    sentences = [
        comparison.sentence(found, found.pairs[0])
        for found in (compare(one, other), compare(other, one))
    ]
    assert sentences[0] == sentences[1]
