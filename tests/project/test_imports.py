"""What starting `bench` may load: each of these packages costs more time than the whole command
line is allowed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import kernels

HEAVY = {
    "IPython", "cityscapesscripts", "matplotlib", "onnxruntime", "pandas", "pycocotools", "requests", "scipy",
    "segmentation_models_pytorch", "skimage", "sklearn", "torch", "torchvision", "transformers",
}  # fmt: skip

RUN = """
import contextlib, io, json, sys
with contextlib.redirect_stdout(io.StringIO()) as said:
    try:
        {program}
    except SystemExit as exit:
        assert not exit.code, exit.code
print(json.dumps([sorted({{name.partition(".")[0] for name in sys.modules}}), said.getvalue()]))
"""


def loaded_by(program: str) -> tuple[set[str], str]:
    """Top-level packages that a one-line program loads, in an interpreter of its own, and what it
    printed.
    """
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(program=program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    packages, said = json.loads(done.stdout)
    return set(packages), said


@pytest.mark.parametrize(
    "program",
    [
        "import bench",
        "import bench.cards, bench.classes, bench.errors, bench.kernels, bench.samples",
        "from bench.cli import main; sys.exit(main(['--version']))",
    ],
)
def test_start_loads_nothing_heavy(program: str) -> None:
    packages, said = loaded_by(program)
    assert set() == packages & HEAVY
    assert ("main" in program) == bool(said)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["board", "show", "--help"]])
def test_help_loads_not_even_numpy(words: list[str]) -> None:
    packages, said = loaded_by(f"from bench.cli import main; sys.exit(main({words!r}))")
    assert set() == packages & (HEAVY | {"numpy", "rich", "tabulate", "msgspec"})
    assert said.startswith("Usage: bench")


def test_import_bench_loads_not_even_numpy() -> None:
    assert "numpy" not in loaded_by("import bench")[0]


def test_heavy_packages_are_noticed() -> None:
    assert {"scipy"} == loaded_by("import scipy.ndimage")[0] & HEAVY


def test_scoring_label_maps_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    for place in (tmp_path / "gtFine" / "val" / "made", tmp_path / "found"):
        place.mkdir(parents=True)
        Image.fromarray(np.full((4, 6), 7, np.uint8)).save(
            place / "made_000000_000019_gtFine_labelIds.png"
        )
    where = [
        "--dataset",
        "cityscapes",
        "--data",
        str(tmp_path),
        "--predictions",
        str(tmp_path / "found"),
    ]
    how = ["--metrics", "mIoU", "--interval", "none", "--out", str(tmp_path / "runs"), "--json"]
    words = ["eval", *where, *how]
    packages, said = loaded_by(f"from bench.cli import main; sys.exit(main({words!r}))")
    assert 1.0 == json.loads(said)["scores"]["semantic"]["mIoU"]["value"]
    assert set() == packages & (HEAVY | {"pydantic", "rich", "tabulate"})
    assert kernels.which() == "reference" or "PIL" not in packages
