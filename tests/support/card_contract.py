"""The contract of a card: data made up from it, written in its layout, read back the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench import cards, formats, masks
from bench.classes import Class, Classes
from bench.samples import Instances, LabelMap, Sample, Segments, Truth

TILE, ROWS, COLUMNS = 8, 4, 6
IDS = {
    "cityscapes": ["munster_000000_000019", "munster_000001_000019"],
    "coco": ["000000000139", "000000000285"],
    "lvis": ["000000000139", "000000000285"],
    "pairs": ["0016E5_07959", "0016E5_07961"],
    "voc": ["2007_000033", "2007_000042"],
}


def load_card(name: str | Path) -> cards.Card:
    """A card, with a few classes where its ground truth lists them."""
    card = cards.load_card(name)
    if card.classes_from == "card":
        return card
    few = (Class(k + 1, f"class {k}", k, thing=True, frequency="rcf"[k % 3]) for k in range(7))
    return replace(card, classes=Classes(tuple(few), card.classes.ignore, card.classes.void))


def can_hold_void(card: cards.Card) -> bool:
    """Whether ground truth in the card's layout has a value or a colour for pixels that do not
    count.
    """
    if card.layout in ("coco", "lvis"):
        return True  # pixels of no segment
    unscored = any(entry.train_id is None and entry.id >= 0 for entry in card.classes.entries)
    if card.colors:
        return unscored
    return card.threshold is None and (unscored or bool(card.classes.void))


def made_up(card: cards.Card, seed: int) -> Segments:
    """Tiles of random classes and void: a tile of a thing is an object, tiles of one stuff class
    are one segment.
    """
    generator = np.random.default_rng(seed)
    lowest = -1 if can_hold_void(card) else 0
    chosen = generator.integers(lowest, len(card.classes), (ROWS, COLUMNS))
    chosen[0, 0] = int(np.flatnonzero(card.classes.things)[0]) if card.classes.things.any() else 0
    if set(card.tasks) == {"instance"}:
        chosen = np.where(chosen % 3 == 0, -1, chosen)
    ids = np.zeros(chosen.shape, dtype=np.int32)
    segment_classes: list[int] = []
    stuff: dict[int, int] = {}
    for place, index in np.ndenumerate(chosen):
        if index < 0:
            continue
        if card.classes.things[index] or index not in stuff:
            segment_classes.append(int(index))
            stuff[int(index)] = len(segment_classes)
            ids[place] = len(segment_classes)
        else:
            ids[place] = stuff[int(index)]
    count = len(segment_classes)
    return Segments(
        ids=np.kron(ids, np.ones((TILE, TILE), dtype=np.int32)),
        segment_ids=np.arange(1, count + 1),
        classes=np.array(segment_classes),
        crowd=np.zeros(count, dtype=bool),
    )


def semantic_of(segments: Segments, card: cards.Card) -> LabelMap:
    table = np.array([card.classes.ignore, *segments.classes], dtype=card.classes.dtype)
    return LabelMap(table[segments.ids])


def instances_of(segments: Segments, card: cards.Card) -> Instances:
    things = [
        index
        for index in range(len(segments.classes))
        if card.classes.things[segments.classes[index]]
    ]
    rles = masks.encode_ids(segments.ids, [int(segments.segment_ids[index]) for index in things])
    return Instances(
        size=segments.size,
        classes=segments.classes[things],
        rles=rles,
        areas=masks.areas(rles),
        boxes=masks.boxes(rles),
    )


def made_up_samples(card: cards.Card) -> list[Sample]:
    samples = []
    for seed, name in enumerate(IDS.get(card.layout, IDS["pairs"])):
        segments = made_up(card, seed)
        semantic, instances = semantic_of(segments, card), instances_of(segments, card)
        picture = np.full((*segments.size, 3), 40 * seed, dtype=np.uint8)
        truth = Truth(
            read_semantic=lambda semantic=semantic: semantic,  # type: ignore[misc]
            read_instances=(lambda instances=instances: instances)  # type: ignore[misc]
            if "instance" in card.tasks
            else None,
            read_segments=(lambda segments=segments: segments)  # type: ignore[misc]
            if "panoptic" in card.tasks
            else None,
        )
        samples.append(Sample(name, truth, read_image=lambda picture=picture: picture))  # type: ignore[misc]
    return samples


def objects(instances: Instances) -> list[tuple[int, bytes]]:
    """Classes and masks, in an order of their own."""
    return sorted(
        (int(index), masks.decode(rle).tobytes())
        for index, rle in zip(instances.classes, instances.rles, strict=True)
    )


def parts(segments: Segments) -> list[tuple[int, bytes]]:
    """Classes and pixels of the segments, whatever their ids."""
    return sorted(
        (int(index), (segments.ids == number).tobytes())
        for index, number in zip(segments.classes, segments.segment_ids, strict=True)
    )


def check_truth(card: cards.Card, folder: Path) -> None:
    """Ground truth made up for a card reads back equal, in every split."""
    written = made_up_samples(card)
    layout = formats.layout(card)
    for split in card.splits:
        layout.write_truth(card, folder, split, written)
        if card.classes_from == "truth":
            assert card.classes == layout.read_classes(card, folder, split)
        read = layout.read_truth(card, folder, split)
        assert [sample.id for sample in written] == [sample.id for sample in read]
        for expected, actual in zip(written, read, strict=True):
            assert expected.image().shape == actual.image().shape
            if "semantic" in card.tasks:
                assert np.array_equal(
                    expected.truth.semantic().labels, actual.truth.semantic().labels
                )
            if "instance" in card.tasks:
                assert objects(expected.truth.instances()) == objects(actual.truth.instances())
            if "panoptic" in card.tasks:
                assert parts(expected.truth.segments()) == parts(actual.truth.segments())


def check_label_maps(card: cards.Card, folder: Path) -> None:
    """Predicted label maps of a card read back equal, as ids."""
    layout, samples = formats.layout(card), made_up_samples(card)
    predictions = []
    for sample in samples:
        labels = sample.truth.semantic().labels
        predictions.append(
            (
                sample,
                LabelMap(np.where(labels == card.classes.ignore, 0, labels).astype(labels.dtype)),
            )
        )
    layout.write_predictions(card, folder, "semantic", predictions)
    read = layout.read_predictions(card, folder, "semantic", samples)
    for sample, prediction in predictions:
        stored = read(sample)
        assert isinstance(stored, LabelMap)
        assert np.array_equal(prediction.labels, stored.labels)
