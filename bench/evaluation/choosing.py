"""From the user's options to the rules of a job: which families count, in which regions, with which settings.

It turns texts such as `all`, `mIoU,PQ` or `crops,trimap=3:5` into `Rules`; the families know what
they mean.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import json_errors, plain_json, plugins
from bench.cards import Card
from bench.errors import OwnCodeError, PredictionError, UsageError, did_you_mean
from bench.evaluation import object_settings
from bench.evaluation import settings as setting_words
from bench.families import Family, family, shipped
from bench.families.contract.rules import Rules
from bench.formats.coco.json_files import is_panoptic
from bench.formats.coco.origin import hold_boxes_alone
from bench.images import IMAGE_SUFFIXES, LABEL_SUFFIXES
from bench.metrics.regions import Plan
from bench.notices import Notice
from bench.samples import Sample

REGIONS: dict[str, tuple[float, ...]] = {
    "crops": (0, 100, 200, 300, 400),
    "rings": (100, 200, 300, 400),
    "bands": (4,),
    "depth": (0, 10, 25, 50, 100),
    "trimap": (1, 3, 5, 10),
}
"""The kinds of regions, and their numbers if neither the user nor the card gives any."""
_TASKS = ("semantic", "instance", "panoptic")
"""The tasks that the user's own model may have."""
_LARGEST = 10000
"""The largest number of a region, in pixels or metres."""
_HEAD = 1 << 10
"""Bytes at the start of a JSON file that show whether it is a list."""


def task_of(path: Path) -> str:
    """The task of stored predictions, from their files: `semantic`, `instance` or `panoptic`.

    A results JSON (a list) or a folder of text files holds instances; a JSON with segments, a folder that holds one, or
    a folder of PNGs with such a JSON of its name beside it is panoptic; any other folder holds label maps.

    Raises:
        PredictionError: a file of another form; the message says which.
    """
    if path.is_file():
        return _task_in(path)
    found = plain_json.files_in(path)
    if len(found) == 1:
        try:
            return _task_in(found[0])
        except PredictionError:
            # A JSON file next to label maps may be anything; alone in its folder it must hold the predictions.
            if not any(file.suffix.lower() in LABEL_SUFFIXES for file in path.rglob("*")):
                raise
    beside = path.parent / f"{path.name}.json"
    if not found and beside.is_file() and is_panoptic(beside):
        return "panoptic"
    return "instance" if _lists_masks(path) else "semantic"


def _task_in(path: Path) -> str:
    """The task of a JSON file, by its content."""
    try:
        if plain_json.head(path, _HEAD)[:_HEAD].lstrip()[:1] == b"[":
            return "instance"
        text = plain_json.read(path)
    except OSError as error:
        raise PredictionError(f"{path}: cannot be read ({error.strerror or error})") from None
    except plain_json.NotJsonError as error:
        if path.suffix.lower() in (*IMAGE_SUFFIXES, *LABEL_SUFFIXES):
            raise PredictionError(
                f"{path}: this is one file; label maps come as a folder with one for every image"
            ) from None
        raise PredictionError(f"{path}: {error}") from None
    if b'"segments_info"' in text:
        return "panoptic"
    if plain_json.joined_lines(text) is not None:
        return "instance"
    raise PredictionError(f"{path}: {json_errors.no_results(text)}")


def boxes_alone(path: Path) -> bool:
    """Whether the first object of a results JSON has a box and no mask, or an empty one."""
    found = [path] if path.is_file() else plain_json.files_in(path)
    if len(found) != 1:
        return False
    try:
        first = plain_json.head(found[0], 1 << 20).partition(b"}")[0]
    except (OSError, plain_json.NotJsonError):
        return False  # the reader of the file raises a better error
    return b'"bbox"' in first and not re.search(rb'"segmentation"\s*:(?!\s*(?:null|\[\s*\]))', first)


def boxes_of_results(metrics: str) -> tuple[Notice, ...]:
    """The notice for results with boxes and no masks, for which only boxes are scored by default."""
    if metrics != "default":
        return ()
    words = "the results hold boxes and no masks: only boxes are scored (--metrics all draws masks)"
    return (Notice("results-of-boxes", words),)


