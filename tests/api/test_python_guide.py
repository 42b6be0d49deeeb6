"""The guide to Python: every example in it runs, and says of arguments what there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import bench

GUIDE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("place", range(len(BLOCKS)))
def test_examples_run(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[place], "guide", "exec"), {"__name__": "guide"})
    said = capsys.readouterr()
    expected = (
        "10 images",
        "['deeplab'",
        "own data: 20 images",
        "",
        "Comparison of mIoU on 30 images",
        "0.",
    )
    assert expected[place] in said.out
    assert bool(place) or "10 of 10 images" in said.err


def test_arguments_of_the_guide_are_there() -> None:
    told = set(
        re.findall(
            r"`(\w+)(?:=|`)",
            "".join(line.split("|")[1] for line in GUIDE.splitlines() if "|" in line),
        )
    )
    there = {
        *inspect.signature(bench.evaluate).parameters,
        *inspect.signature(bench.Evaluator).parameters,
    }
    there |= {*inspect.signature(bench.Evaluator.save).parameters}
    assert {"data", "options", "ignore", "label_space", "groups"} <= told
    assert set() == told - there
