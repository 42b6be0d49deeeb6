"""The jobs: whole processes from files to numbers, with `bench` and with each peer.

`bench` runs as `bench eval --interval none`, because no peer computes intervals; the same command
with intervals is measured too, outside of the comparison. AP of boxes and masks is measured with
the library, which like the peers writes no record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "peers"
Numbers = Mapping[str, float]
Command = Callable[[Path, Path], list[str]]
"""The arguments of a command, from the folder of the data and one for its output."""

SUFFIX = {"all": "", "things": "_th", "stuff": "_st"}
COCO = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
WITH_INTERVALS = "bench with intervals"


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        data: the kind of data it needs.
        ours: our command.
        numbers: our numbers from the output of the command.
        peers: the scripts of the peers with their first arguments.
        goal: the ratio of wall time to the best peer that should be reached.
        beside: further commands of ours, outside of the comparison.
        tolerance: the largest difference of numbers.
    """

    data: str
    ours: Command
    numbers: Callable[[Any], Numbers]
    peers: Mapping[str, tuple[str, ...]]
    goal: float | None = None
    beside: Mapping[str, Command] = field(default_factory=dict)
    tolerance: float = 1e-9


def _eval(
    dataset: str, data: str, predictions: str, metrics: str, interval: str = "none"
) -> Command:
    def command(folder: Path, out: Path) -> list[str]:
        where = [
            "--data",
            str(folder / data),
            "--predictions",
            str(folder / predictions),
            "--out",
            str(out),
        ]
        how = ["--metrics", metrics, "--interval", interval, "--json"]
        return [sys.executable, "-m", "bench", "eval", "--dataset", dataset, *where, *how]

    return command


def _scores(group: str, names: Mapping[str, str]) -> Callable[[Any], Numbers]:
    """Selects scores of a record, under the names that the peers use."""
    return lambda record: {
        theirs: record["scores"][group][ours]["value"] for theirs, ours in names.items()
    }


def _library(script: str, job: str, folder: Path, _out: Path) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name(script)), job, str(folder)]


def _stats(output: Any) -> Numbers:
    return dict(zip(COCO, output["stats"], strict=True))


def _coco_peers(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: ("pycocotools_like.py", name) for name in names}


def _evaluated(
    group: str, names: Mapping[str, str], goal: float, peers: Mapping[str, str], *arguments: str
) -> Job:
    """A job that is one call of `bench eval`; `words` are data set, data, predictions, metrics."""
    return Job(
        data={"cityscapes": "city", "coco-panoptic": "panoptic", "coco-instances": "coco"}[
            arguments[0]
        ],
        ours=_eval(*arguments),
        numbers=_scores(group, names),
        peers={name: (script,) for name, script in peers.items()},
        goal=goal,
        beside={WITH_INTERVALS: _eval(*arguments, "default")},
    )


_AP = _coco_peers("ultrafast_pycocotools", "hotcoco", "faster_coco_eval", "pycocotools") | {
    "vernier": ("vernier.py",)
}
_PQ_NAMES = {
    f"{name} {word}": f"{name}{SUFFIX[word]}"
    for word in ("all", "things", "stuff")
    for name in ("PQ", "SQ", "RQ")
}
_IIOU_NAMES = {
    "mIoU": "mIoU",
    "mean_iIoU": "iIoU",
    "category_mIoU": "category_IoU",
    "category_mean_iIoU": "category_iIoU",
}
_HOTCOCO, _CITYSCAPES = {"hotcoco": "hotcoco.py"}, {"cityscapesScripts": "cityscapesscripts.py"}

_MIOU_PEERS = _HOTCOCO | _CITYSCAPES | {"torchmetrics": "torchmetrics.py"}
_PQ_PEERS = _HOTCOCO | {"panopticapi": "panopticapi.py"}
_BOUNDARY_PEERS = {"boundary-iou-api's method": "boundary_ap.py", "vernier": "vernier.py"}
_CITY = ("cityscapes", "city-objects")
_PAIRS = ("coco-panoptic", "panoptic.json", "panoptic-predicted")
_MASKS = ("coco-instances", "truth.json", "segm.json")
_BOXES = ("coco-instances", "truth.json", "bbox.json")

JOBS: dict[str, Job] = {
    "miou": _evaluated(
        "semantic",
        {"mIoU": "mIoU"},
        1.0,
        _MIOU_PEERS,
        "cityscapes",
        "city",
        "city-predicted",
        "mIoU",
    ),
    "iiou": _evaluated(
        "semantic",
        _IIOU_NAMES,
        0.2,
        _CITYSCAPES,
        *_CITY,
        "city-predicted",
        ",".join(_IIOU_NAMES.values()),
    ),
    "cityscapes-ap": _evaluated(
        "cityscapes_instance",
        {"AP": "AP", "AP50": "AP50"},
        0.1,
        _CITYSCAPES,
        *_CITY,
        "city-masks",
        "cityscapes_instance",
    ),
    "pq": _evaluated("panoptic", _PQ_NAMES, 1.0, _PQ_PEERS, *_PAIRS, "PQ"),
    "bbox": Job(
        "coco",
        partial(_library, "ours_ap.py", "bbox"),
        _stats,
        _AP,
        goal=1.0,
        beside={
            "bench eval": _eval(*_BOXES, "boxes"),
            WITH_INTERVALS: _eval(*_BOXES, "boxes", "default"),
        },
    ),
    "segm": Job(
        "coco",
        partial(_library, "ours_ap.py", "segm"),
        _stats,
        _AP,
        goal=1.0,
        beside={
            "bench eval": _eval(*_MASKS, "instance"),
            WITH_INTERVALS: _eval(*_MASKS, "instance", "default"),
        },
    ),
    "boundary": _evaluated(
        "instance_boundary",
        {name: name for name in COCO},
        0.5,
        _BOUNDARY_PEERS,
        *_MASKS,
        "instance_boundary",
    ),
    "bootstrap": Job(
        "coco", partial(_library, "ours_bootstrap.py", "bootstrap"), lambda output: output, {}
    ),
}


def peer_command(
    python: Path, script_and_arguments: tuple[str, ...], job: str, folder: Path
) -> list[str]:
    """The command of a peer; with -P a script with the name of its package does not import
    itself.
    """
    script, *first = script_and_arguments
    return [str(python), "-P", str(PEERS / script), *first, job, str(folder)]
