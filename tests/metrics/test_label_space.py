"""Readings that agree better: wrong spaces are found in good and in poor models, and honest models
are left alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.cards import load_card
from bench.classes import Class, Classes, LabelSpace
from bench.metrics import label_space
from bench.metrics.label_space import UNKNOWN, Votes, agreement, suspected
from bench.samples import Array

Rng = np.random.Generator


def plain(classes: int) -> Classes:
    """Ids that are the train ids."""
    return Classes(tuple(Class(n, f"class {n}", n) for n in range(classes)))


def sparse(classes: int) -> Classes:
    """Ids with gaps, and labels that are not scored in them, as Cityscapes has them."""
    scored = [Class(3 * n + 2, f"class {n}", n) for n in range(classes)]
    return Classes((*scored, *(Class(3 * n, f"rest {n}") for n in range(classes + 2))), void=())


TABLES = {
    "binary": plain(2),
    "five": plain(5),
    "voc": plain(21),
    "sparse": sparse(8),
    "cityscapes": load_card("cityscapes").classes,
    "ade20k": load_card("ade20k").classes,
}


def model(classes: int, quality: float, generator: Rng) -> Array:
    """Pixels (C, C) by true and predicted class: right at a rate around `quality`, wrong as the
    model happens to be.
    """
    sizes = 1e5 * generator.dirichlet(np.full(classes, 0.5))
    sizes[generator.random(classes) < 0.3] = 0
    right = np.clip(quality + 0.3 * generator.standard_normal(classes), 0, 1)
    # Mistakes are spread over all classes, some kinds are more frequent than others; often large
    # classes get them.
    wrong = generator.dirichlet(np.full(classes, generator.choice([2.0, 5.0])), classes)
    if generator.random() < 0.5:
        wrong *= sizes + 1
        wrong /= wrong.sum(axis=1, keepdims=True)
    if generator.random() < 0.2:
        wrong[:] = wrong[0]
    rates = wrong * (1 - right)[:, None] + np.diag(right)
    return np.rint(sizes[:, None] * rates)


def votes(
    matrix: Array, classes: Classes, space: LabelSpace = "ids", values: Array | None = None
) -> Votes:
    """As if class p had been written as `values[p]`, and read in the space."""
    ids = {entry.id: entry.train_id for entry in classes.entries}
    own = (
        np.array([entry.id for entry in classes.scored])
        if space == "ids"
        else np.arange(len(classes))
    )
    written = own if values is None else values
    table = ids if space == "ids" else {place: place for place in range(len(classes))}
    taken = [table.get(value) for value in written.tolist()]
    read = np.array([len(classes) if each is None else each for each in taken])
    return Votes(matrix, written, read, np.full(len(matrix), 9))


def honest(seed: int, classes: Classes, quality: float) -> Votes:
    generator = np.random.default_rng(seed)
    space: LabelSpace = "ids" if seed % 2 else "train-ids"
    return votes(model(len(classes), quality, generator), classes, space)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("quality", [0.05, 0.15, 0.3, 0.5, 0.7, 0.95])
def test_sound_models_are_not_suspected(name: str, quality: float) -> None:
    tries = 10 if name == "ade20k" else 60
    found = [
        suspected(honest(seed, TABLES[name], quality), TABLES[name], "ids")
        for seed in range(1, 2 * tries, 2)
    ]
    assert [] == [each for each in found if each is not None]


@pytest.mark.parametrize("name", TABLES)
def test_models_that_know_nothing_are_left_alone(name: str) -> None:
    """Those that give one class, the same shares to each class, or another image's truth."""
    classes, generator = TABLES[name], np.random.default_rng(0)
    sizes = np.rint(1e5 * generator.dirichlet(np.full(len(classes), 0.5), 30))
    for size in sizes:
        constant = np.zeros((len(classes), len(classes)))
        constant[:, generator.integers(len(classes))] = size
        for matrix in (
            constant,
            np.outer(size, size) / 1e5,
            np.outer(size, generator.permutation(size)) / 1e5,
        ):
            assert suspected(votes(matrix, classes), classes, "ids") is None


