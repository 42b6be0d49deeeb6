"""Regions: their geometry pixel by pixel, their counts, and the curve of distance-based evaluation
on `streets`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import regions as regions_oracle

from bench.cards import load_card
from bench.classes import Class, Classes
from bench.errors import DataError, PredictionError, UsageError
from bench.metrics import pixels, regions, semantic
from bench.metrics.edges import near_another_class, near_frame
from bench.metrics.regions import Plan
from bench.samples import LabelMap

Array = np.ndarray[Any, Any]
CLASSES = Classes(tuple(Class(c, f"class {c}", c) for c in range(4)))
MAPS = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([0, 1, 255]),
)
PAPER = {100: (724, 1448), 200: (524, 1048), 300: (324, 648), 400: (124, 248)}


def masks(plan: Plan, truth: LabelMap, **given: Any) -> dict[str, Array]:
    """Every region as a mask."""
    found = {}
    for name, area in regions.regions_of(plan, truth, **given):
        found[name] = np.zeros(truth.size, dtype=bool)
        found[name][area] = True
    return found


def blank(height: int, width: int) -> LabelMap:
    return LabelMap(np.zeros((height, width), dtype=np.uint8))


# Geometry


def test_crops_are_those_of_the_paper_and_centred_on_the_vanishing_point() -> None:
    for factor, (height, width) in PAPER.items():
        rows, columns = regions.crop(factor, (1024, 2048))
        assert (height, width) == (rows.stop - rows.start, columns.stop - columns.start)
        assert (1024.0, 462.0) == ((columns.start + columns.stop) / 2, (rows.start + rows.stop) / 2)
    assert (slice(0, 924), slice(100, 1948)) == regions.crop(0, (1024, 2048))


@given(st.integers(0, 400), st.integers(20, 300), st.integers(1, 4))
def test_crops_of_any_size_equal_the_plain_rule(factor: int, height: int, aspect: int) -> None:
    size = height, aspect * height
    rows, columns = regions_oracle.crop_rows_and_columns(factor, *size)
    if len(rows) and len(columns):
        window = regions.crop(factor, size)
        assert (rows, columns) == tuple(range(part.start, part.stop) for part in window)
    else:
        with pytest.raises(
            UsageError, match=f"crop factor {factor} leaves nothing of an image of {height}x"
        ):
            regions.crop(factor, size)


@given(
    st.lists(st.integers(1, 1500), min_size=1, max_size=3, unique=True),
    st.integers(5, 24),
    st.integers(5, 24),
)
def test_rings_equal_the_plain_rule(radii: list[int], height: int, width: int) -> None:
    radii.sort()
    plan = Plan(rings=tuple(radii))
    found = masks(plan, blank(height, width))
    for y in range(height):
        for x in range(width):
            inside = [name for name in plan.regions.names[1:] if found[name][y, x]]
            assert [
                plan.regions.names[1 + regions_oracle.ring(radii, y, x, height, width)]
            ] == inside


@given(MAPS, st.integers(1, 4))
def test_trimaps_equal_the_plain_loops(labels: Array, width: int) -> None:
    expected = regions_oracle.near(labels.tolist(), 255, width)
    assert expected == masks(Plan(trimaps=(width,)), LabelMap(labels))[f"trimap-{width}px"].tolist()
    assert [[False] * len(row) for row in expected] == near_another_class(
        np.zeros_like(labels), 255, width
    ).tolist()


@given(MAPS, st.integers(0, 5))
def test_frame_is_near_the_outside_of_the_image(labels: Array, width: int) -> None:
    outside = np.pad(np.zeros(labels.shape, np.uint8), 1, constant_values=1)
    expected = np.array(regions_oracle.near(outside.tolist(), 255, width))[1:-1, 1:-1]
    assert expected.tolist() == near_frame(labels.shape, width).tolist()


def test_bands_and_rings_part_the_image() -> None:
    for plan in (Plan(bands=3), Plan(rings=(100, 300))):
        parts = [mask for name, mask in masks(plan, blank(25, 40)).items() if name != "full"]
        assert (np.sum(parts, axis=0) == 1).all()


def test_depth_bins_leave_out_what_is_unknown() -> None:
    depth = np.array([[0, 9.5, 10, 49, 50, np.nan, np.inf]], np.float32)
    found = masks(Plan(depths=(5, 10, 50)), blank(1, 7), depth=depth)
    expected = {
        "depth-5-10m": [0, 1, 0, 0, 0, 0, 0],
        "depth-10-50m": [0, 0, 1, 1, 0, 0, 0],
        "depth-50m-up": [0, 0, 0, 0, 1, 0, 1],
    }
    assert expected == {name: found[name].astype(int)[0].tolist() for name in expected}


def test_depth_that_is_lacking_or_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match="depth bins need the distance of every pixel"):
        regions.regions_of(Plan(depths=(10,)), blank(2, 2))
    with pytest.raises(DataError, match=r"shape \(2, 3\) and the truth \(2, 2\)"):
        regions.regions_of(Plan(depths=(10,)), blank(2, 2), depth=np.zeros((2, 3)))


@pytest.mark.parametrize(
    "wrong",
    [{"crops": (200, 100)}, {"rings": (0, 5)}, {"bands": 1}, {"trimaps": (3, 3)}, {"crop0": "all"}],
)
def test_invalid_plans_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Plan(**wrong)


# Names and counts


def test_names_follow_the_plan() -> None:
    plan = Plan(crops=(0, 100), crop0="base", rings=(200,), bands=2, depths=(7.5,), trimaps=(5,))
    expected = (
        "full crop-0 crop-100 ring-0-200 ring-200-up band-1-of-2 band-2-of-2 "
        "depth-7.5m-up trimap-5px"
    )
    assert expected.split() == list(plan.regions.names)
    assert {0: 1, 100: 2} == plan.curve
    assert {0: 0, 100: 1} == Plan(crops=(0, 100)).curve
    assert ["mIoU", "mIoU@crop-100"] == [
        regions.named("mIoU", name) for name in ("full", "crop-100")
    ]


@given(st.data())
def test_counts_of_a_region_are_those_of_its_pixels(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8))
    labels = st.sampled_from([0, 1, 2, 3, 255])
    truth, prediction = (data.draw(hnp.arrays(np.uint8, shape, elements=labels)) for _ in range(2))
    mask = data.draw(hnp.arrays(np.bool_, shape))
    window = slice(0, shape[0] - 1), slice(1, shape[1])
    whole = slice(0, shape[0]), slice(0, shape[1])
    counts = pixels.count_regions(
        LabelMap(truth), LabelMap(prediction), [whole, window, mask], CLASSES, image=3
    )
    for number, area in enumerate((whole, window, mask)):
        inside = LabelMap(np.atleast_2d(truth[area])), LabelMap(np.atleast_2d(prediction[area]))  # type: ignore[call-overload]
        expected = pixels.count(*inside, CLASSES, image=3, region=number)
        keep = counts["region"] == number
        for name in expected:
            assert (expected[name].dtype, expected[name].tolist()) == (
                counts[name].dtype,
                counts[name][keep].tolist(),
            )


def test_prediction_of_another_size_is_refused_before_it_is_cut() -> None:
    with pytest.raises(PredictionError, match="x: the prediction is 2x4 pixels"):
        pixels.count_regions(
            blank(2, 3), blank(2, 4), [(slice(0, 2), slice(0, 3))], CLASSES, where="x"
        )


def test_mean_of_a_crop_runs_over_the_classes_of_its_own_truth() -> None:
    truth, prediction = np.array([[0, 0, 1]], np.uint8), np.array([[0, 1, 1]], np.uint8)
    areas = [(slice(0, 1), slice(0, 3)), (slice(0, 1), slice(0, 2))]
    counts = pixels.count_regions(LabelMap(truth), LabelMap(prediction), areas, CLASSES)
    scores = [semantic.score(counts, np.ones((1, 1)), CLASSES, region=r)["mIoU"][0] for r in (0, 1)]
    assert [0.5, 0.5] == scores
    assert [2, 1] == [
        int(semantic.scored_classes(counts, CLASSES, "truth", region=r).sum()) for r in (0, 1)
    ]


# The curve


@pytest.fixture(scope="module")
def scenes() -> list[tuple[Array, Array]]:
    """Truth and distance of ten scenes."""
    from bench.streets.dataset import samples

    return [
        (one.truth.semantic().labels, one.read_depth())
        for one in samples(load_card("streets"), "mini", 10)
        if one.read_depth
    ]


def shifted(labels: Array) -> Array:
    """Everything four pixels too far to the right and two too low."""
    return np.pad(labels, ((2, 0), (4, 0)), mode="edge")[: labels.shape[0], : labels.shape[1]]


def coarse(labels: Array) -> Array:
    """Blocks of eight pixels, as a network of low resolution sees it."""
    return labels[4::8, 4::8].repeat(8, axis=0).repeat(8, axis=1)


@pytest.mark.parametrize("damage", [shifted, coarse])
@pytest.mark.parametrize("crop0", ["full", "base"])
def test_curve_falls_with_the_factor(
    scenes: list[tuple[Array, Array]], damage: Callable[[Array], Array], crop0: regions.Crop0
) -> None:
    card = load_card("streets")
    assert card.crops is not None
    plan = Plan(crops=card.crops.factors, crop0=crop0)
    curve = scored(scenes, plan, damage)
    means = [curve[number]["mIoU"][0] for number in plan.curve.values()]
    assert sorted(means, reverse=True) == means
    assert means[0] - means[-1] > 0.05
    perfect = scored(scenes, plan, lambda labels: labels)
    assert [1.0] * 5 == [perfect[number]["mIoU"][0] for number in plan.curve.values()]


def test_scores_fall_with_distance_and_near_boundaries(scenes: list[tuple[Array, Array]]) -> None:
    plan = Plan(depths=(5, 15, 40), trimaps=(2, 8))
    found = {
        name: one["mean_accuracy"][0]
        for name, one in zip(plan.regions.names, scored(scenes, plan, coarse), strict=True)
    }
    assert found["depth-5-15m"] > found["depth-15-40m"] > found["depth-40m-up"]
    assert found["full"] > found["trimap-8px"] > found["trimap-2px"]


def scored(
    scenes: list[tuple[Array, Array]], plan: Plan, damage: Callable[[Array], Array]
) -> list[semantic.SemanticScores]:
    """Score damaged truth in every region."""
    card = load_card("streets")
    parts = []
    for image, (labels, depth) in enumerate(scenes):
        areas = [area for _, area in regions.regions_of(plan, LabelMap(labels), depth=depth)]
        parts.append(
            pixels.count_regions(
                LabelMap(labels), LabelMap(damage(labels)), areas, card.classes, image=image
            )
        )
    counts = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    ones = np.ones((1, len(scenes)))
    return [
        semantic.score(counts, ones, card.classes, region=r) for r in range(len(plan.regions.names))
    ]
