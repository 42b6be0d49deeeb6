"""`bench check` and `bench init` as a person and a CI service meet them, and the gate on the board
that ships.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import small_runs
from PIL import Image

from bench import cli
from bench.errors import UsageError
from bench.gate import gate_file

Bench = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Runs the command line in this process, outside GitHub; returns exit code, standard output,
    standard error.
    """
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str | Path) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def config(
    folder: Path,
    candidate: str,
    *,
    baseline: str = "fcn",
    margin: str = "2.0",
    more: str = "",
    runs: Path | None = None,
) -> Path:
    path = folder / f"{candidate}.toml"
    place = f"{runs.as_posix()}/" if runs else ""
    path.write_text(
        f'[[checks]]\nname = "model"\nrun = "{place}{candidate}"\nbaseline = "{place}{baseline}"\n'
        f'metrics = ["mIoU"]\nmargin = {margin}\n{more}'
    )
    return path


@pytest.fixture
def streets(repository: Path) -> Path:
    """The run records of the board of streets."""
    return repository / "leaderboards" / "streets" / "runs"


@pytest.fixture
def unsettled(streets: Path) -> dict[str, str]:
    """The two runs that lie closest: the worse against the better, with a margin little more than
    what it lacks.
    """
    records = {
        path.parent.name: json.loads(path.read_text()) for path in streets.glob("*/run.json")
    }
    scores = {
        name: 100 * record["scores"]["semantic"]["mIoU"]["value"]
        for name, record in records.items()
    }
    order = sorted(scores, key=lambda name: scores[name])
    worse, better = min(pairwise(order), key=lambda pair: scores[pair[1]] - scores[pair[0]])
    return {
        "candidate": worse,
        "baseline": better,
        "margin": f"{scores[better] - scores[worse] + 0.1:.4f}",
    }


def test_the_shipped_model_is_held_against_the_committed_baseline(
    bench: Bench, streets: Path, tmp_path: Path
) -> None:
    code, out, err = bench(
        "check", "-c", config(tmp_path, "deeplab", runs=streets, more="classes = { car = 2.0 }")
    )
    assert (0, "") == (code, err)
    assert out.startswith("The check passes.\n\nPASS     model\n")
    assert "pass: 1 of 1 guarded classes" in out
    code, out, _ = bench("check", "-c", config(tmp_path, "shuffled", runs=streets))
    assert 1 == code
    words = " ".join(out.split())
    assert words.startswith("Regression in 1 of 1 checks. FAIL model fail: mIoU of shuffled is ")
    assert "points worse than fcn (" in words
    assert words.endswith("beyond the margin of 2.00.")


def test_the_same_run_passes_with_any_margin(bench: Bench, streets: Path, tmp_path: Path) -> None:
    for margin in ("0", "0.5", "{ mIoU = 1 }"):
        code, out, _ = bench("check", "-c", config(tmp_path, "fcn", margin=margin, runs=streets))
        assert (0, True) == (code, "the same as its baseline" in out)


@pytest.mark.parametrize(("choice", "expected"), [("report", 3), ("pass", 0), ("fail", 1)])
def test_what_cannot_be_settled_has_its_own_exit_code(
    bench: Bench,
    streets: Path,
    unsettled: dict[str, str],
    tmp_path: Path,
    *,
    choice: str,
    expected: int,
) -> None:
    path = config(tmp_path, runs=streets, **unsettled)
    code, out, _ = bench("check", "-c", path, "--inconclusive", choice)
    words = " ".join(out.split())
    assert expected == code
    assert words.startswith(
        "No regression found, but 1 of 1 checks is inconclusive. INCONCLUSIVE model"
    )
    assert "With 500 images in 50 clusters, a change at least " in words
    assert words.endswith(" images.")