def boxes_of_truth(samples: Sequence[Sample], task: str, metrics: Sequence[str]) -> tuple[Notice, ...]:
    """The notice for ground truth with boxes and no masks, for which only boxes are scored by default."""
    if task != "instance" or metrics != "default" or not hold_boxes_alone(samples):
        return ()
    words = "the ground truth holds boxes and no masks: only boxes are scored (--metrics all draws masks)"
    return (Notice("truth-of-boxes", words, "warning"),)


def _lists_masks(path: Path) -> bool:
    """Whether a folder holds text files of Cityscapes' form: a mask's path, a label and a score a line.

    A line that begins with an existing file and has a number after it counts as such a line, so that its
    reader can report what is wrong with the rest.
    """
    texts = False
    for file in path.rglob("*.txt"):
        texts = True
        with file.open("rb") as lines:
            words = re.split(rb"[\s,]+", lines.readline(4096).strip())
        numbers = [re.fullmatch(rb"[-+.\deE]+|[-+]?nan|[-+]?inf", word) is not None for word in words[1:]]
        if numbers == [True, True] or (any(numbers) and b"\0" not in words[0] and _is_file(file.parent, words[0])):
            return True
    return texts and next(path.rglob("*.png"), None) is None


def _is_file(folder: Path, name: bytes) -> bool:
    return (folder / os.fsdecode(name)).is_file()


def rules_for(
    card: Card,
    task: str,
    *,
    metrics: str | Sequence[str] = "default",
    regions: str = "",
    masks: bool = True,
    **settings: Any,
) -> Rules:
    """The rules of evaluating predictions of a task on a data set; without `masks`, the default is boxes alone.

    `metrics` is `default`, `all`, or names of metrics or families, with commas or in a list; `regions` lists kinds of
    regions, each with numbers of its own after `=`, such as `crops,trimap=3:5`. `all` takes the card's crops in.

    A setting that is None was not given.

    Raises:
        UsageError: an unknown name or value, one that belongs to another task, or a setting that would change nothing.
    """
    metrics = _joined(metrics)
    settings = {name: value for name, value in settings.items() if value is not None}
    setting_words.check({"regions": regions, **settings})
    known = [each for each in shipped().values() if each.task == task]
    objects = object_settings.read(settings)
    if metrics == "default":
        known = [each for each in known if each.counted == "default" and (masks or not each.needs_masks)]
    if metrics in ("default", "all"):
        chosen = _offered(card, task, known)
    else:
        chosen = _named(metrics.split(","), card, task, known, Rules(**objects))
    if metrics == "all":
        regions = regions or ("crops" if card.crops and task == "semantic" else "")
        chosen = [each for each in chosen if each.counted != "named"]
    plan = plan_for(card, regions, crop0=settings.get("crop0", "full"))
    object_settings.require_use(settings, objects, chosen)
    setting_words.require_use(settings, chosen, plan)
    settings.pop("crop0", None)
    settings.update(objects)
    if card.boundary is not None:
        settings.setdefault("boundary_ratio", card.boundary.ratio)
    return Rules(families=tuple(each.key for each in chosen), regions=plan, **settings)


def _joined(metrics: Any) -> str:
    """Names of metrics in one text, separated by commas."""
    if isinstance(metrics, str):
        return metrics
    if isinstance(metrics, Sequence) and all(isinstance(name, str) for name in metrics):
        return ",".join(metrics)
    raise UsageError(f"--metrics must be a name or a sequence of names, got {metrics!r}")


def require_rules(card: Card, task: str | None, **words: Any) -> None:
    """Refuse settings without valid rules before a model is loaded; `task` is None if only the model knows it.

    Raises:
        UsageError: as `rules_for`; if the task is not known, only what is wrong for every task.
    """
    errors: list[UsageError] = []
    likely = sorted(_TASKS, key=lambda each: each not in card.tasks)
    for each in (task,) if task else likely:
        try:
            rules_for(card, each, **words)
        except UsageError as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def plan_for(card: Card, regions: str, *, crop0: Any = "full") -> Plan:
    """The regions in a text such as `crops,trimap=3:5`.

    Raises:
        UsageError: an unknown kind, or invalid numbers.
    """
    found: dict[str, tuple[float, ...]] = {}
    for word in (part.strip() for part in regions.split(",")):
        if not word:
            continue
        kind, _, numbers = word.partition("=")
        if kind not in REGIONS:
            raise UsageError(f"--regions {word}: {did_you_mean(kind, REGIONS)}")
        default = card.crops.factors if kind == "crops" and card.crops else REGIONS[kind]
        found[kind] = _numbers(word, numbers, whole=kind != "depth") if numbers else default
        if kind == "bands" and len(found[kind]) > 1:
            raise UsageError(f"--regions {word}: one number is needed, how many bands there are")
    whole = {kind: tuple(int(number) for number in numbers) for kind, numbers in found.items()}
    return Plan(
        crops=whole.get("crops", ()),
        crop0=crop0,
        rings=whole.get("rings", ()),
        bands=whole["bands"][0] if "bands" in whole else 0,
        depths=found.get("depth", ()),
        trimaps=whole.get("trimap", ()),
    )


