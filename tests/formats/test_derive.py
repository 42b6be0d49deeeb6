"""Truth derived from truth, against plain loops over pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench import masks
from bench.classes import Class, Classes
from bench.errors import DataError
from bench.formats.objects import derive
from bench.samples import LabelMap, Segments

CLASSES = Classes(
    (
        Class(0, "unlabeled"),
        Class(7, "road", 0),
        Class(24, "person", 1, thing=True),
        Class(26, "car", 2, thing=True),
    )
)
SHAPE = (5, 6)
LABELS = hnp.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2, 255]))
OBJECTS = hnp.arrays(np.int32, SHAPE, elements=st.sampled_from([0, 0, 3, 40000]))


def segments() -> Any:
    ids = np.array([[0, 70000, 70000], [5, 5, 9], [9, 2, 2]])
    return Segments(
        ids,
        np.array([9, 5, 70000, 2]),
        np.array([2, 0, 2, 1]),
        np.array([False, False, False, True]),
    )


def test_classes_of_segments() -> None:
    assert [[255, 2, 2], [0, 0, 2], [2, 1, 1]] == derive.semantic_from_segments(
        segments(), CLASSES
    ).labels.tolist()


def test_objects_of_segments_come_by_class_and_id() -> None:
    objects = derive.instances_from_segments(segments(), CLASSES.things)
    assert [1, 2, 2] == objects.classes.tolist()
    assert [True, False, False] == objects.crowd.tolist()
    assert [2, 2, 2] == objects.areas.tolist()
    assert [[1, 2, 2, 1], [0, 1, 3, 2], [1, 0, 2, 1]] == objects.boxes.tolist()
    expected = [segments().ids == value for value in (2, 9, 70000)]
    np.testing.assert_array_equal(expected, [masks.decode(rle) for rle in objects.rles])


def by_loops(objects: Any, labels: Any) -> Any:
    """(class, crowd, pixels) of every segment, in no order; None where an object has no class."""
    found = {}
    for number in np.unique(objects[objects > 0]):
        votes = [int((labels[objects == number] == c).sum()) for c in range(3)]
        if not any(votes):
            return None
        found[number] = int(np.argmax(votes))
    parts = {}  # type: ignore[var-annotated]
    for place in np.ndindex(labels.shape):
        if labels[place] == 255:
            continue
        owner, label = objects[place], int(labels[place])
        winner = found.get(owner, 0)
        key = (winner, owner) if winner else (label, 0)
        parts.setdefault(key, set()).add(place)
    return {(c, owner == 0 and c > 0, frozenset(pixels)) for (c, owner), pixels in parts.items()}


def as_set(panoptic: Any) -> Any:
    return {
        (
            int(c),
            bool(crowd),
            frozenset(
                zip(*(axis.tolist() for axis in np.nonzero(panoptic.ids == number)), strict=True)
            ),
        )
        for number, c, crowd in zip(
            panoptic.segment_ids, panoptic.classes, panoptic.crowd, strict=True
        )
    }


@given(OBJECTS, LABELS)
def test_segments_of_objects_equal_plain_loops(objects: Any, labels: Any) -> None:
    expected = by_loops(objects, labels)
    if expected is None:
        with pytest.raises(DataError, match="no pixel of a scored class"):
            derive.segments_from_objects(objects, labels, CLASSES, where="x")
        return
    panoptic = derive.segments_from_objects(objects, labels, CLASSES)
    assert expected == as_set(panoptic)
    assert sorted(panoptic.classes.tolist()) == panoptic.classes.tolist()
    if panoptic.ids.any():
        panoptic.ids[np.unravel_index(panoptic.ids.argmax(), SHAPE)] = 0
        assert expected != as_set(panoptic)


@given(OBJECTS, LABELS)
def test_objects_alone_are_the_countable_segments(objects: Any, labels: Any) -> None:
    if by_loops(objects, labels) is None:
        return
    found = derive.instances_from_object_map(objects, labels, CLASSES)
    panoptic = derive.segments_from_objects(objects, labels, CLASSES)
    assert len(found) == int((panoptic.classes > 0).sum())
    for rle, area in zip(found.rles, found.areas, strict=True):
        assert masks.decode(rle).sum() == area


@given(OBJECTS, LABELS)
def test_drawing_objects_and_reading_them_changes_nothing(objects: Any, labels: Any) -> None:
    if by_loops(objects, labels) is None:
        return
    first = derive.segments_from_objects(objects, labels, CLASSES)
    found = derive.instances_from_segments(first, CLASSES.things)
    plain = derive.semantic_from_segments(first, CLASSES)
    again = derive.segments_from_instances(plain, found, CLASSES)
    assert as_set(first) == as_set(again)


def test_void_values_of_objects_and_unequal_shapes() -> None:
    objects, labels = np.array([[255, 1, 1]], np.uint8), np.array([[1, 2, 2]], np.uint8)
    panoptic = derive.segments_from_objects(objects, labels, CLASSES, void=(0, 255))
    assert {(1, True, frozenset({(0, 0)})), (2, False, frozenset({(0, 1), (0, 2)}))} == as_set(
        panoptic
    )
    with pytest.raises(DataError, match=r"\(1, 2\).*\(1, 3\)"):
        derive.segments_from_objects(objects[:, 1:], labels, CLASSES, where="x")


def test_overlapping_objects_are_drawn_first_come_first_served() -> None:
    rles = masks.encode_many(np.array([[[1, 1, 0]], [[0, 1, 1]], [[1, 1, 1]]]))
    objects = derive.instances_from_rles(
        (1, 3), np.array([1, 1, 2]), rles, crowd=np.array([False, False, True])
    )
    assert [[1, 1, 2]] == derive.object_map(objects).tolist()
    stated = replace(objects, boxes=np.array([[0.6, 0.2, 1.0, 0.4]] * 3))
    assert [[1, 1, 2]] == derive.object_map(stated).tolist()


@pytest.mark.parametrize("top", [9, 1 << 30])
def test_places_of_small_and_huge_ids(top: Any) -> None:
    assert [[2, 0, 1]] == derive.positions(np.array([[top, 3, 4]]), np.array([4, top])).tolist()


def test_an_image_of_void() -> None:
    empty = derive.segments_from_objects(
        np.zeros(SHAPE, int), np.full(SHAPE, 255, np.uint8), CLASSES
    )
    assert 0 == len(empty.segment_ids)
    assert 0 == len(derive.instances_from_segments(empty, CLASSES.things))
    labels = derive.semantic_from_segments(empty, CLASSES)
    np.testing.assert_array_equal(LabelMap(np.full(SHAPE, 255, np.uint8)).labels, labels.labels)