@pytest.mark.parametrize(
    ("choice", "numbers", "level"),
    [("pass", ("2", "1", "1"), "warning"), ("fail", ("2", "2", "0"), "error")],
)
def test_reports_for_machines(
    bench: Bench,
    streets: Path,
    unsettled: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    choice: str,
    numbers: Any,
    level: str,
) -> None:
    path = config(tmp_path, runs=streets, **unsettled)
    second = (
        config(tmp_path, "shuffled", runs=streets)
        .read_text()
        .replace('"model"', '"<shuffled>: 50 %|"')
    )
    path.write_text(path.read_text() + second)
    summary = tmp_path / "job.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    files = ["--junit", tmp_path / "junit.xml", "--summary", tmp_path / "own.md"]
    code, out, err = bench("check", "-c", path, "--inconclusive", choice, "--json", *files)
    found = json.loads(out)
    assert (1, 1) == (code, found["exit_code"])
    assert ["inconclusive", "fail"] == [check["outcome"] for check in found["checks"]]
    finding = found["checks"][0]["verdicts"][0]["findings"][0]
    assert finding["low"] < -float(unsettled["margin"]) / 100 < finding["high"]
    root = ET.parse(tmp_path / "junit.xml").getroot()
    assert numbers == tuple(root.attrib[key] for key in ("tests", "failures", "skipped"))
    assert "<shuffled>: 50 %|" == root.findall(".//testcase")[1].attrib["classname"]
    assert numbers[1] == str(len(root.findall(".//failure")))
    own = (tmp_path / "own.md").read_text()
    assert "before\n" + own == summary.read_text()
    assert "| \\<shuffled>: 50 %\\| | mIoU |" in own
    lines = [line for line in err.splitlines() if line.startswith("::")]
    assert lines[0].startswith(
        f"::{level} title=bench check model%3A mIoU::mIoU of {unsettled['candidate']} is "
    )
    assert lines[1].startswith("::error title=bench check <shuffled>%3A 50 %25|%3A mIoU::")
    assert "with 95 %25 confidence" in lines[1]


def test_predictions_broken_on_purpose_fail_with_a_number(bench: Bench, tmp_path: Path) -> None:
    data = tmp_path / "data"
    random = np.random.default_rng(1)
    (tmp_path / "blocks.toml").write_text(small_runs.CARD.replace('groups = "sequence"', ""))
    for folder in ("data", "fine", "same", "noisy"):
        (tmp_path / folder).mkdir()
    for n in range(70):
        labels = small_runs.truth_labels(n)
        noise = np.where(
            random.random(labels.shape) < 0.2, random.integers(0, 3, labels.shape), labels
        )
        Image.fromarray(labels).save(data / f"image{n:03}.png")
        Image.new("RGB", (16, 16)).save(data / f"image{n:03}.jpg")
        fine = small_runs.predicted_labels(n, 0.1, 0)
        other = fine.copy()
        if n % 7 == 0:
            other[0, 0] = (other[0, 0] + 1) % 3
        for folder, predicted in (
            ("fine", fine),
            ("same", other),
            ("noisy", np.where(noise != labels, noise, fine)),
        ):
            Image.fromarray(predicted.astype(np.uint8)).save(tmp_path / folder / f"image{n:03}.png")
    card = tmp_path / "blocks.toml"
    words = ["-d", card, "--data", data, "--out", tmp_path / "baseline", "--json"]
    assert 0 == bench("eval", "-p", tmp_path / "fine", *words)[0]
    check = (
        '[[checks]]\nname = "{0}"\npredictions = "{0}"\ndataset = "blocks.toml"\ndata = "data"\n'
    )
    check += 'baseline = "baseline"\nmetrics = ["mIoU"]\nmargin = 1\n'
    (tmp_path / "bench.toml").write_text(check.format("same"))
    code, out, _ = bench("check", "-c", tmp_path / "bench.toml")
    assert (0, True) == (code, "PASS     same" in out)
    (tmp_path / "bench.toml").write_text(check.format("noisy"))
    code, out, _ = bench("check", "-c", tmp_path / "bench.toml")
    assert 1 == code
    assert "fail: mIoU of noisy is " in out
    assert "points worse than fine (" in " ".join(out.split())


def test_common_images_are_judged_where_that_is_asked(bench: Bench, tmp_path: Path) -> None:
    small_runs.run(tmp_path / "old", "old", 0.1, images=30)
    small_runs.run(tmp_path / "new", "new", 0.1, images=20)
    check = (
        '[[checks]]\nname = "a"\nrun = "new"\nbaseline = "old"\nmetrics = ["mIoU"]\nmargin = 1\n'
    )
    (tmp_path / "bench.toml").write_text(check)
    code, _, err = bench("check", "-c", tmp_path / "bench.toml")
    assert (2, True) == (
        code,
        "--common-images compares on the images in both" in " ".join(err.split()),
    )
    answers = [bench("check", "-c", tmp_path / "bench.toml", "--common-images")]
    (tmp_path / "bench.toml").write_text(check + "common_images = true\n")
    answers.append(bench("check", "-c", tmp_path / "bench.toml"))
    assert answers[0] == answers[1]
    assert "same as old" in answers[0][1]
    assert "note: compared on the 20 images that all runs have (they have 20, 30)" in answers[0][1]


