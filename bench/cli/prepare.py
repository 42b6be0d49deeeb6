"""`bench prepare`: download a data set, explain how to get it, or draw `streets` in an official
layout.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import console
from bench.cli.options import JsonOption, dataset, layout, split
from bench.cli.parser.declarations import OptionSet, option
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.cards import Card


class PrepareOptions(OptionSet):
    """Which data set is prepared, and where."""

    dataset: str = dataset()
    root: Path | None = option(
        "--data",
        metavar="DIR",
        help="Folder for the data set; default: a folder of its name in BENCH_DATA.",
        default=None,
        group="Input",
    )
    split: str | None = split()
    layout: str | None = layout()


def command(options: PrepareOptions, output: JsonOption) -> int:
    """Download a data set, explain how to get it, or draw streets.

    Open data sets are downloaded, verified and unpacked; an interrupted download continues. For
    data sets that need a login, it prints what to download and where to put it. `streets` is drawn
    in one of the official layouts.

    Example:
        bench prepare --dataset streets --layout voc --data streets-voc
    """
    from bench.cards import load_card
    from bench.opening import require_layout

    card = load_card(options.dataset)
    root = _root(card, options.root)
    if card.name == "streets":
        chosen = options.layout or card.layout
        require_layout(chosen)
        return _draw_streets(card.in_layout(chosen), root, options.split, as_json=output.as_json)
    if options.layout is not None:
        raise UsageError(
            "--layout only works with --dataset streets, which is drawn; other data sets have "
            "one layout"
        )
    return _fetch(card, root, as_json=output.as_json)


def _root(card: Card, data: Path | None) -> Path:
    if data is not None:
        return data.expanduser()
    if card.name == "streets":
        raise UsageError(
            "streets is drawn at its first use, without preparing; --data DIR draws it into "
            "that folder"
        )
    if not os.environ.get("BENCH_DATA"):
        raise UsageError(
            f"--data is missing: the folder to put {card.title} into (or set BENCH_DATA)"
        )
    return Path(os.environ["BENCH_DATA"]).expanduser() / card.name


def _draw_streets(card: Card, root: Path, split: str | None, *, as_json: bool) -> int:
    from bench.prepare import alone
    from bench.streets import dataset

    name = split or card.default_split
    card.split(name)
    with alone(root), console.progress("drawing streets", quiet=as_json) as report:
        dataset.write(card, root, name, progress=report)
    next_command = (
        f"bench run --model deeplab --dataset streets --layout {card.layout} "
        f"--split {name} --data {root}"
    )
    if as_json:
        console.say_json(
            {"dataset": card.name, "layout": card.layout, "split": name, "data": str(root)}
        )
    else:
        console.say(
            f"wrote the split {name} of streets in the {card.layout} layout to {root}\nnext  "
            f"{next_command}"
        )
    return 0


def _fetch(card: Card, root: Path, *, as_json: bool) -> int:
    from bench.prepare import prepare

    with console.steps(quiet=as_json) as report:
        done = prepare(card, root, report=report)
    if as_json:
        console.say_json(
            {
                "dataset": card.name,
                "data": str(root),
                "complete": done.complete,
                "unpacked": list(done.unpacked),
                "present": list(done.present),
                "missing": list(done.missing),
                "instructions": done.instructions,
            }
        )
    elif done.complete:
        outcome = (
            f"unpacked {', '.join(done.unpacked)}"
            if done.unpacked
            else "everything was there already"
        )
        console.say(f"{card.title} is in {root}: {outcome}")
        console.say(
            f"next  bench run --model deeplab --dataset {card.name} --data {root} --weights FILE"
        )
    else:
        missing = f"{root} lacks {', '.join(done.missing)}. " if done.missing else ""
        how = (
            f":\n\n{done.instructions}"
            if done.instructions
            else "; the card does not say how (key obtain)"
        )
        console.say(f"{missing}{card.title} has to be downloaded by hand{how}")
    return 0 if done.complete else 2
