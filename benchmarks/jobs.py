"""The jobs: from files to numbers, by us and by each peer, as whole processes.

Ours is the product itself, `bench eval`, with the jackknife intervals that it always gives and no peer has; AP, whose
intervals are bootstrapped, is measured by the library, without them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "peers"
Numbers = Mapping[str, float]

SUFFIX = {"all": "", "things": "_th", "stuff": "_st"}
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


def _library(job: str, folder: Path, _out: Path) -> list[str]:
    """AP by the library: on the command line AP comes with bootstrap intervals, which no peer makes."""
    return [sys.executable, str(Path(__file__).with_name("ours_ap.py")), job, str(folder)]


def _stats(found: Any) -> Numbers:
    return dict(zip(COCO, found["stats"], strict=True))


def _coco_peers(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: ("pycocotools_like.py", name) for name in names}


_AP = _coco_peers("ultrafast_pycocotools", "hotcoco", "faster_coco_eval", "pycocotools") | {"vernier": ("vernier.py",)}
_PQ_NAMES = {
    f"{name} {word}": f"{name}{SUFFIX[word]}" for word in ("all", "things", "stuff") for name in ("PQ", "SQ", "RQ")
}

_IIOU_NAMES = {
    "mIoU": "mIoU",
    "mean_iIoU": "iIoU",
    "category_mIoU": "category_IoU",
    "category_mean_iIoU": "category_iIoU",
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
        _eval("cityscapes", "city-objects", "city-predicted", "--metrics", "mIoU,iIoU,category_IoU,category_iIoU"),
        _scores("semantic", _IIOU_NAMES),
        {"cityscapesScripts": ("cityscapesscripts.py",)},
    ),
    "bbox": Job("coco", partial(_library, "bbox"), _stats, _AP),
    "segm": Job("coco", partial(_library, "segm"), _stats, _AP),
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
