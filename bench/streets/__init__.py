"""`streets`: a procedural data set of street scenes in the classes, encodings and naming of
Cityscapes.

`draw(split, index)` makes one image with its ground truth, with the same bytes on every machine.
This package knows no metric; only `dataset.py` knows files.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.streets import backdrop, furniture, people, vehicles
from bench.streets.camera import camera_for
from bench.streets.canvas import Canvas
from bench.streets.names import SPLITS, place, scene_id, seed_of
from bench.streets.photo import expose, mount
from bench.streets.scenes import Placed, at_frame

__all__ = ["SPLITS", "VERSION", "Scene", "draw", "scene_id"]

VERSION = 2
Painter = Callable[[Canvas, Placed], None]
PAINTERS: dict[str, Painter] = {
    "car": vehicles.paint_car,
    "truck": vehicles.paint_truck,
    "bus": vehicles.paint_bus,
    "tram": vehicles.paint_tram,
    "person": people.paint_person,
    "bicycle": people.paint_bicycle,
    "cyclist": people.paint_cyclist,
    "motorcycle": people.paint_motorcycle,
    "motorbike": people.paint_motorbike,
    "tree": furniture.paint_tree,
    "bush": furniture.paint_bush,
    "lamp": furniture.paint_lamp,
    "light": furniture.paint_light,
    "sign": furniture.paint_sign,
    "clutter": furniture.paint_clutter,
}
NEAR = 320
BOUNDARIES = ("wall", "fence", "hedge")


@dataclass(frozen=True)
class Scene:
    """One drawn image and its ground truth.

    `image` (H, W, 3) uint8; `label_ids` (H, W) uint8, regular Cityscapes ids; `instance_ids` (H, W)
    uint16, id * 1000 + n for things and the label id elsewhere; `disparity` (H, W) uint16,
    round(256 d) + 1 with d in pixels and 0 invalid; `camera` as in a Cityscapes camera file, metres
    and pixels.
    """

    image: NDArray[np.uint8]
    label_ids: NDArray[np.uint8]
    instance_ids: NDArray[np.uint16]
    disparity: NDArray[np.uint16]
    camera: dict[str, dict[str, float]]


def draw(split: str, index: int, *, size: tuple[int, int] = (256, 512)) -> Scene:
    """Draw image `index` of a split at `size` = (H, W); KeyError or IndexError if it does not
    exist.
    """
    where = place(split, index)
    street, ahead, things = at_frame(split, where)
    seed = seed_of("frame", split, index)
    camera = camera_for(*size)
    canvas = Canvas(camera, street.weather.sun)
    backdrop.paint_sky(canvas, street, where.frame)
    backdrop.paint_ground(canvas, street, ahead)
    backdrop.paint_far(canvas, street)
    left, right = street.fronts
    behind = [t for t in things if not left < t.x < right]
    before = [t for t in things if left < t.x < right]
    buildings = [t for t in behind if t.kind == "building"]
    for thing in buildings:
        backdrop.paint_building(canvas, street, thing, ahead)
    for thing in (*behind, *before):
        if thing.kind in BOUNDARIES:
            backdrop.paint_boundary(canvas, street, thing, ahead)
        elif thing.kind in PAINTERS and thing.z > NEAR:
            PAINTERS[thing.kind](canvas, thing)
    mount(canvas)
    labels, instances = canvas.settle()
    disparity = camera.disparity(canvas.depth)
    image = expose(canvas, labels, street.weather, seed)
    return Scene(image, labels, instances, disparity, camera.record())
