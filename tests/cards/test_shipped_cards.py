"""Every card that ships keeps the contract of cards (`tests/support/card_contract.py`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_contract import (
    check_label_maps,
    check_truth,
    instances_of,
    load_card,
    made_up,
    objects,
    parts,
)

from bench import cards, formats
from bench.errors import BenchError
from bench.samples import Segments


@pytest.mark.parametrize("name", cards.names())
def test_what_is_made_up_from_a_card_reads_back_equal(name: str, tmp_path: Path) -> None:
    check_truth(load_card(name), tmp_path)


@pytest.mark.parametrize(
    "name", [name for name in cards.names() if "semantic" in cards.load_card(name).tasks]
)
def test_predictions_read_back_equal_in_ids(name: str, tmp_path: Path) -> None:
    check_label_maps(cards.load_card(name), tmp_path)


@pytest.mark.parametrize("name", cards.names())
def test_data_that_are_not_there_are_an_error_of_ours(name: str, tmp_path: Path) -> None:
    card = cards.load_card(name)
    with pytest.raises(BenchError) as caught:
        formats.layout(card).read_truth(card, tmp_path, card.default_split)
    assert caught.value.exit_code == 2
    assert str(tmp_path) in str(caught.value)


def test_the_comparison_notices_a_moved_pixel_and_another_class() -> None:
    card = cards.load_card("voc2012")
    segments = made_up(card, 0)
    ids = segments.ids.copy()
    ids[0, 0] = 0
    moved = Segments(ids, segments.segment_ids, segments.classes, segments.crowd)
    assert parts(segments) != parts(moved)
    assert objects(instances_of(segments, card)) != objects(instances_of(moved, card))
    renamed = Segments(
        segments.ids, segments.segment_ids, (segments.classes + 1) % 21, segments.crowd
    )
    assert parts(segments) != parts(renamed)
