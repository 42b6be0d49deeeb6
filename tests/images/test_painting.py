"""Painting: objects and segments become label maps and segments by the rules that its docstrings
state.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench import masks
from bench.classes import Class, Classes
from bench.models.running import painting
from bench.samples import Instances

CLASSES = Classes(
    (Class(7, "road", 0), Class(26, "car", 1, thing=True), Class(24, "person", 2, thing=True))
)
WITH_BACKGROUND = Classes(
    (Class(0, "background", 0), Class(1, "car", 1, thing=True), Class(2, "cat", 2, thing=True))
)


def objects(*drawn: tuple[int, float, list[str]]) -> Instances:
    """Objects from (class, score, rows of a picture where x is inside)."""
    pictures = [
        np.array([[letter == "x" for letter in row] for row in rows]) for _, _, rows in drawn
    ]
    rles = [masks.encode(picture) for picture in pictures]
    return Instances(
        size=(2, 4),
        classes=np.array([label for label, _, _ in drawn], dtype=np.int64),
        rles=rles,
        areas=masks.areas(rles),
        boxes=masks.boxes(rles),
        scores=np.array([score for _, score, _ in drawn]),
    )


CAR_UNDER_PERSON = objects(
    (2, 0.9, ["..xx", "..xx"]), (1, 0.6, [".xx.", ".xx."]), (1, 0.2, ["x...", "x..."])
)


def test_the_surest_object_lies_on_top_and_the_unsure_are_left_out() -> None:
    found = painting.instances_to_labels(CAR_UNDER_PERSON, CLASSES)
    assert [[255, 1, 2, 2]] * 2 == found.labels.tolist()
    assert np.uint8 == found.labels.dtype
    assert [[1, 1, 2, 2]] * 2 == painting.instances_to_labels(
        CAR_UNDER_PERSON, CLASSES, score=0.2
    ).labels.tolist()


def test_of_equal_scores_the_first_lies_on_top() -> None:
    tied = objects((1, 0.7, ["xx..", "...."]), (2, 0.7, [".xx.", "...."]))
    assert [[1, 1, 2, 255], [255] * 4] == painting.instances_to_labels(
        tied, CLASSES
    ).labels.tolist()


def test_pixels_of_no_object_are_background_where_the_card_has_it() -> None:
    found = painting.instances_to_labels(CAR_UNDER_PERSON, WITH_BACKGROUND)
    assert [[0, 1, 2, 2]] * 2 == found.labels.tolist()


def test_nothing_found_is_an_empty_map() -> None:
    nothing = objects()
    assert [[255] * 4] * 2 == painting.instances_to_labels(nothing, CLASSES).labels.tolist()
    empty = painting.instances_to_segments(nothing, CLASSES)
    assert (0, 0) == (len(empty.segment_ids), int(empty.ids.max()))


def test_segments_take_what_surer_ones_left() -> None:
    found = painting.instances_to_segments(CAR_UNDER_PERSON, CLASSES)
    assert [[0, 2, 1, 1]] * 2 == found.ids.tolist()
    assert [2, 1] == found.classes.tolist()
    assert [1, 2] == found.segment_ids.tolist()


@pytest.mark.parametrize(("overlap", "kept"), [(0.5, 2), (0.49, 1)])
def test_an_object_mostly_covered_is_left_out(overlap: float, kept: int) -> None:
    assert kept == len(
        painting.instances_to_segments(CAR_UNDER_PERSON, CLASSES, overlap=overlap).classes
    )


def test_stuff_is_no_object_of_a_panoptic_map() -> None:
    found = painting.instances_to_segments(
        objects((0, 0.9, ["xxxx", "...."]), (1, 0.8, ["xx..", "xx.."])), CLASSES
    )
    assert [[1, 1, 0, 0]] * 2 == found.ids.tolist()
    assert [1] == found.classes.tolist()


def test_the_same_picture_comes_of_segments_and_of_objects() -> None:
    rng = np.random.default_rng(5)
    drawn = [
        (
            int(rng.integers(1, 3)),
            float(rng.random()),
            ["".join(rng.choice(["x", "."], 4)) for _ in range(2)],
        )
        for _ in range(6)
    ]
    found = objects(*drawn)
    segments = painting.instances_to_segments(found, CLASSES, overlap=1)
    class_of_id = dict(zip(segments.segment_ids.tolist(), segments.classes.tolist(), strict=True))
    labels = [
        [class_of_id.get(value, CLASSES.ignore) for value in row] for row in segments.ids.tolist()
    ]
    assert painting.instances_to_labels(found, CLASSES).labels.tolist() == labels