GOOD = (
    '[[checks]]\nname = "a"\nrun = "r"\nbaseline = "b"\nmetrics = ["mIoU", "fwIoU"]\nmargin = 1\n'
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("margin", "margins", "[[checks]] 1: unknown key 'margins': did you mean margin?"),
        ("[[checks]]", "[[check]]", "unknown key 'check': did you mean checks?"),
        ('name = "a"\n', "", "[[checks]] 1: the key 'name' is missing"),
        (
            "margin = 1",
            "margin = -1",
            "check 'a': the margin of mIoU is -1; it must be 0 to 100 points",
        ),
        ("margin = 1", "margin = nan", "the margin of mIoU is nan"),
        ("margin = 1", 'margin = "1"', "[[checks]] 1, margin: expected"),
        ("margin = 1", "margin = { mIoU = 1 }", "margin lacks 'fwIoU'"),
        (
            "margin = 1",
            "margin = { mIoU = 1, fwiou = 1, fwIoU = 1 }",
            "names 'fwiou', which is not in metrics: did you",
        ),
        ('run = "r"\n', "", "set either run"),
        ('run = "r"', 'predictions = "r"', "predictions need dataset"),
        ('run = "r"', 'run = "r"\ndata = "d"', "go with predictions"),
        ('["mIoU", "fwIoU"]', "[]", "metrics must list each metric once"),
        (GOOD, GOOD + GOOD, "check 'a': two checks have this name"),
        (GOOD, "checks = []", "has no [[checks]]"),
        ("margin = 1", "margin = ", "is not valid TOML"),
        ("margin = 1", "margin = 1\nclasses = { car = 101 }", "the margin of car is 101"),
    ],
)
def test_every_mistake_in_the_file_is_one_sentence(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "bench.toml"
    path.write_text(GOOD)
    assert {"mIoU": 1.0, "fwIoU": 1.0} == gate_file.read(path).checks[0].margins()
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UsageError) as caught:
        gate_file.read(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_wrong_use_ends_with_two(bench: Bench, streets: Path, tmp_path: Path) -> None:
    code, _, err = bench("check", "-c", tmp_path / "none.toml")
    assert (2, True) == (code, "bench init writes a file" in err)
    code, _, err = bench("check", "-c", config(tmp_path, "absent", runs=streets))
    assert (2, True) == (code, "check 'model'" in err)
    path = config(tmp_path, "deeplab", runs=streets)
    path.write_text(path.read_text().replace("mIoU", "mIOU"))
    code, _, err = bench("check", "-c", path)
    assert (2, True) == (code, "check 'model': unknown metric 'mIOU': did you mean mIoU" in err)
    assert (
        2
        == bench(
            "check",
            "-c",
            config(tmp_path, "fcn", runs=streets),
            "--junit",
            tmp_path / "no" / "x.xml",
        )[0]
    )


def test_init_writes_files_that_are_right_and_replaces_none(bench: Bench, tmp_path: Path) -> None:
    code, out, _ = bench("init", tmp_path, "--json")
    wrote = [Path(path) for path in json.loads(out)["wrote"]]
    assert (0, ["bench.toml", "bench.yml"]) == (code, [path.name for path in wrote])
    assert ("candidate", "baseline") == (
        gate_file.read(wrote[0]).checks[0].run,
        gate_file.read(wrote[0]).checks[0].baseline,
    )
    assert "bench check --junit" in wrote[1].read_text()
    commented = (
        wrote[0].read_text().replace("#   [checks.classes]\n#   car", "[checks.classes]\ncar")
    )
    wrote[0].write_text(commented)
    assert {"car": 2.0} == gate_file.read(wrote[0]).checks[0].classes
    code, _, err = bench("init", tmp_path)
    assert (2, True) == (code, "already exist; --force replaces" in err)
    assert commented == wrote[0].read_text()
    assert 0 == bench("init", tmp_path, "--force")[0]
    assert commented != wrote[0].read_text()
