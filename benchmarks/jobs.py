"""The jobs: from files to numbers, by us and by each peer, as whole processes.

Ours is the product itself, `bench eval`, under --interval none: peers give no intervals. What intervals cost is the job
of the same name with `+intervals`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "peers"
Numbers = Mapping[str, float]

COCO = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


@dataclass(frozen=True)
class Job:
    """Data it needs, our command for a folder, the scripts of the peers with their first words, and our numbers."""

    data: str
    ours: Callable[[Path, Path], list[str]]
    numbers: Callable[[Any], Numbers]
    peers: Mapping[str, tuple[str, ...]]
    tolerance: float = 1e-9


def _eval(dataset: str, data: str, predictions: str, *more: str) -> Callable[[Path, Path], list[str]]:
    def command(folder: Path, out: Path) -> list[str]:
        where = ["--data", str(folder / data), "--predictions", str(folder / predictions), "--out", str(out)]
        return [sys.executable, "-m", "bench", "eval", "--dataset", dataset, *where, *more, "--json"]

    return command


def _scores(group: str, names: Mapping[str, str]) -> Callable[[Any], Numbers]:
    """Picks scores of a record by the peers' names."""
    return lambda record: {theirs: record["scores"][group][ours]["value"] for theirs, ours in names.items()}


def _stats(kind: str) -> Callable[[Any], Numbers]:
    return _scores(kind, {name: name for name in COCO})


def _coco_peers(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: ("pycocotools_like.py", name) for name in names}


_AP = _coco_peers("ultrafast_pycocotools", "hotcoco", "faster_coco_eval", "pycocotools") | {"vernier": ("vernier.py",)}
_PQ_NAMES = {
    f"{name} {word}": f"{name}{'' if word == 'all' else '_' + word}"
    for word in ("all", "things", "stuff")
    for name in ("PQ", "SQ", "RQ")
}

JOBS: dict[str, Job] = {
    "miou": Job(
        "city",
        _eval("cityscapes", "city", "city-predicted", "--metrics", "mIoU"),
        _scores("semantic", {"mIoU": "mIoU"}),
        {"hotcoco": ("hotcoco.py",), "cityscapesScripts": ("cityscapesscripts.py",)},
    ),
    "iiou": Job(
        "city",
        _eval("cityscapes", "city-objects", "city-predicted", "--metrics", "mIoU,mean_iIoU"),
        _scores("semantic", {name: name for name in ("mIoU", "mean_iIoU", "category_mIoU", "category_mean_iIoU")}),
        {"cityscapesScripts": ("cityscapesscripts.py",)},
    ),
    "city-ap": Job(
        "city",
        _eval("cityscapes", "city-objects", "city-masks", "--metrics", "AP"),
        _scores("instance", {"AP": "AP", "AP50": "AP50"}),
        {"cityscapesScripts": ("cityscapesscripts.py",)},
    ),
    "bbox": Job("coco", _eval("coco-instances", "truth.json", "bbox.json", "--metrics", "box"), _stats("box"), _AP),
    "segm": Job("coco", _eval("coco-instances", "truth.json", "segm.json", "--metrics", "mask"), _stats("mask"), _AP),
    "pq": Job(
        "panoptic",
        _eval("coco-panoptic", "panoptic.json", "panoptic-predicted", "--metrics", "PQ"),
        _scores("panoptic", _PQ_NAMES),
        {"hotcoco": ("hotcoco.py",), "panopticapi": ("panopticapi.py",)},
    ),
}


def peer_command(python: Path, words: tuple[str, ...], job: str, folder: Path) -> list[str]:
    """The command of a peer: -P keeps a script named as its package from importing itself."""
    script, *first = words
    return [str(python), "-P", str(PEERS / script), *first, job, str(folder)]
