"""`bench init`: the files that a gate in continuous integration starts from, with every key explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import console
from bench.cli.options import AsJson

CONFIG = """\
# What `bench check` holds against what. Paths start from this file's folder.

[[checks]]
name = "model"

# A run record: what `bench run` or `bench eval` wrote (its folder, or one above that holds no other).
run = "candidate"
# Or predictions, which are scored as the baseline was:
#   predictions = "predictions"
#   dataset = "cityscapes"               # a shipped card, or a path to your own
#   data = "/data/cityscapes"

# The run record to hold it against. Commit run.json and counts.npz: they are small and need no images.
baseline = "baseline"

metrics = ["mIoU"]

# How many points worse is still acceptable. A number for all metrics, or one each: margin = { mIoU = 1.0, fwIoU = 0.5 }
margin = 1.0

# Classes that must not pay for the others, by IoU (AP, PQ), in points:
#   [checks.classes]
#   car = 2.0

# Where the two were not scored on the same images: judge by those that both have.
#   common_images = true                 # above [checks.classes]
"""

WORKFLOW = """\
name: bench
on: pull_request

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"

      # Install bench the way you do elsewhere; stored predictions need no torch.
      - run: pip install segbench

      # Make the predictions of this commit here, and score them into the folder that bench.toml calls `run`.
      - run: bench eval --predictions predictions --dataset cityscapes --data data/cityscapes --out candidate

      # Exit code 1: a regression. 3: these images cannot settle it; --inconclusive pass or fail decides for you.
      - run: bench check --junit bench-junit.xml

      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: bench
          path: bench-junit.xml
"""


def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to write; default: here.")] = Path(),
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write a bench.toml and a GitHub Actions workflow to start from.

    Files that are there already are left alone, unless --force says otherwise.
    """
    from bench.errors import UsageError

    root = folder.expanduser()
    files = {root / "bench.toml": CONFIG, root / ".github" / "workflows" / "bench.yml": WORKFLOW}
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise UsageError(f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there already; --force replaces")
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
    if as_json:
        console.say_json({"wrote": [str(path) for path in files]})
    else:
        for path in files:
            console.say(f"wrote {path}")
        console.note("say in bench.toml what is checked, then: bench check")
    return 0
