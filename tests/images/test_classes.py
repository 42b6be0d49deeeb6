"""The class table: what it refuses, and the maps between ids, train ids and void."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import cards, classes
from bench.classes import Class, Classes
from bench.errors import CardError, DataError, PredictionError, UsageError

ROAD = Class(7, "road", 0)
CAR = Class(26, "car", 1, thing=True)
EGO = Class(1, "ego vehicle")
PLATE = Class(-1, "license plate")
TABLE = Classes((EGO, ROAD, CAR, PLATE), void=())
PLAIN = Classes((Class(0, "background", 0), Class(1, "cat", 1, thing=True)))


def labels(*values: int, dtype: type = np.uint8) -> np.ndarray:
    return np.array([values], dtype=dtype)


def test_scored_classes_go_by_train_id() -> None:
    shuffled = Classes((CAR, EGO, ROAD))
    assert ("road", "car") == shuffled.names
    assert (2, [False, True]) == (len(shuffled), shuffled.things.tolist())
    assert (0, None, None) == (
        shuffled.train_id_of(7),
        shuffled.train_id_of(1),
        shuffled.train_id_of(99),
    )
    assert ("ego vehicle", "label 99") == (shuffled.name_of(1), shuffled.name_of(99))
    assert (CAR, None) == (shuffled.by_name("car"), shuffled.by_name("boat"))


@pytest.mark.parametrize(
    ("entries", "options", "message"),
    [
        ((ROAD, Class(7, "car", 1)), {}, "share the id 7"),
        ((ROAD, Class(8, "road", 1)), {}, "share the name 'road'"),
        ((ROAD, Class(8, "car", 0)), {}, "share the train_id 0"),
        ((ROAD, Class(8, "car", 2)), {}, r"without gaps, but they are \[0, 2\]"),
        ((EGO,), {}, r"but they are \[\]"),
        ((ROAD, CAR), {"ignore": 1}, "ignore = 1 must be above the train ids 0 .. 1"),
        ((ROAD, CAR), {"ignore": 65536}, "below 65536"),
        ((ROAD, CAR), {"void": (7,)}, r"void lists \[7\]"),
    ],
)
def test_refuses_contradictions(entries: Any, options: Any, message: str) -> None:
    with pytest.raises(CardError, match=message):
        Classes(entries, **options)


def test_truth_maps_to_train_ids_and_ignore() -> None:
    assert [[255, 0, 1]] == TABLE.to_train(labels(1, 7, 26), where="a.png").tolist()
    assert [[0, 1, 255]] == PLAIN.to_train(labels(0, 1, 255), where="a.png").tolist()


def test_truth_with_a_value_that_is_no_label_names_it_and_the_file() -> None:
    with pytest.raises(
        DataError,
        match=r"a\.png: value 9 is neither a label of the card nor void .*labels: 0-1; void: 255",
    ):
        PLAIN.to_train(labels(0, 9), where="a.png")


def test_predicted_ids_and_train_ids() -> None:
    assert [[255, 0, 1]] == TABLE.prediction_to_train(labels(1, 7, 26), where="p").tolist()
    assert [[0, 1]] == TABLE.prediction_to_train(labels(0, 1), "train-ids", where="p").tolist()
    assert [[0, 255]] == TABLE.prediction_to_train(labels(0, 255), "train-ids", where="p").tolist()


def test_void_is_no_prediction() -> None:
    for space in classes.LABEL_SPACES:
        with pytest.raises(
            PredictionError,
            match=r"p: predicted value 255 .*every pixel of a prediction needs a class",
        ):
            PLAIN.prediction_to_train(labels(0, 255), space, where="p")


@pytest.mark.parametrize(
    ("values", "space", "hint"),
    [
        ((0, 1), "ids", "use --label-space train-ids"),
        ((1, 1, 0), "ids", "use --label-space train-ids"),
        ((7, 26, 26), "train-ids", "use --label-space ids"),
        ((7, 200), "ids", "not a label of the card"),
    ],
)
def test_values_betray_the_other_label_space(values: Any, space: Any, hint: Any) -> None:
    with pytest.raises(PredictionError, match=hint):
        TABLE.prediction_to_train(labels(*values), space, where="p")


def test_train_ids_that_are_all_labels_are_left_to_the_truth() -> None:
    city = cards.load_card("cityscapes").classes
    found = city.prediction_to_train(labels(0, 0, 2, 8, 13), where="p")
    assert [
        [255, 255, 255, 1, 4]
    ] == found.tolist()  # with the truth at hand, `label_space.py` sees what they are


def test_the_value_just_above_the_train_ids_is_not_scored_where_labels_are_left_out() -> None:
    city = cards.load_card("cityscapes").classes
    found = city.prediction_to_train(labels(0, 18, 19, 255), "train-ids", where="p")
    assert [[0, 18, 255, 255]] == found.tolist()
    with pytest.raises(
        PredictionError,
        match=r"value 20 is not a label .*all its values are ids: use --label-space ids",
    ):
        city.prediction_to_train(labels(7, 19, 20), "train-ids", where="p")
    with pytest.raises(PredictionError, match="value 2 is not a label"):
        PLAIN.prediction_to_train(labels(0, 2), "train-ids", where="p")


def test_masks_of_0_and_255_are_told_what_the_card_lacks() -> None:
    with pytest.raises(
        PredictionError, match=r"masks of 0 and 255 need \[values\] with 255 = 1, and void = \[\]"
    ):
        PLAIN.prediction_to_train(labels(0, 255), where="p")


def test_a_picture_instead_of_labels_is_guessed() -> None:
    with pytest.raises(PredictionError, match="is this a colour image"):
        PLAIN.prediction_to_train(labels(0, 117), where="p")


def test_unknown_label_space() -> None:
    with pytest.raises(UsageError, match="unknown label space 'names'"):
        PLAIN.prediction_to_train(labels(0), "names", where="p")  # type: ignore[arg-type]


def test_void_id_of_files() -> None:
    assert 255 == PLAIN.void_id
    assert 1 == TABLE.void_id
    assert 255 == Classes((ROAD, CAR), void=()).void_id


def test_many_classes_need_two_bytes() -> None:
    many = Classes(tuple(Class(i, str(i), i) for i in range(300)), ignore=65535, void=(65535,))
    mapped = many.to_train(labels(299, 65535, dtype=np.uint16), where="a")
    assert (np.uint16, [[299, 65535]]) == (mapped.dtype, mapped.tolist())  # type: ignore[comparison-overlap]
    assert np.uint16 == many.to_ids(mapped).dtype


@pytest.mark.parametrize("name", cards.names())
@given(data=st.data())
def test_ids_and_back(name: Any, data: Any) -> None:
    table = cards.load_card(name).classes
    values = data.draw(
        st.lists(st.sampled_from([*range(len(table)), table.ignore]), min_size=1, max_size=40)
    )
    train = np.array([values], dtype=table.dtype)
    assert np.array_equal(train, table.to_train(table.to_ids(train), where=name))  # type: ignore[arg-type]


def plain_map(table: Classes, value: int) -> int:
    """What a truth value means, without look-up tables."""
    for entry in table.entries:
        if entry.id == value and entry.train_id is not None:
            return entry.train_id
    return table.ignore


@pytest.mark.parametrize("name", cards.names())
def test_every_label_of_every_card_by_a_plain_loop(name: Any) -> None:
    table = cards.load_card(name).classes
    known = [entry.id for entry in table.entries if entry.id >= 0] + list(table.void)
    values = np.array([known], dtype=np.uint16 if max(known) > 255 else np.uint8)
    expected = [plain_map(table, value) for value in known]
    assert [expected] == table.to_train(values, where=name).tolist()  # type: ignore[arg-type]
    wrong = [*expected[:-1], expected[-1] + 1]
    assert [wrong] != table.to_train(values, where=name).tolist()  # type: ignore[arg-type]


def test_examples_in_docstrings() -> None:
    assert 0 == doctest.testmod(classes).failed
