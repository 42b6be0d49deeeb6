"""What maximum detections leave out: the notices, and what a perfect model would score, against
pycocotools.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import coco_settings
import numpy as np
import pytest

from bench.families import family
from bench.families.contract.rules import Rules
from bench.families.shared import lvis_objects
from bench.metrics import instance, lvis, max_detections, tide
from bench.metrics.protocols import COCO, coco_like
from bench.samples.columns import DetectionColumns, TruthColumns

Counts = dict[tuple[int, int], int]

BOXES = family("boxes")


def rows(counts: Counts, images: int) -> dict[str, Any]:
    """As many boxes of a class in an image as `counts` says by (image, class), side by side."""
    keys = [key for key, number in counts.items() for _ in range(number)]
    place = np.array([n for number in counts.values() for n in range(number)], dtype=np.float64)
    flat = np.full(len(place), 5.0)
    return {
        "images": images,
        "image": np.array([image for image, _ in keys], dtype=np.int32),
        "classes": np.array([label for _, label in keys], dtype=np.int32),
        "boxes": np.stack([10 * place, 0 * place, flat, flat], axis=1).reshape(-1, 4),
    }


def columns(
    counts: Counts, images: int, found: Counts | None = None, crowd: bool = False
) -> tuple[TruthColumns, DetectionColumns]:
    truth, ours = rows(counts, images), rows(counts if found is None else found, images)
    total = len(truth["image"])
    marked = np.full(total, crowd)
    scores = np.linspace(1, 0.1, len(ours["image"]))
    return TruthColumns(**truth, areas=np.full(total, 25.0), crowd=marked), DetectionColumns(
        **ours, scores=scores
    )


def warned(
    counts: Counts, images: int, found: Counts | None = None, rules: Rules | None = None
) -> dict[str, str]:
    rules = rules or Rules(families=("boxes",))
    tables = BOXES.count_columns(BOXES.options(rules), *columns(counts, images, found))
    notices = BOXES.warnings(tables, np.arange(images), None, BOXES.options(rules))  # type: ignore[arg-type]
    return {f"{each.severity} {each.code}": each.message for each in notices}


# ---- what a perfect model would score


@pytest.mark.parametrize("seed", range(8))
def test_score_of_a_perfect_model_is_that_of_pycocotools(seed: int) -> None:
    """Whole and empty images, classes within and beyond the maximum: the score of exactly the truth
    as detections.
    """
    random = np.random.default_rng(seed)
    maximum, images = int(random.integers(1, 7)), 4
    counts = {(n, k): int(random.integers(0, 12)) for n in range(images) for k in range(3)}
    counts[0, 1] = maximum + 1
    protocol = coco_like(max_detections=(maximum,))
    tables = instance.count(*columns(counts, images), kinds=("box",), protocol=protocol)
    found = max_detections.perfect(tables["box_truths"], protocol)
    assert found is not None
    assert len({n for (n, _), number in counts.items() if number > maximum}) == found.crowded
    assert max(counts.values()) == found.most
    truth, results = coco(counts, images)
    theirs = coco_settings.summary(
        coco_settings.reference(truth, results, "bbox", Rules(max_detections=(maximum,)))
    )
    assert (found.ap, found.ar) == pytest.approx((theirs["AP"], theirs[f"AR{maximum}"]), abs=1e-12)


def coco(counts: Counts, images: int) -> tuple[Any, list[Any]]:
    made = rows(counts, images)
    entries = [
        {
            "image_id": int(image) + 1,
            "category_id": int(label) + 1,
            "bbox": box,
            "area": 25.0,
            "iscrowd": 0,
            "id": n,
        }
        for n, (image, label, box) in enumerate(
            zip(made["image"], made["classes"], made["boxes"].tolist(), strict=True), start=1
        )
    ]
    truth = {
        "images": [{"id": n + 1, "height": 200, "width": 3000} for n in range(images)],
        "categories": [{"id": k + 1, "name": f"c{k}"} for k in range(3)],
        "annotations": entries,
    }
    keys = ("image_id", "category_id", "bbox")
    return truth, [
        {**{key: e[key] for key in keys}, "score": 1 - e["id"] / 10_000} for e in entries
    ]


def test_there_is_no_warning_if_all_objects_can_be_found() -> None:
    assert {} == warned({(0, 0): 100, (0, 1): 100, (1, 0): 3}, 2)
    tables = instance.count(*columns({(0, 0): 100}, 1), kinds=("box",))
    assert max_detections.perfect(tables["box_truths"], COCO) is None


def test_more_objects_than_count_are_a_warning_with_both_scores_and_the_option() -> None:
    said = warned({(0, 0): 150, (1, 0): 20, (2, 1): 5}, 3, found={(0, 0): 9})
    wanted = (
        "1 of 3 images has more than 100 objects of a class, and AP counts 100 detections of a "
        "class in an image: a perfect model would score AP 85.15 and AR100 85.29 "
        "(--max-detections 1,10,200 counts more)"
    )
    assert [wanted] == list(said.values())
    assert ["warning more-objects-than-counted"] == list(said)
    more = warned({(0, 0): 150}, 1, rules=Rules(families=("boxes",), max_detections=(1, 10, 150)))
    assert ["note not-coco-protocol"] == list(more)


def test_crowds_and_ignored_objects_need_not_be_found() -> None:
    truth, found = columns({(0, 0): 150}, 1, {(0, 0): 1}, crowd=True)
    tables = instance.count(truth, found, kinds=("box",))
    assert max_detections.perfect(tables["box_truths"], COCO) is None


# ---- detections that were left out


def test_detections_beyond_the_maximum_are_counted_by_image_and_class() -> None:
    _, found = columns({}, 4, {(0, 0): 5, (0, 1): 4, (2, 0): 3, (3, 1): 1})
    table = max_detections.left_out(found, 3 + 3 + 3 + 1, 3)
    assert ([0], [3]) == (table["image"].tolist(), table["detections"].tolist())
    table = max_detections.left_out(found, 4 + 3 + 1, 4, by_class=False)
    assert ([0], [5]) == (table["image"].tolist(), table["detections"].tolist())
    assert (
        0
        == len(max_detections.left_out(found, 13, 100)["image"])
        == len(max_detections.left_out(found, 13, None)["image"])
    )


def test_detections_left_out_are_a_note() -> None:
    said = warned(
        {(0, 0): 2, (1, 0): 1}, 3, found={(0, 0): 130, (0, 1): 101, (1, 1): 100, (2, 0): 102}
    )
    wanted = (
        "2 images hold more than 100 detections of a class; the protocol counts the 100 with the "
        "highest scores: 33 detections were left out (--max-detections changes that)"
    )
    assert {"note detections-left-out": wanted} == said
    said = warned({(0, 0): 2}, 1, found={(0, 0): 101})
    assert "1 image holds" in said["note detections-left-out"]
    assert "1 detection was left out" in said["note detections-left-out"]


def test_records_of_earlier_versions_say_nothing_of_it() -> None:
    rules = Rules(families=("boxes",))
    tables = BOXES.count_columns(BOXES.options(rules), *columns({(0, 0): 2}, 1, {(0, 0): 101}))
    del tables[max_detections.LEFT_OUT]
    assert [] == BOXES.warnings(tables, np.arange(1), None, BOXES.options(rules))  # type: ignore[arg-type]


def test_lvis_and_tide_have_their_own_maximum_over_all_classes() -> None:
    none = np.zeros((0, 2), dtype=np.int64)
    counts: Counts = {(0, 0): 200, (0, 1): 120, (1, 0): 4}
    truth, found = columns(counts, 2)
    tables = lvis.count(truth, found, none, none, kind="box")
    crowded, left = (each.message for each in lvis_objects.notices_of(tables, "lvis_box_truths"))
    assert crowded.startswith(
        "1 image has more than 300 objects, and LVIS counts 300 detections of an image over all"
    )
    assert (
        "counts the 300 detections of an image with the highest scores: 20 detections were left out"
        in left
    )
    assert [] == lvis_objects.notices_of(
        lvis.count(*columns({(0, 0): 300}, 1), none, none, kind="box"), "lvis_box_truths"
    )
    tables = tide.count(truth, found, kind="box")
    (said,) = family("tide").warnings(tables, np.arange(2), None, ())  # type: ignore[arg-type]
    assert "1 image holds more than 100 detections" in said.message
    assert "220 detections were left out" in said.message


def test_the_command_line_reports_each_fact_once_and_warns_above_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = coco_settings.files(tmp_path, *coco_settings.grid(10, 15, 2))
    printed = coco_settings.said(capsys, words)
    above, _, below = printed.partition("  AP ")
    assert "a perfect model would score AP 66.34 and AR100 66.67" in " ".join(above.split())
    assert "100 detections were left out" in " ".join(below.split())
    assert "maximum detections: 100 per class and image" in below
    assert 1 == printed.count("left out")
    more = coco_settings.record(capsys, [*words, "--max-detections", "1,10,200"])
    codes = [each["code"] for each in more["warnings"] if "image" not in each["code"]]
    assert ["results-of-boxes", "not-coco-protocol"] == codes
    assert 1 == round(more["scores"]["boxes"]["AR200"]["value"], 12)


def test_a_board_names_runs_with_detections_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, results = coco_settings.grid(10, 11, 2)
    board = tmp_path / "board"
    board.mkdir()
    (board / "board.toml").write_text(
        f'title = "T"\ndataset = "{tmp_path / "own.toml"}"\nsplit = "val"\nmetrics = '
        '["box_AP"]\nprimary = "box_AP"\n'
    )
    for name, found in (("all", results), ("some", results[::2])):
        words = coco_settings.files(tmp_path, truth, found)
        record = coco_settings.record(capsys, [*words, "--name", name])
        coco_settings.said(capsys, ["board", "add", record["path"], str(board)])
    shown = " ".join(coco_settings.said(capsys, ["board", "show", str(board)]).split())
    assert "Note on all: 2 images hold more than 100 detections" in shown
    assert "Note: 2 of 2 images have more than 100 objects" in shown
