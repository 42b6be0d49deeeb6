"""`bench prepare`: download a data set, say how to get it, or draw `streets` in one of the official layouts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import console
from bench.cli.options import AsJson, DatasetName, LayoutName, SplitName
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.cards import Card


def prepare(
    *,
    dataset: DatasetName,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Folder to put the data set into; default: its own below BENCH_DATA."
        ),
    ] = None,
    split: SplitName = None,
    layout: LayoutName = None,
    as_json: AsJson = False,
) -> int:
    """Get a data set: download it, say how to, or draw streets.

    Open data sets are downloaded (resumed, verified) and unpacked; of others it says what to fetch after log-in and
    where to put it; streets is drawn in one of the official layouts.

    Example:  bench prepare --dataset streets --layout voc --data streets-voc
    """
    from bench.cards import load_card
    from bench.opening import require_layout

    card = load_card(dataset)
    root = _root(card, data)
    if card.name == "streets":
        require_layout(layout or card.layout)
        return _streets(card.in_layout(layout or card.layout), root, split, as_json=as_json)
    if layout is not None:
        raise UsageError("--layout goes with --dataset streets, which is drawn; other data sets come in one layout")
    return _fetched(card, root, as_json=as_json)


def _root(card: Card, data: Path | None) -> Path:
    if data is not None:
        return data.expanduser()
    if card.name == "streets":
        raise UsageError("streets is drawn at its first use, without preparing; --data DIR draws it where you want it")
    if not os.environ.get("BENCH_DATA"):
        raise UsageError(f"--data is missing: the folder to put {card.title} into (or set BENCH_DATA)")
    return Path(os.environ["BENCH_DATA"]).expanduser() / card.name


def _streets(card: Card, root: Path, split: str | None, *, as_json: bool) -> int:
    from bench.prepare import alone
    from bench.streets import dataset

    name = split or card.default_split
    card.split(name)
    with alone(root), console.progress("drawing streets", quiet=as_json) as report:
        dataset.write(card, root, name, progress=report)
    following = f"bench run --model deeplab --dataset streets --layout {card.layout} --split {name} --data {root}"
    if as_json:
        console.say_json({"dataset": card.name, "layout": card.layout, "split": name, "data": str(root)})
    else:
        console.say(f"wrote the split {name} of streets in the {card.layout} layout to {root}\nnext  {following}")
    return 0


def _fetched(card: Card, root: Path, *, as_json: bool) -> int:
    from bench.prepare import prepare as bring

    with console.steps(quiet=as_json) as report:
        done = bring(card, root, report=report)
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
        what = f"unpacked {', '.join(done.unpacked)}" if done.unpacked else "everything was there already"
        console.say(f"{card.title} is in {root}: {what}")
        console.say(f"next  bench run --model deeplab --dataset {card.name} --data {root} --weights FILE")
    else:
        lacking = f"{root} lacks {', '.join(done.missing)}. " if done.missing else ""
        how = f":\n\n{done.instructions}" if done.instructions else "; the card does not say how (obtain)"
        console.say(f"{lacking}{card.title} has to be fetched by hand{how}")
    return 0 if done.complete else 2
