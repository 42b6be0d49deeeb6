"""A family whose method lacks a parameter does not pass the type check."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


def lacking(source: str, pattern: str) -> str:
    """The source of a family without the last parameter of one method."""
    changed = re.sub(pattern, r"\1", source, count=1)
    assert source != changed
    return changed


@pytest.mark.slow
def test_a_method_that_lacks_a_parameter_fails_the_type_check(
    repository: Path, tmp_path: Path
) -> None:
    families = repository / "bench/families"
    calibration = (families / "calibration.py").read_text(encoding="utf-8")
    # This family derives from a class that it shares with others.
    boxes = (families / "boxes.py").read_text(encoding="utf-8")
    sources = {
        "right.py": calibration,
        "right_boxes.py": boxes,
        # `score` is the first method that takes weights.
        "wrong.py": lacking(
            calibration, r"(weights: Array,\s+classes: Classes),\s+options: NoOptions"
        ),
        "wrong_boxes.py": lacking(
            boxes, r"(options: Options, truth: TruthColumns),\s+detections: DetectionColumns"
        ),
    }
    for name, source in sources.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    files = [str(tmp_path / name) for name in sources]
    # With the settings of the repository mypy can use the cache that `make check` leaves behind.
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *files]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert [] == [line for line in lines if "right" in line]
    for name in ("wrong.py", "wrong_boxes.py"):
        assert [line for line in lines if name in line and "[override]" in line], done.stdout
