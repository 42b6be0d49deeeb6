"""The procedural street scenes: the same pixels everywhere, and labels, instances and distances
that agree.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from bench import streets
from bench.streets.camera import camera_for, ground
from bench.streets.canvas import Canvas
from bench.streets.names import place

SCORED = {7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33}
THINGS = {24, 25, 26, 27, 28, 31, 32, 33}
VOID = {0, 1, 3, 4}
# Of version 2. Whoever changes a pixel raises VERSION, and the shipped reference networks no longer
# fit exactly.
DIGESTS = {
    ("train", 0): "cb6e13e386a8c143",
    ("train", 1999): "5cc6886dd60940ed",
    ("val", 0): "6f4f2fe3f1613983",
    ("val", 123): "dc65bf6a0bd9f87d",
    ("val", 377): "dac36907943d5e96",
    ("mini", 7): "4476248a20bdabcb",
}


@pytest.fixture(scope="module")
def mini() -> list[streets.Scene]:
    return [streets.draw("mini", index) for index in range(streets.SPLITS["mini"])]


def digest(scene: streets.Scene) -> str:
    state = hashlib.blake2b(digest_size=8)
    for array in (scene.image, scene.label_ids, scene.instance_ids, scene.disparity):
        state.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return state.hexdigest()


@pytest.mark.parametrize(("split", "index"), DIGESTS)
def test_the_pixels_are_the_same_on_every_machine(split: str, index: int) -> None:
    assert DIGESTS[split, index] == digest(streets.draw(split, index))


def test_a_scene_does_not_depend_on_what_was_drawn_before(mini: list[streets.Scene]) -> None:
    assert digest(mini[3]) == digest(streets.draw("mini", 3))


def test_shapes_and_types(mini: list[streets.Scene]) -> None:
    for scene in mini:
        assert (256, 512, 3) == scene.image.shape
        assert np.uint8 == scene.image.dtype
        for array, kind in (
            (scene.label_ids, "u1"),
            (scene.instance_ids, "u2"),
            (scene.disparity, "u2"),
        ):
            assert ((256, 512), kind) == (array.shape, array.dtype.str[1:])


def test_another_size_shows_the_same_street() -> None:
    scene = streets.draw("mini", 0, size=(128, 256))
    large = streets.draw("mini", 0).label_ids[::2, ::2]
    assert (128, 256, 3) == scene.image.shape
    assert np.mean(scene.label_ids == large) > 0.85


def test_labels_are_regular_cityscapes_ids(mini: list[streets.Scene]) -> None:
    seen = set(np.unique([scene.label_ids for scene in mini]).tolist())
    assert set() == seen - SCORED - VOID
    assert VOID <= seen


def test_instances_follow_the_cityscapes_encoding(mini: list[streets.Scene]) -> None:
    for scene in mini:
        thing = np.isin(scene.label_ids, list(THINGS))
        assert np.array_equal(scene.label_ids[~thing], scene.instance_ids[~thing])
        assert np.array_equal(scene.label_ids[thing], scene.instance_ids[thing] // 1000)
        codes, sizes = np.unique(scene.instance_ids[thing], return_counts=True)
        assert codes.size < 255
        assert sizes.min(initial=8) >= 8
        for label in np.unique(codes // 1000):
            numbers = codes[codes // 1000 == label] % 1000
            assert list(range(numbers.size)) == numbers.tolist()


def test_instances_of_one_class_do_not_touch(mini: list[streets.Scene]) -> None:
    for scene in mini:
        codes = scene.instance_ids.astype(np.int64)
        for here, there in ((codes[1:], codes[:-1]), (codes[:, 1:], codes[:, :-1])):
            same_class = (here // 1000 == there // 1000) & (here >= 24_000)
            assert not np.any(same_class & (here != there))


def test_the_ground_lies_at_the_distance_that_its_disparity_says(mini: list[streets.Scene]) -> None:
    camera = camera_for(256, 512)
    _, z = ground(camera)
    for scene in mini:
        inner, outer = scene.camera["intrinsic"], scene.camera["extrinsic"]
        codes = scene.disparity[camera.v0 :]
        road = (scene.label_ids[camera.v0 :] == 7) & (codes > 0)
        pixels = (codes.astype(float) - 1) / 256
        metres = inner["fx"] * outer["baseline"] / np.maximum(pixels, 1e-9)
        truth = np.broadcast_to(z / 100, codes.shape)
        assert np.mean(np.isclose(metres[road], truth[road], rtol=0.03)) > 0.99


def test_the_vanishing_point_is_that_of_cityscapes() -> None:
    camera = streets.draw("mini", 0).camera["intrinsic"]
    assert (256, 115) == (camera["u0"], camera["v0"])
    assert camera["fx"] == pytest.approx(2262.52 / 2048 * 512, rel=1e-3)


def test_disparity_is_invalid_where_nothing_can_be_measured(mini: list[streets.Scene]) -> None:
    for scene in mini:
        assert not scene.disparity[np.isin(scene.label_ids, (1, 3, 23))].any()


def test_near_things_hide_far_things() -> None:
    canvas = Canvas(camera_for(256, 512), 0)
    far, near = canvas.new_object(26), canvas.new_object(26)
    for owner, z in ((far, 4000), (near, 1500)):
        square = ((-100, 0, z), (100, 0, z), (100, 150, z), (-100, 150, z))
        canvas.polygon(square, (9, 9, 9), owner)
    assert not (canvas.owner == far).any()
    assert {1500} == set(canvas.depth[canvas.owner == near].tolist())


def test_names_are_unique_and_ordered_as_cityscapes_orders_them() -> None:
    for split, count in streets.SPLITS.items():
        names = [streets.scene_id(split, index) for index in range(count)]
        assert names == sorted(set(names))


def test_splits_share_no_city() -> None:
    cities = [
        {place(split, i).city for i in range(count)} for split, count in streets.SPLITS.items()
    ]
    assert sum(len(group) for group in cities) == len(set().union(*cities))


def test_a_sequence_shares_its_look(mini: list[streets.Scene]) -> None:
    def apart(first: int, second: int) -> float:
        colors = [mini[index].image.reshape(-1, 3).mean(axis=0) for index in (first, second)]
        return float(np.abs(colors[0] - colors[1]).max())

    assert max(apart(0, index) for index in range(1, 10)) < 30
    assert (
        streets.scene_id("mini", 9).rsplit("_", 1)[0]
        == streets.scene_id("mini", 0).rsplit("_", 1)[0]
    )
    assert (
        streets.scene_id("mini", 10).rsplit("_", 1)[0]
        != streets.scene_id("mini", 0).rsplit("_", 1)[0]
    )


@pytest.mark.parametrize(("split", "index"), [("val", 500), ("mini", -1)])
def test_what_does_not_exist_is_refused(split: str, index: int) -> None:
    with pytest.raises(IndexError, match=rf"index {index} of split '{split}'"):
        streets.draw(split, index)


@pytest.mark.slow
def test_every_class_is_common_enough_to_be_scored() -> None:
    images = dict.fromkeys(SCORED, 0)
    for index in range(0, streets.SPLITS["val"], 5):
        for label in SCORED & set(np.unique(streets.draw("val", index).label_ids).tolist()):
            images[label] += 1
    assert min(images.values()) >= 8
