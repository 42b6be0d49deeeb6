"""A family whose method lacks a parameter does not pass the type check."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_score_that_lacks_a_parameter_fails_the_type_check(
    repository: Path, tmp_path: Path
) -> None:
    source = (repository / "bench/families/calibration.py").read_text(encoding="utf-8")
    # `score` is the first method that takes weights; its last parameter is taken away.
    lacking = re.sub(
        r"(weights: Array,\s+classes: Classes),\s+options: NoOptions", r"\1", source, count=1
    )
    assert source != lacking
    (tmp_path / "right.py").write_text(source, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(lacking, encoding="utf-8")
    files = [str(tmp_path / name) for name in ("right.py", "wrong.py")]
    # With the settings of the repository mypy can use the cache that `make check` leaves behind.
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *files]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert [] == [line for line in lines if "right.py" in line]
    assert [line for line in lines if "wrong.py" in line and "[override]" in line], done.stdout
