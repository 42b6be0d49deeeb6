"""Baselines: made from the truth, the same at every call, and as wrong as they say."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from bench import baselines, cards
from bench.cards import Card
from bench.errors import UsageError
from bench.samples import LabelMap, Sample, Truth


@pytest.fixture
def card(test_module: Callable[[str], ModuleType]) -> Card:
    return cards.parse_card(test_module("contesting").CARD.encode(), where="test")


def sample(name: str, labels: np.ndarray) -> Sample:
    return Sample(name, Truth(read_semantic=lambda: LabelMap(labels)))


def test_constant_answers_with_the_class_of_most_pixels_and_never_with_void(card: Card) -> None:
    first, second = np.full((4, 4), 255, np.uint8), np.full((2, 2), 1, np.uint8)
    second[0] = 2
    second[1] = 2
    samples = [sample("a", first), sample("b", second)]
    read = baselines.constant(card, samples)
    assert [[2] * 4] * 4 == read(samples[0]).labels.tolist()
    assert np.uint8 == read(samples[0]).labels.dtype


def test_shuffled_gives_nobody_their_own_and_everybody_one(card: Card) -> None:
    samples = [sample(str(n), np.full((3, 5), n, np.uint8)) for n in range(20)]
    read = baselines.shuffled(card, samples)
    found = [int(read(each).labels[0, 0]) for each in samples]
    assert list(range(20)) == sorted(found)
    assert all(n != got for n, got in enumerate(found))
    again = baselines.shuffled(card, samples)
    assert found == [int(again(each).labels[0, 0]) for each in samples]


def test_shuffled_fits_another_size(card: Card) -> None:
    samples = [sample("a", np.uint8([[0, 1], [2, 0]])), sample("b", np.zeros((4, 4), np.uint8))]
    read = baselines.shuffled(card, samples)
    assert [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 0, 0], [2, 2, 0, 0]] == read(samples[1]).labels.tolist()
    assert (2, 2) == read(samples[0]).size


def test_shuffled_needs_another_image(card: Card) -> None:
    with pytest.raises(UsageError, match="at least two images"):
        baselines.shuffled(card, [sample("a", np.zeros((2, 2), np.uint8))])


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_damaged_is_wrong_in_about_its_share(card: Card, share: float) -> None:
    samples = [sample(f"image{n}", np.zeros((160, 200), np.uint8)) for n in range(20)]
    read = baselines.damaged(card, samples, share=share)
    found = np.stack([read(each).labels for each in samples])
    assert found.max() < 3
    assert share * 2 / 3 == pytest.approx((found > 0).mean(), abs=0.03), "a third of the squares keeps its class"
    assert (found[0] == read(samples[0]).labels).all()


def test_an_unknown_baseline_says_what_there_is(card: Card) -> None:
    with pytest.raises(UsageError, match="did you mean constant"):
        baselines.baseline("constnat", card, [])
