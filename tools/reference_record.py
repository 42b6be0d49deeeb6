"""Make the run record that CI compares the shipped DeepLabV3 with, after training it again.

    python tools/reference_record.py

It is made of one scene of every twelfth image of val: as many sequences, quickly drawn.
`tests/boards/test_shipped_boards.py` runs the model on the same scenes and lets `bench check`
compare; another result than on the day of the training means that reading, inference or scoring has
changed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import streets
from bench.cards import load_card
from bench.formats import layout
from bench.streets import dataset

RECORD = Path(__file__).resolve().parents[1] / "tests" / "baselines" / "deeplab-streets"
EVERY = 12


def draw(root: Path) -> None:
    """Write the scenes below `root` in the layout of the card."""
    card = load_card("streets")
    indices = range(0, streets.SPLITS["val"], EVERY)
    samples = (dataset.sample(card, "val", index, streets.draw("val", index)) for index in indices)
    layout(card).write_truth(card, root, "val", samples)


def arguments(root: Path, out: Path) -> list[str]:
    """The arguments of `bench` that run the model on the scenes below `root`."""
    return ["run", "--model", "deeplab", "--data", str(root), "--device", "cpu", "--out", str(out)]


def main() -> None:
    """Draw the scenes, run the model, and write the record."""
    with tempfile.TemporaryDirectory() as temporary:
        root, out = Path(temporary) / "data", Path(temporary) / "runs"
        draw(root)
        command = [sys.executable, "-m", "bench", *arguments(root, out)]
        subprocess.run(command, check=True)  # noqa: S603 - our own command
        (made,) = (path.parent for path in out.rglob("run.json"))
        shutil.rmtree(RECORD, ignore_errors=True)
        shutil.copytree(made, RECORD)
    print(f"written: {RECORD}")


if __name__ == "__main__":
    main()