def read_wrongly(name: str, way: str) -> tuple[LabelSpace, Array] | None:
    """The space in which they are read, and the values that stand for the classes; None where that
    is no mistake.
    """
    classes = TABLES[name]
    ids, train = np.array([entry.id for entry in classes.scored]), np.arange(len(classes))
    same = np.array_equal(ids, train)
    order = np.random.default_rng(3).permutation(len(classes))
    ways: dict[str, tuple[LabelSpace, Array] | None] = {
        "train ids": None if same else ("ids", train),
        "ids": None if same else ("train-ids", ids),
        "train ids from 1": None if same or np.array_equal(ids, train + 1) else ("ids", train + 1),
        "ids from 1": ("ids", ids + 1),
        "ids less 1": ("ids", ids - 1),
        "train ids and 1": ("train-ids", train + 1),
        "last first": ("ids", np.roll(ids, 1)),
        "first last": ("ids", np.roll(ids, -1)),
        "another order": (
            "ids",
            ids[order[np.argsort(np.roll(order, 2))]],
        ),  # no class keeps its place
    }
    return ways[way]


EXPECTED = {
    "train ids": {"other-space"},
    "ids": {"other-space"},
    "train ids from 1": {"one-less-train-ids"},
    "ids from 1": {"one-less"},
    "ids less 1": {"one-more", "other-space"},
    "train ids and 1": {"one-less", "other-space"},
    "last first": {"last-first", "one-more", "other-space"},
    "first last": {"first-last", "one-less", "other-space"},
    "another order": {"order", "one-less", "one-more"},
}
"""Several names, where only some classes are there at all: then nothing tells one from the
other.
"""


@pytest.mark.parametrize("name", [name for name in TABLES if name != "binary"])
@pytest.mark.parametrize("way", EXPECTED)
@pytest.mark.parametrize("quality", [0.6, 0.8, 0.97])
def test_every_other_reading_is_found_and_named(name: str, way: str, quality: float) -> None:
    wrong = read_wrongly(name, way)
    if wrong is None:
        return
    space, values = wrong
    classes = TABLES[name]
    for seed in range(10):
        matrix = model(len(classes), quality, np.random.default_rng(seed))
        matrix[values < 0] = 0  # label maps cannot hold such a value
        right = agreement(np.pad(matrix, ((0, 0), (0, 1))))
        if right < (0.75 if way == "another order" else 0.4):
            continue  # too poor, or too few classes, to tell
        found = suspected(votes(matrix, classes, space, values), classes, space)
        assert found is not None, (seed, right)
        assert found.name in EXPECTED[way], (seed, right)
        assert found.agreement == pytest.approx(right, abs=0.15)


@pytest.mark.parametrize("quality", [0.8, 0.97])
def test_two_classes_in_exchanged_order(quality: float) -> None:
    matrix = np.array([[900.0, 100 * (1 - quality)], [60 * (1 - quality), 100 * quality]])
    found = suspected(votes(matrix[:, ::-1], TABLES["binary"]), TABLES["binary"], "ids")
    assert found is not None
    assert found.agreement == pytest.approx(agreement(np.pad(matrix, ((0, 0), (0, 1)))))


def test_an_order_needs_two_images_where_there_are_as_many() -> None:
    matrix, classes = np.roll(100 * np.eye(5), 2, axis=1), TABLES["five"]
    seen = votes(matrix, classes)
    assert suspected(seen, classes, "ids") is not None
    alone = Votes(seen.counts, seen.values, seen.read, carriers=np.array([9, 1, 1, 1, 1]))
    assert suspected(alone, classes, "ids") is None


def test_an_unknown_value_is_not_a_class_in_any_reading() -> None:
    matrix = np.array([[0.0, 90.0, 10.0], [0.0, 0.0, 50.0]])
    seen = Votes(matrix, np.array([0, 1, UNKNOWN]), np.array([0, 1, 2]), np.array([3, 3]))
    for _, read in label_space.readings(seen, TABLES["binary"], "ids"):
        assert read[2] == 2


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.array([[5.0, 0, 0], [0, 0, 0]])])
def test_nothing_to_tell_apart_agrees_with_nothing(matrix: Any) -> None:
    assert agreement(matrix) == 0
