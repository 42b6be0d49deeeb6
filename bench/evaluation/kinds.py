"""Which task stored predictions answer, with the card's tasks in mind: what lies there, and what was expected.

`choosing.py` says how one file or folder is read; this module refuses what is ambiguous or answers no task.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import plain_json
from bench.cards import Card
from bench.errors import PredictionError
from bench.evaluation import choosing
from bench.formats.finding.folders import first
from bench.images import LABEL_SUFFIXES

_HEAD = 1 << 16
_WORDS = {"semantic": "label maps", "instance": "results of objects", "panoptic": "panoptic results"}
_FORMS = {
    "semantic": "label maps come as a folder with one file for every image",
    "instance": "results of objects come as a JSON list ([{image_id, category_id, score, ...}])",
    "panoptic": "panoptic results come as a JSON with segments_info and a folder of PNGs",
}


def task_of(path: Path, card: Card) -> str:
    """The task that predictions at `path` answer, one of the card's.

    Raises:
        PredictionError: an empty folder, several results in one folder, or predictions of no task of the card.
    """
    results = plain_json.files_in(path) if path.is_dir() else [path]
    if path.is_dir() and next(_files(path), None) is None:
        raise PredictionError(f"{path}: this folder is empty")
    if len(results) > 1:
        _refuse_several(path, results, card)
    single = results[0] if len(results) == 1 else None
    if single is not None and _is_of_detectron(single):
        raise PredictionError(
            f"{single}: these are detectron2's semantic results (masks of classes by file_name), which are not read; "
            f"{card.title} {_expected(card)}"
        )
    task = choosing.task_of(path)
    if task == "semantic" and _numbers_objects(card) and any(_is_label(file) for file in _files(path)):
        task = "instance"
    if task not in card.tasks:
        raise PredictionError(f"{path}: {_lying(path, task, single)}, and {card.title} {_expected(card)}")
    return task


def _numbers_objects(card: Card) -> bool:
    """Whether label images can only be objects by their numbers: there are no label maps, and one countable class."""
    read = card.layout in ("pairs", "voc") and "instance" in card.tasks and "semantic" not in card.tasks
    return read and int(card.classes.things.sum()) == 1


def _refuse_several(path: Path, found: list[Path], card: Card) -> None:
    """Refuse a folder of several JSON files, unless it holds label maps beside JSON files that are no results."""
    answers = {file: _task(file) for file in found}
    asked = [file for file, task in answers.items() if task in card.tasks]
    if not asked and "semantic" in card.tasks and any(_is_label(file) for file in _files(path)):
        return
    names = f"{len(found)} JSON files ({first(file.name for file in found)})"
    example = f", such as --predictions {asked[-1]}" if asked else f"; {card.title} {_expected(card)}"
    raise PredictionError(f"{path}: holds {names}; name one{example}")


def _task(file: Path) -> str | None:
    """The task of a JSON file, None where it holds no predictions."""
    try:
        return None if _is_of_detectron(file) else choosing.task_of(file)
    except PredictionError:
        return None


def _is_of_detectron(file: Path) -> bool:
    """Whether a JSON list holds masks of classes by file name, as detectron2's SemSegEvaluator writes it."""
    try:
        entry = plain_json.head(file, _HEAD).lstrip()
    except (OSError, plain_json.NotJsonError):
        return False
    keys = entry[:1] == b"[" and b'"file_name"' in entry and b'"segmentation"' in entry
    return keys and b'"image_id"' not in entry and b'"score"' not in entry


def _lying(path: Path, task: str, single: Path | None) -> str:
    """What lies there, in words."""
    if path.is_file() or single is not None:
        return f"this holds {_WORDS[task]}" if single in (None, path) else f"{single.name} holds {_WORDS[task]}"
    kinds: dict[str, int] = {}
    for file in _files(path):
        kinds[file.suffix.lower() or file.name] = kinds.get(file.suffix.lower() or file.name, 0) + 1
    counts = first(f"{kinds[kind]} {kind}" for kind in sorted(kinds, key=lambda kind: -kinds[kind]))
    return f"this folder holds {counts}, which is the form of {_WORDS[task]}"


def _expected(card: Card) -> str:
    """What the card can be asked."""
    tasks = " or ".join(card.tasks)
    return f"has truth for {tasks} predictions: {_FORMS[card.tasks[0]]}"


def _files(path: Path) -> Iterator[Path]:
    return (file for file in path.rglob("*") if not file.name.startswith(".") and file.is_file())


def _is_label(file: Path) -> bool:
    return file.suffix.lower() in LABEL_SUFFIXES
