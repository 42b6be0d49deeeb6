"""The layout `pairs`: images and label files, matched by the patterns in [files] of the card."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from bench.cards.card_rules import CardKeys, class_entries, has_things
from bench.formats.contract.folder_layout import DataSet, FolderLayout


class Pairs(FolderLayout):
    """Any data set of images and label files that has no layout of its own."""

    files: ClassVar = {
        **dict.fromkeys(("images", "labels", "instances", "ignore"), ("id", "split")),
        "list": ("split",),
    }
    required_files = ("images", "labels")
    truth_files = ("labels", "list")

    def problems(self, card: CardKeys) -> Iterator[str]:
        """Patterns that the tasks do not read, or without which they have no ground truth."""
        yield from _objects(card)
        yield from _masks(card)
        if not any("{split}" in pattern for pattern in card.files.values()):
            for name, split in card.splits.items():
                if split.folder is not None:
                    yield f"splits.{name}.folder has no effect: no pattern in [files] has {{split}}"

    def data_set(self) -> DataSet:
        """The functions of `data_set.py`."""
        from bench.formats.pairs import data_set

        return data_set


LAYOUT = Pairs()


def _objects(card: CardKeys) -> Iterator[str]:
    """Objects are read from files of object numbers, or from one file an object."""
    objects = [task for task in card.tasks if task != "semantic"]
    # Panoptic truth without a countable class needs no objects: each class is one segment.
    all_stuff = "instance" not in card.tasks and not has_things(card)
    there = "instances" in card.files or "*" in card.files.get("labels", "")
    if objects and not (there or all_stuff):
        yield (
            f"tasks: {' and '.join(objects)} in layout 'pairs' needs files.instances, a pattern of "
            "files with object numbers (0 for none)"
        )
    if "instances" in card.files and not objects:
        yield "files.instances has no effect: tasks lists neither instance nor panoptic"


def _masks(card: CardKeys) -> Iterator[str]:
    """Masks of the pixels that count (`ignore`), and files of one object each (`*`)."""
    if "ignore" in card.files and set(card.tasks) != {"semantic"}:
        yield (
            'files.ignore is used for label maps only; set tasks = ["semantic"], or leave it out'
        )
    if "ignore" in card.files and "{id}" not in card.files["ignore"]:
        yield "files.ignore has no {id}: it is a pattern of masks, one for every image"
    wild = [key for key in ("labels", "instances") if "*" in card.files.get(key, "")]
    for key, pattern in card.files.items():
        if "*" in pattern and (key not in wild or "*" in pattern.rpartition("/")[0]):
            yield (
                f"files.{key}: * is allowed only in the last part of labels or instances, for "
                "one file an object"
            )
    if "labels" in wild:
        yield from _objects_as_labels(card)


def _objects_as_labels(card: CardKeys) -> Iterator[str]:
    """Files of one object each name no class: there is one countable class, and one for the
    rest.
    """
    scored = [entry for entry in class_entries(card) if entry.train_id is not None]
    things, stuff = sum(entry.thing for entry in scored), sum(not entry.thing for entry in scored)
    if things != 1 or stuff > 1 or (stuff == 0 and "semantic" in card.tasks):
        yield (
            "files.labels with * is one file an object, all of one class: list one class with "
            "thing = true and, for the task semantic, one without it for all other pixels"
        )
    values = {
        "[values]": card.values,
        "colors = true": card.colors,
        "threshold": card.threshold is not None,
        "files.instances": "instances" in card.files,
    }
    for key, value in values.items():
        if value:
            yield (
                f"{key} has no effect where files.labels holds one object a file (*); leave it out"
            )
