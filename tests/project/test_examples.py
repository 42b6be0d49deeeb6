"""Every example runs as a user would run it, in an empty folder, and prints what it promises."""

from __future__ import annotations

import importlib.util
import json
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import notebooks
import numpy as np
import pytest
from PIL import Image

from bench import cli

EXAMPLES = Path(__file__).parents[2] / "examples"


Run = Callable[[str], list[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs an example in an empty folder and returns the lines that it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["example"])

    def run_example(name: str) -> list[str]:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run_example


def test_every_example_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    names = [path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")]
    assert [] == [name for name in names if f'"{name}"' not in source]


def test_torch_loop_improves_and_writes_records(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra models is not installed")
    lines = run("torch_loop.py")
    scores = [float(line.split()[3].rstrip(",")) for line in lines]
    assert 3 == len(lines)
    assert scores[-1] > 0.8
    assert {"epoch1", "epoch2", "epoch3"} == {
        path.name for path in (tmp_path / "runs" / "own-val").iterdir()
    }


def test_lightning_loop_logs_the_score_of_the_whole_set(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="the extra models is not installed")
    if importlib.util.find_spec("lightning") is None:
        # lightning is not a dependency of the tests; the stub calls the same hooks in the same
        # order.
        import lightning_stub

        monkeypatch.setitem(sys.modules, "lightning", lightning_stub)
    words = [line.split() for line in run("lightning_loop.py")]
    logged = next(float(line[1]) for line in words if line[:1] == ["val_mIoU"])
    of_the_result = next(float(line[1]) for line in words if line[:1] == ["mIoU"])
    assert logged > 0.7
    assert logged == pytest.approx(of_the_result / 100, abs=0.001)


def test_compare_runs_finds_the_difference(run: Run) -> None:
    lines = run("compare_runs.py")
    assert "Comparison of mIoU on 40 images" == lines[0]
    assert any(
        line.startswith("small - large: -0.0") and line.endswith(": significant") for line in lines
    )


def test_gate_fails_on_a_regression(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run("gate.py")
    assert 1 == stop.value.code
    assert "candidate against baseline: fail" == capsys.readouterr().out.splitlines()[-1]


def test_own_metric_is_lower_for_the_better_model(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    lines = run("own_metric.py")
    assert "Comparison of centre_distance on 30 images" == lines[0]
    assert lines[3].startswith("  close - far: -")
    assert "fail" == lines[-1]
    for name in ("close", "far"):
        assert 0 == cli.main(["show", f"runs/own-val/{name}"])
        assert " px " in capsys.readouterr().out


def test_the_command_of_own_metric_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (EXAMPLES / "own_metric.py").read_text(encoding="utf-8")
    command = next(line.split() for line in source.splitlines() if line.startswith("    bench "))
    (tmp_path / "own_metric.py").write_text(source, encoding="utf-8")
    for name in ("predictions", "masks"):
        (tmp_path / name).mkdir()
        for image in ("a", "b"):
            Image.fromarray(np.eye(4, dtype=np.uint8)).save(tmp_path / name / f"{image}.png")
    monkeypatch.chdir(tmp_path)
    assert 0 == cli.main(command[1:]), capsys.readouterr().err
    assert re.search(r"centre distance +0\.00", capsys.readouterr().out)


def test_the_outputs_of_the_notebook_are_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "first_steps.ipynb").read_text(encoding="utf-8"))
    stored = [notebooks.as_text(cell["outputs"]) for cell in notebooks.code_cells(notebook)]
    made = [notebooks.as_text(outputs) for outputs in notebooks.run(notebook)]
    assert made == stored, (
        "python tests/support/notebooks.py examples/first_steps.ipynb stores the new outputs"
    )


def test_an_outdated_notebook_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = [
        {"cell_type": "code", "source": ["print('one')\n", "1 + 1"]},
        {"cell_type": "markdown", "source": ["*"]},
    ]
    assert ["one\n\n2"] == [
        notebooks.as_text(outputs) for outputs in notebooks.run({"cells": cells})
    ]
