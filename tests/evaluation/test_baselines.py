"""Baselines: made from the truth, the same at every call, and as wrong as they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_runs

from bench import baselines, cards, masks
from bench.baselines import damage
from bench.cards import Card
from bench.classes import Class, Classes
from bench.cli import main
from bench.errors import UsageError
from bench.samples import Instances, LabelMap, Sample, Segments, Truth


@pytest.fixture
def card() -> Card:
    return cards.parse_card(small_runs.CARD.encode(), where="test")


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
    samples = [
        sample("a", np.array([[0, 1], [2, 0]], np.uint8)),
        sample("b", np.zeros((4, 4), np.uint8)),
    ]
    read = baselines.shuffled(card, samples)
    assert [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 0, 0], [2, 2, 0, 0]] == read(
        samples[1]
    ).labels.tolist()
    assert (2, 2) == read(samples[0]).size


def test_shuffled_needs_another_image(card: Card) -> None:
    with pytest.raises(UsageError, match="at least two images"):
        baselines.shuffled(card, [sample("a", np.zeros((2, 2), np.uint8))])


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_damaged_is_wrong_in_about_its_share(card: Card, share: float) -> None:
    samples = [sample(f"image{n}", np.zeros((160, 200), np.uint8)) for n in range(20)]
    read = baselines.damaged(card, share)
    found = np.stack([read(each).labels for each in samples])
    assert found.max() < 3
    assert share * 2 / 3 == pytest.approx((found > 0).mean(), abs=0.03), (
        "a third of the squares keeps its class"
    )
    assert (found[0] == read(samples[0]).labels).all()


def test_an_unknown_baseline_says_what_there_is(card: Card) -> None:
    with pytest.raises(UsageError, match="did you mean constant"):
        baselines.baseline("constnat", card, [])


CLASSES = Classes(
    (
        Class(1, "car", 0, thing=True),
        Class(2, "road", 1),
        Class(3, "sky", 2),
        Class(4, "person", 3, thing=True),
        Class(5, "dog", 4, thing=True),
    )
)
RNG = np.random.default_rng(0)


def objects(*drawn: tuple[int, np.ndarray], crowd: list[bool] | None = None) -> Instances:
    rles = [masks.encode(mask) for _, mask in drawn]
    return Instances(
        size=drawn[0][1].shape,
        classes=np.array([label for label, _ in drawn]),
        rles=rles,
        areas=masks.areas(rles),
        boxes=masks.boxes(rles),
        crowd=np.array(crowd or [False] * len(drawn)),
    )


def square(top: int, left: int, side: int, size: tuple[int, int] = (12, 16)) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def segments() -> Segments:
    ids = np.full((12, 16), 30)
    ids[6:] = 20
    ids[square(4, 4, 5)] = 700
    ids[square(0, 0, 1)] = 0
    return Segments(ids, np.array([20, 30, 700]), np.array([1, 2, 0]), np.zeros(3, bool))


def test_eroded_labels_lose_their_rim_to_what_is_not_countable() -> None:
    labels = np.full((12, 16), 2, np.uint8)
    labels[6:] = 1
    labels[square(4, 4, 5)] = 0
    labels[0, 0] = 255
    found = damage.eroded(LabelMap(labels), CLASSES, 1, RNG)
    assert isinstance(found, LabelMap)
    assert np.array_equal(square(5, 5, 3), found.labels == 0)
    assert 255 == found.labels[0, 0], "void is no class that could shrink"
    assert (found.labels[5, 9:] == 1).all(), "of classes that are not countable the first grows"
    assert np.array_equal(labels, damage.eroded(LabelMap(labels), CLASSES, 0, RNG).labels)


def test_eroded_objects_and_segments_lose_their_rim_to_nothing() -> None:
    found = damage.eroded(objects((0, square(4, 4, 5)), (3, square(0, 0, 2))), CLASSES, 1, RNG)
    assert isinstance(found, Instances)
    assert [0, 3] == found.classes.tolist()
    assert np.array_equal(square(5, 5, 3), masks.decode(found.rles[0]))
    assert np.array_equal(square(0, 0, 1), masks.decode(found.rles[1])), (
        "the frame takes nothing away"
    )
    assert [9.0, 1.0] == found.areas.tolist()
    assert 1 == len(
        damage.eroded(objects((0, square(4, 4, 5)), (3, square(3, 3, 2))), CLASSES, 1, RNG).classes
    )
    panoptic = damage.eroded(segments(), CLASSES, 1, RNG)
    assert isinstance(panoptic, Segments)
    assert np.array_equal(square(5, 5, 3), panoptic.ids == 700)
    assert {0, 20, 30, 700} == set(np.unique(panoptic.ids).tolist())
    assert 1 + 25 - 9 == (panoptic.ids == 0).sum()
    assert [20, 30] == damage.eroded(segments(), CLASSES, 3, RNG).segment_ids.tolist()


def test_shifted_moves_all_to_the_right() -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(2, 6) % 5
    assert [[0, 0, 0, 1, 2, 3], [1, 1, 1, 2, 3, 4]] == damage.shifted(
        LabelMap(labels), CLASSES, 2, RNG
    ).labels.tolist()
    found = damage.shifted(objects((0, square(4, 0, 5)), (3, square(0, 14, 2))), CLASSES, 3, RNG)
    assert isinstance(found, Instances)
    assert [0] == found.classes.tolist()
    assert np.array_equal(square(4, 3, 5), masks.decode(found.rles[0])), (
        "what touches the frame is not drawn out"
    )
    assert np.array_equal(square(4, 6, 5), damage.shifted(segments(), CLASSES, 2, RNG).ids == 700)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_flipped_gives_so_many_another_class_of_their_kind(share: float) -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 5, 4000)
    found = damage._redrawn(labels, CLASSES, share, rng)
    assert share == pytest.approx((found != labels).mean(), abs=0.03)
    assert np.array_equal(CLASSES.things[labels], CLASSES.things[found])
    several = damage.flipped(objects(*[(0, square(0, 0, 2))] * 50), CLASSES, share, rng)
    assert isinstance(several, Instances)
    assert (0 < len(set(several.classes.tolist()) - {0})) == (share > 0), "each object for itself"


def test_flipped_labels_and_segments_change_class_by_class() -> None:
    labels = np.arange(5, dtype=np.uint8)[:, None].repeat(3, 1)
    labels[0, 0] = 255
    found = damage.flipped(LabelMap(labels), CLASSES, 1.0, np.random.default_rng(1)).labels
    assert 255 == found[0, 0]
    assert not (found[labels != 255] == labels[labels != 255]).any()
    assert [2, 1] == [int(found[1, 1]), int(found[2, 1])], "road and sky are all there is to swap"
    told = Segments(
        np.array([[1, 2, 3]]), np.array([1, 2, 3]), np.array([1, 1, 0]), np.zeros(3, bool)
    )
    drawn = damage.flipped(told, CLASSES, 1.0, np.random.default_rng(1)).classes
    assert [2, 2] == drawn[:2].tolist()
    lonely = Classes((Class(1, "car", 0, thing=True), Class(2, "road", 1)))
    assert [0, 1] == damage._redrawn(np.array([0, 1]), lonely, 1.0, RNG).tolist()


def test_the_oracle_leaves_crowds_and_empty_objects_out(card: Card) -> None:
    every = Card(**{**vars(card), "tasks": ("semantic", "instance", "panoptic")})
    truth = objects(
        (0, square(4, 4, 5)),
        (1, np.zeros((12, 16), bool)),
        (2, square(0, 0, 2)),
        crowd=[False, False, True],
    )
    mapped = Segments(
        np.array([[1, 2, 3, 0]]),
        np.array([1, 2, 3]),
        np.array([0, 1, 2]),
        np.array([False, True, False]),
    )
    one = Sample("a", Truth(read_instances=lambda: truth, read_segments=lambda: mapped))
    found = baselines.baseline("oracle", every, [one], task="instance")(one)
    assert isinstance(found, Instances)
    assert ([0], [1.0], [25.0]) == (
        found.classes.tolist(),
        [float(s) for s in found.scores],
        found.areas.tolist(),
    )
    told = baselines.baseline("oracle", every, [one], task="panoptic")(one)
    assert isinstance(told, Segments)
    assert ([[1, 0, 3, 0]], [1, 3]) == (told.ids.tolist(), told.segment_ids.tolist())


def test_damage_is_the_same_at_every_call(card: Card) -> None:
    labels = np.random.default_rng(2).integers(0, 3, (20, 20)).astype(np.uint8)
    samples = [sample(f"image{n}", labels) for n in range(30)]
    read = baselines.baseline("flipped=0.5", card, samples)
    first = [read(each).labels for each in samples]
    assert all(np.array_equal(a, read(each).labels) for a, each in zip(first, samples, strict=True))
    assert len({each.tobytes() for each in first}) > 1, "each image has its own"


@pytest.mark.parametrize(
    ("asked", "task", "message"),
    [
        (
            "shifted=x",
            "semantic",
            "the amount must be whole pixels from 0 to 1000, such as shifted=4",
        ),
        ("eroded=1.5", "semantic", "whole pixels"),
        ("flipped=2", "semantic", "a fraction from 0 to 1"),
        ("damaged=-1", "semantic", "a fraction from 0 to 1"),
        (
            "oracle=1",
            "semantic",
            "oracle does not take an amount; damaged, eroded, shifted, flipped do",
        ),
        ("shiftd=2", "semantic", "did you mean shifted"),
    ],
)
def test_what_makes_no_sense_is_refused(card: Card, asked: str, task: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        baselines.baseline(asked, card, [], task=task)


def test_truth_that_is_not_there_makes_no_oracle() -> None:
    with pytest.raises(
        UsageError, match=r"CamVid has no panoptic ground truth \(its tasks: semantic\)"
    ):
        baselines.baseline("oracle", cards.load_card("camvid"), [], task="panoptic")


def test_a_baseline_of_labels_answers_no_other_task() -> None:
    with pytest.raises(
        UsageError, match="--task instance: constant predicts only label maps; use baseline:oracle"
    ):
        baselines.baseline("constant", cards.load_card("streets"), [], task="instance")


@pytest.mark.parametrize(
    ("task", "leading"), [("instance", "AP"), ("panoptic", "PQ"), ("semantic", "mIoU")]
)
def test_the_oracle_is_perfect_and_damage_is_seen(
    task: str, leading: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "eval",
        "--dataset",
        "streets",
        "--limit",
        "3",
        "--task",
        task,
        "--out",
        str(tmp_path),
        "--json",
    ]
    words += ["--interval", "none"]
    found = {}
    for name in ("oracle", "shifted=2", "eroded=1", "flipped=1"):
        assert 0 == main([*words, "--predictions", f"baseline:{name}"])
        scores = json.loads(capsys.readouterr().out)["scores"]
        found[name] = next(group for group in scores.values() if leading in group)[leading]["value"]
    assert 1.0 == pytest.approx(found["oracle"], rel=1e-12)
    assert all(found[name] < 0.95 for name in found if name != "oracle")
    assert 0 == pytest.approx(found["flipped=1"], abs=0.1)
