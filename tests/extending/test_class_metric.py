"""A score of single classes in two places: its formula, and its declaration in the family."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench

FORMULA = """        "accuracy": Terms(sums.hits, sums.truth, sums.truth),
"""
FORMULA_OF_PRECISION = """        "precision": Terms(sums.hits, sums.predicted, sums.truth),
"""
DECLARATION = """        IOU,
"""
DECLARATION_OF_PRECISION = """        fraction(
            "precision",
            "precision",
            meaning="per class: tp / (tp + fp)",
            reference="scikit-learn, precision_score",
            per_class="precision",
        ),
"""
COMMANDS = """
import contextlib, io, sys
from pathlib import Path
from bench import cli
def run(*words):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        code = cli.main(list(words))
    print("==", code)
    print(output.getvalue())
truth = ["--truth", "truth", "--classes", "road,car"]
for name in ("a", "b"):
    run("eval", name, *truth, "--name", name)
first, second = (str(next(Path("runs").glob(f"*/{name}/*/run.json")).parent) for name in ("a", "b"))
run("show", first)
run("compare", first, second, "--metric", "precision:car")
run("eval", "a", *truth, "--name", "a", "--metrics", "precision", "--overwrite")
"""
IMAGES, SIDE = 12, 16


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with a metric added in two places, ground truth, and two
    predictions.
    """
    root = tmp_path_factory.mktemp("clone")
    # The copy keeps the times of the files, so that Python need not compile them again.
    shutil.copytree(Path(bench.__file__).parent, root / "bench")
    insert(root / "bench" / "metrics" / "semantic.py", FORMULA, FORMULA_OF_PRECISION)
    insert(root / "bench" / "families" / "pixels.py", DECLARATION, DECLARATION_OF_PRECISION)
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, (IMAGES, SIDE, SIDE), np.uint8)
    for name, wrong in {"truth": 0.0, "a": 0.1, "b": 0.2}.items():
        (root / name).mkdir()
        for index, labels in enumerate(truth):
            flipped = np.where(random.random(labels.shape) < wrong, 1 - labels, labels)
            Image.fromarray(flipped).save(root / name / f"{index}.png")
    return root


def insert(path: Path, before: str, lines: str) -> None:
    """Write lines into a file after a text that occurs once."""
    source = path.read_text(encoding="utf-8")
    assert source.count(before) == 1, (
        f"{path.name} has changed: this test no longer finds its place"
    )
    path.write_text(source.replace(before, before + lines), encoding="utf-8")


def precision(clone: Path, name: str, label: int) -> str:
    """Precision of a class in percent, computed from the files."""
    pairs = [
        [np.asarray(Image.open(clone / folder / f"{index}.png")) for folder in ("truth", name)]
        for index in range(IMAGES)
    ]
    hits = sum(int(((truth == label) & (found == label)).sum()) for truth, found in pairs)
    return f"{100 * hits / sum(int((found == label).sum()) for _, found in pairs):.2f}"


def test_a_metric_of_a_class_is_added_in_two_places(clone: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=clone,
        env={**os.environ, "PYTHONPATH": str(clone), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    evaluated, _, shown, compared, alone = done.stdout.split("==")[1:]
    assert all(output.startswith(" 0") for output in (evaluated, shown, compared, alone)), (
        done.stderr
    )
    for label, name in enumerate(("road", "car")):
        value = precision(clone, "a", label)
        for table in (evaluated, shown):
            assert "precision %" in table
            assert (
                value
                == re.search(  # type: ignore[index]
                    (
                        rf"^  {name} "
                        r".*"
                    ),
                    table,
                    re.MULTILINE,
                )[0].split()[-1]
            )
        assert re.search(rf"^  {name} +{value} +\[[0-9.]+, [0-9.]+\]$", alone, re.MULTILINE)
    assert "a beats b by" in compared
    assert re.search(rf"^a +{precision(clone, 'a', 1)} +\[", compared, re.MULTILINE)
    assert re.search(rf"^b +{precision(clone, 'b', 1)} +\[", compared, re.MULTILINE)
