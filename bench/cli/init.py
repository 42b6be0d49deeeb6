"""`bench init`: the files that a gate in continuous integration starts from, with every key
explained.
"""

from __future__ import annotations

from pathlib import Path

from bench.cli import console
from bench.cli.options import JsonOption
from bench.cli.parser.declarations import OptionSet, argument, flag

CONFIG = """\
# What `bench check` compares. Paths are relative to this file's folder.

[[checks]]
name = "model"

# A run record of `bench run` or `bench eval`: its folder, or a folder with exactly one record below.
run = "candidate"
# Or predictions, which are scored by the rules of the baseline:
#   predictions = "predictions"
#   dataset = "cityscapes"               # a shipped card, or a path to your own
#   data = "/data/cityscapes"

# The run record to compare with. Commit run.json and counts.npz: they are small and need no images.
baseline = "baseline"

metrics = ["mIoU"]

# Largest acceptable loss in points: one number for all metrics, or one each: { mIoU = 1.0, fwIoU = 0.5 }
margin = 1.0

# Largest acceptable loss of single classes in points (IoU, AP or PQ):
#   [checks.classes]
#   car = 2.0

# If the two were not scored on the same images, compare on those that both have:
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

      # Install bench as you do elsewhere; scoring stored predictions needs no torch.
      - run: pip install segbench

      # Make the predictions of this commit here. They are scored into the folder that bench.toml names as `run`.
      - run: bench eval --predictions predictions --dataset cityscapes --data data/cityscapes --out candidate

      # Exit codes: 0 no regression, 1 regression, 3 inconclusive (--inconclusive pass or fail changes that).
      - run: bench check --junit bench-junit.xml

      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: bench
          path: bench-junit.xml
"""


class InitOptions(OptionSet):
    """Where the files are written."""

    folder: Path = argument(
        "FOLDER", help="Where to write; default: the current folder.", default=Path()
    )
    force: bool = flag("--force", help="Replace existing files.", group="Output")


def command(options: InitOptions, output: JsonOption) -> int:
    """Write a bench.toml and a GitHub Actions workflow to start from.

    Existing files are kept, unless --force is given.
    """
    from bench.errors import UsageError

    root = options.folder.expanduser()
    files = {root / "bench.toml": CONFIG, root / ".github" / "workflows" / "bench.yml": WORKFLOW}
    existing = [str(path) for path in files if path.exists()]
    if existing and not options.force:
        verb = "exists" if len(existing) == 1 else "exist"
        raise UsageError(f"{' and '.join(existing)} already {verb}; --force replaces")
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
    if output.as_json:
        console.say_json({"wrote": [str(path) for path in files]})
        return 0
    for path in files:
        console.say(f"wrote {path}")
    console.note("next  edit bench.toml, then run: bench check")
    return 0
