"""A model adapter from outside the package: one file, named by `--model`, used from the command
line.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main

ADAPTER = '''"""A model that takes the threshold of its labels from a file of weights."""

from pathlib import Path

import numpy as np

from bench.samples import LabelMap


class Threshold:
    """Bright pixels are sky, the others are road."""

    task = "semantic"
    batch_size = 2

    def __init__(self, card, options):
        names = list(card.classes.names)
        self.road, self.sky = names.index("road"), names.index("sky")
        self.threshold = int(Path(options.weights).read_text())
        self.identity = {"architecture": "threshold", "weights": options.weights}
        self.settings = {"device": "cpu", "batch_size": self.batch_size}

    def predict(self, images):
        bright = [image.mean(axis=2) > self.threshold for image in images]
        return [LabelMap(np.where(mask, self.sky, self.road).astype(np.uint8)) for mask in bright]


def load(card, options):
    return Threshold(card, options)
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with the adapter, in the working directory."""
    folder = tmp_path / "outside_model"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "threshold.py").write_text(ADAPTER)
    (tmp_path / "weights.txt").write_text("128")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(name: str, *more: str) -> int:
    return main(["run", "--model", name, "--limit", "2", "--out", "runs", "--json", *more])


def test_an_adapter_from_outside_runs_from_the_command_line(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("outside_model.threshold:load", "--weights", "weights.txt")
    record = json.loads(capsys.readouterr().out)
    assert 0 < record["scores"]["semantic"]["mIoU"]["value"] < 1
    assert ("outside_model.threshold:load", "threshold", "weights.txt") == tuple(
        record["model"][key] for key in ("model", "architecture", "weights")
    )
    assert list((package / "runs").rglob("run.json"))


def test_an_option_that_the_adapter_never_reads_is_refused(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run("outside_model.threshold:load", "--weights", "weights.txt", "--flip")
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert message.endswith("does not support --flip: its code never reads it")
    assert not list((package / "runs").rglob("run.json"))
