"""How many images a split holds, against what its card says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench import images
from bench.opening import open_data

CARD = """
name = "mine"
title = "Mine"
layout = "{layout}"
tasks = ["{task}"]
licence = "own"
cite = "own"
obtain = "own"
{more}
[splits.val]
images = {count}
"""
CLASSES = (
    'classes = [{ id = 0, train_id = 0, name = "a" }, { id = 1, train_id = 1, name = '
    '"b", thing = true }]\n'
)
PAIRS = CLASSES + '[files]\nimages = "img/{id}.jpg"\nlabels = "lab/{id}.png"\n'


def pairs(root: Path, count: int) -> tuple[str, Path]:
    """Three images in the layout pairs, and a card that says `count`."""
    for name in "abc":
        images.write_labels(root / f"lab/{name}.png", np.eye(4, dtype=np.uint8))
    return _card(root, "pairs", "semantic", PAIRS, count), root


def voc(root: Path, count: int) -> tuple[str, Path]:
    """The same in the layout voc."""
    for name in "abc":
        images.write_labels(root / f"SegmentationClass/{name}.png", np.eye(4, dtype=np.uint8))
    lists = root / "ImageSets/Segmentation/val.txt"
    lists.parent.mkdir(parents=True)
    lists.write_text("a\nb\nc\n")
    return _card(root, "voc", "semantic", CLASSES, count), root


def cityscapes(root: Path, count: int) -> tuple[str, Path]:
    """The same in the layout cityscapes."""
    for frame in range(3):
        images.write_labels(
            root / f"gtFine/val/ulm/ulm_000000_00000{frame}_gtFine_labelIds.png",
            np.eye(4, dtype=np.uint8),
        )
    return _card(root, "cityscapes", "semantic", CLASSES, count), root


def coco(root: Path, count: int) -> tuple[str, Path]:
    """The same in the layout coco."""
    listed = [{"id": n, "file_name": f"{n}.jpg", "height": 4, "width": 4} for n in (1, 2, 3)]
    truth = root / "truth.json"
    truth.write_text(
        json.dumps({"images": listed, "annotations": [], "categories": [{"id": 1, "name": "b"}]})
    )
    return _card(root, "coco", "instance", CLASSES, count), truth


def _card(root: Path, layout: str, task: str, more: str, count: int) -> str:
    path = root / "card.toml"
    files = more.partition("[files]")
    text = CARD.format(layout=layout, task=task, more=files[0], count=count)
    path.write_text(text + "".join(files[1:]))
    return str(path)


@pytest.mark.parametrize("make", [pairs, voc, cityscapes, coco], ids=lambda make: make.__name__)
def test_fewer_images_than_the_card_says_are_told(make: object, tmp_path: Path) -> None:
    card, root = make(tmp_path, 2000)  # type: ignore[operator]
    (notice,) = open_data(card, root=root).notices
    assert ("split-images", "warning") == (notice.code, notice.severity)
    assert notice.message.startswith("3 of 2000 images of the split 'val' of Mine were found")


def test_more_images_than_the_card_says_are_told(tmp_path: Path) -> None:
    card, root = pairs(tmp_path, 2)
    (notice,) = open_data(card, root=root).notices
    assert "has 3 images, and its card says 2" in notice.message


def test_nothing_is_told_of_a_part_that_was_asked_for(tmp_path: Path) -> None:
    card, root = pairs(tmp_path, 2000)
    (tmp_path / "ids.txt").write_text("a\n")
    assert () == open_data(card, root=root, limit=2).notices
    assert () == open_data(card, root=root, ids=str(tmp_path / "ids.txt")).notices
    assert 1 == len(open_data(card, root=root, limit=50).notices), (
        "50 images were wanted, and there are 3"
    )


def test_nothing_is_told_where_the_number_is_right(tmp_path: Path) -> None:
    card, root = pairs(tmp_path, 3)
    assert () == open_data(card, root=root).notices
    assert () == open_data(card, root=root, limit=5).notices