def _numbers(word: str, text: str, *, whole: bool) -> tuple[float, ...]:
    try:
        numbers = tuple(float(number) for number in text.split(":"))
    except ValueError:
        raise UsageError(f"--regions {word}: numbers with colons between are needed, such as trimap=3:5") from None
    if not all(abs(number) <= _LARGEST and (number.is_integer() or not whole) for number in numbers):
        raise UsageError(f"--regions {word}: {'whole ' * whole}numbers up to {_LARGEST} are needed")
    return numbers


def _words(each: Family[Any], rules: Rules) -> tuple[str, ...]:
    """What asks for this family under these rules: the names of its metrics, and its own."""
    return *each.full_names(each.options(rules)), each.key


def _offered(card: Card, task: str, known: list[Family[Any]]) -> list[Family[Any]]:
    """The known families that make sense on the data set."""
    offered = [each for each in known if each.suits(card)]
    if not offered:
        raise UsageError(f"{card.title}: there is no metric for the task {task!r} (its tasks: {', '.join(card.tasks)})")
    return offered


def _named(words: Sequence[str], card: Card, task: str, known: list[Family[Any]], rules: Rules) -> list[Family[Any]]:
    chosen = set()
    asked = {word.strip() for word in words} - {""}
    if not asked or asked & {"all", "default"}:
        raise UsageError(f"--metrics {','.join(words)}: default, all, or names with commas between are needed")
    for word in sorted(asked):
        if plugins.is_outside(word):
            chosen.add(_from_outside(word, card, task))
            continue
        able = (each for each in known if word in _words(each, rules) and each.suits(card))
        home = next(able, None)
        if home is None:
            raise _not_offered(word, card, task, known, rules)
        chosen.add(home)
    return sorted(chosen, key=lambda each: each.order)


def _from_outside(word: str, card: Card, task: str) -> Family[Any]:
    """The family that `package.module:Name` names, if it can be counted here."""
    try:
        each = family(word)
    except (UsageError, OwnCodeError) as error:
        raise type(error)(f"--metrics {word}: {error}") from None
    if each.task != task:
        raise UsageError(f"--metrics {word}: it is counted from {each.task} predictions, not {task} ones")
    if not each.suits(card):
        needs = each.needs or f"{task} truth"
        raise UsageError(f"--metrics {word}: it needs {needs}, which {card.name} does not have")
    return each


def _not_offered(word: str, card: Card, task: str, known: list[Family[Any]], rules: Rules) -> UsageError:
    _offered(card, task, known)
    every = [*known, *shipped().values()]
    home = next((each for each in every if word in _words(each, rules)), None)
    if home is None:
        recall = re.fullmatch(r"(?:box_|boundary_)?AR([1-9]\d*)", word)
        if recall:
            return UsageError(f"--metrics {word}: it comes with --max-detections, such as --max-detections {recall[1]}")
        hint = did_you_mean(word, {name for each in every for name in _words(each, rules)})
        words = hint if hint.startswith("did") else "there is no such metric"
        return UsageError(f"--metrics {word}: {words} (bench list metrics shows them)")
    if home.task != task:
        return UsageError(f"--metrics {word}: it is counted from {home.task} predictions, not {task} ones")
    partial = "truth of all classes in every image" if card.layout == "lvis" else f"{task} truth"
    needs = home.needs or partial
    return UsageError(f"--metrics {word}: it needs {needs}; {card.name} in the layout {card.layout} has none")
