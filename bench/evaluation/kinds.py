"""The task of stored predictions, checked against the tasks of the card.

`prediction_files.py` reads the task from one file or folder; this module refuses several results in
one folder and predictions of a task that the card does not have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench import plain_json
from bench.cards import Card
from bench.errors import PredictionError
from bench.evaluation import prediction_files
from bench.formats.finding.folders import first
from bench.images import LABEL_SUFFIXES

_HEAD = 1 << 16
_WORDS = {"semantic": "label maps", "instance": "instance results", "panoptic": "panoptic results"}
_FORMS = {
    "semantic": "pass a folder with one label map per image",
    "instance": "pass a JSON list ([{image_id, category_id, score, ...}])",
    "panoptic": "pass a JSON with segments_info and a folder of PNGs",
}


def task_of(path: Path, card: Card) -> str:
    """The task of the predictions at `path`, which is one of the card's tasks.

    Raises:
        PredictionError: an empty folder, several results in one folder, or a task that the card
            does not have.
    """
    results = plain_json.files_in(path) if path.is_dir() else [path]
    if path.is_dir() and next(_files(path), None) is None:
        raise PredictionError(f"{path}: this folder is empty")
    if len(results) > 1:
        _refuse_several(path, results, card)
    single = results[0] if len(results) == 1 else None
    if single is not None and _is_of_detectron(single):
        raise PredictionError(
            f"{single}: detectron2's semantic results (class masks by file_name) are not "
            f"supported; {card.title} {_expected(card)}"
        )
    task = prediction_files.task_of(path)
    if (
        task == "semantic"
        and _numbers_objects(card)
        and any(_is_label(file) for file in _files(path))
    ):
        task = "instance"
    if task not in card.tasks:
        raise PredictionError(
            f"{path}: {_contents(path, task, single)}, but {card.title} {_expected(card)}"
        )
    return task


def _numbers_objects(card: Card) -> bool:
    """Whether label images must hold object numbers: no semantic task, and one thing class."""
    supported = (
        card.layout in ("pairs", "voc")
        and "instance" in card.tasks
        and "semantic" not in card.tasks
    )
    return supported and int(card.classes.things.sum()) == 1


def _refuse_several(path: Path, files: list[Path], card: Card) -> None:
    """Refuse a folder of several JSON files, unless it holds label maps and none is a result."""
    matches = [file for file in files if _task(file) in card.tasks]
    if not matches and "semantic" in card.tasks and any(_is_label(file) for file in _files(path)):
        return
    names = first(file.name for file in files)
    advice = f"; {card.title} {_expected(card)}"
    if matches:
        advice = f", such as --predictions {matches[-1]}"
    raise PredictionError(f"{path}: holds {len(files)} JSON files ({names}); pass one{advice}")


def _task(file: Path) -> str | None:
    """The task of a JSON file, None if it does not hold predictions."""
    try:
        return None if _is_of_detectron(file) else prediction_files.task_of(file)
    except PredictionError:
        return None


def _is_of_detectron(file: Path) -> bool:
    """Whether a JSON list holds masks of classes by file name, as detectron2's SemSegEvaluator
    writes it.
    """
    try:
        entry = plain_json.head(file, _HEAD).lstrip()
    except (OSError, plain_json.NotJsonError):
        return False
    keys = entry[:1] == b"[" and b'"file_name"' in entry and b'"segmentation"' in entry
    return keys and b'"image_id"' not in entry and b'"score"' not in entry


def _contents(path: Path, task: str, single: Path | None) -> str:
    """What the file or folder holds, as the start of a message."""
    if path.is_file() or single is not None:
        subject = "this file" if single in (None, path) else single.name
        return f"{subject} holds {_WORDS[task]}"
    endings = Counter(file.suffix.lower() or file.name for file in _files(path))
    counts = first(f"{count} {ending}" for ending, count in endings.most_common())
    return f"this folder holds {counts}, read as {_WORDS[task]}"


def _expected(card: Card) -> str:
    """The tasks of the card, as the end of a message."""
    tasks = " or ".join(card.tasks)
    return f"has ground truth for {tasks} predictions: {_FORMS[card.tasks[0]]}"


def _files(path: Path) -> Iterator[Path]:
    return (file for file in path.rglob("*") if not file.name.startswith(".") and file.is_file())


def _is_label(file: Path) -> bool:
    return file.suffix.lower() in LABEL_SUFFIXES
