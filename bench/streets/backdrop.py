"""The background of a street: sky, ground, the far tree line, buildings, walls, fences and hedges.

Knows nothing of traffic or people.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.streets.camera import FARTHEST, ground
from bench.streets.canvas import Canvas, Shader
from bench.streets.names import Dice
from bench.streets.scenes import Placed, Street
from bench.streets.texture import Color, blend, cells, scale, smooth_noise

ROAD, SIDEWALK, BUILDING, WALL, FENCE, VEGETATION, TERRAIN, SKY = 7, 8, 11, 12, 13, 21, 22, 23
Ints = NDArray[np.int32]


def paint_sky(canvas: Canvas, street: Street, frame: int) -> None:
    """Sky gradient with clouds, above and below the horizon."""
    height, width = canvas.camera.v0 + 8, canvas.size[1]
    weather = street.weather
    share = np.minimum(np.arange(height, dtype=np.int32) * 256 // canvas.camera.v0, 256)[
        :, None, None
    ]
    zenith, horizon = np.array(weather.zenith, np.int32), np.array(weather.horizon, np.int32)
    sky = (zenith * (256 - share) + horizon * share) >> 8
    cloud = (
        smooth_noise(street.seed, height, width, 48)
        + smooth_noise(street.seed + frame, height, width, 17)
    ) >> 1
    cover = np.clip((cloud - 118) * weather.clouds >> 5, 0, 220)[..., None]
    canvas.color[:height] = (sky * (256 - cover) + 236 * cover) >> 8
    canvas.owner[:] = SKY


def paint_ground(canvas: Canvas, street: Street, ahead: int) -> None:
    """Road with its markings, kerbs, sidewalks, verges and the ground behind the building line."""
    x, z = ground(canvas.camera)
    labels, base = _zones(street)
    strip = np.clip((x + 5000) // 10, 0, 999)
    label = labels[strip]
    color = base[strip]
    along = z + ahead
    if street.crossing:
        rows = np.abs(along[:, 0] - street.crossing) < 420
        label[rows] = ROAD
        color[rows] = street.asphalt
    road = label == ROAD
    grain = cells(x // 35, along // 140, street.seed) - 128
    patch = cells(x // 330, along // 900, street.seed + 1) - 128
    color += ((grain >> 4) + (patch >> 3))[..., None].astype(np.int16)
    joints = (label == SIDEWALK) & ((x % 100 < 8) | (along % 100 < 10)) & (z < 2500)
    color[joints] -= 14
    color[_markings(street, x, along) & road] = (196, 194, 186)
    if street.tracks:
        offset = np.abs(np.abs(x - street.tracks) - 72)
        color[(offset < 7) & road] = (66, 62, 62)
    sun = street.weather.sun
    if sun:
        edge = street.fronts[0] + 600 if sun < 0 else street.fronts[1] - 600
        color[(x < edge) if sun < 0 else (x > edge)] = (
            color[(x < edge) if sun < 0 else (x > edge)] * 5
        ) >> 3
    below = np.s_[canvas.camera.v0 :]
    canvas.color[below] = color
    canvas.owner[below] = label
    canvas.depth[below] = np.minimum(z, FARTHEST - 1)


def _zones(street: Street) -> tuple[NDArray[np.uint16], NDArray[np.int16]]:
    x = np.arange(-5000, 5000, 10)
    labels = np.full(x.size, SIDEWALK, np.uint16)
    color = np.empty((x.size, 3), np.int16)
    color[:] = street.paving
    for side, kerb, front, verge in zip(
        (-1, 1), street.kerbs, street.fronts, street.verge, strict=True
    ):
        out = (x - kerb) * side
        green = ((out > 25) & (out < 25 + verge)) | ((x - front) * side > 0)
        labels[green] = TERRAIN
        color[green] = street.grass
        color[(out >= 0) & (out <= 20)] = scale(street.paving, 300)
    road = (x > street.kerbs[0]) & (x < street.kerbs[1])
    labels[road] = ROAD
    color[road] = street.asphalt
    gutter = road & ((x < street.kerbs[0] + 30) | (x > street.kerbs[1] - 30))
    color[gutter] = scale(street.asphalt, 210)
    return labels, color


def _markings(street: Street, x: Ints, along: Ints) -> NDArray[np.bool_]:
    marks = np.zeros(x.shape, bool)
    lanes = sorted(position for position, _ in street.lanes)
    dashed = along % 900 < 380
    for position in lanes[:-1]:
        marks |= (np.abs(x - position - 165) < 8) & dashed
    for edge in (lanes[0] - 165, lanes[-1] + 165):
        marks |= np.abs(x - edge) < 7
    if street.crossing:
        away = np.abs(along - street.crossing)
        marks &= away > 700
        marks |= (away > 440) & (away < 700) & (x % 100 < 50)
    return marks


def paint_far(canvas: Canvas, street: Street) -> None:
    """Where the street ends: a ragged line of trees and roofs near the vanishing point."""
    dice = Dice(street.seed)
    base = canvas.camera.v0 + 1
    z = 18_000
    for x in range(-9000, 9000, 500):
        top = dice.between(500, 1500)
        if dice.chance(35):
            box = ((x, 0, z), (x, top, z), (x + 900, top, z), (x + 900, 0, z))
            canvas.polygon(box, scale(dice.pick(street.palette), 200), BUILDING)
        else:
            leaf = dice.shade((72, 88, 54), 14)
            canvas.blob(
                (x, top // 2, z),
                (dice.between(350, 800), top * 3 // 4),
                leaf,
                VEGETATION,
                seed=dice.bits(),
            )
    canvas.owner[base + 4 :][canvas.owner[base + 4 :] == SKY] = ROAD


def _facade(s: Ints, y: Ints, *, wall: Color, height: int, seed: int) -> NDArray[np.int16]:
    """Bricks, floors, windows with frames, a shop floor and a cornice."""
    dice = Dice(seed)
    floor, pitch = dice.between(290, 370), dice.between(200, 420)
    wide, tall, sill = (
        pitch * dice.between(35, 62) // 100,
        floor * dice.between(40, 62) // 100,
        dice.between(70, 110),
    )
    shop = dice.chance(45)
    level, up = y // floor, y % floor
    bay, across = s // pitch, s % pitch
    left = (pitch - wide) // 2
    framed = (
        (across > left - 12)
        & (across < left + wide + 12)
        & (up > sill - 12)
        & (up < sill + tall + 12)
    )
    glass = (across > left) & (across < left + wide) & (up > sill) & (up < sill + tall)
    if dice.chance(50):
        glass &= np.abs(across - left - wide // 2) > 5
    material = framed.astype(np.uint8)
    shine = cells(bay, level, seed + 5) >> 2
    awning: Color = (0, 0, 0)
    if shop:
        low = level == 0
        material *= ~low
        glass = np.where(
            low, (across > 20) & (across < pitch - 20) & (y > 40) & (y < floor - 70), glass
        )
        material[np.broadcast_to((y > floor - 60) & (y < floor), glass.shape)] = 2
        awning = dice.pick(((140, 40, 36), (44, 70, 110), (60, 96, 62), (66, 62, 60)))
    np.copyto(material, (4 + shine).astype(np.uint8), where=glass)
    material[np.broadcast_to(y > height - dice.pick((30, 30, 160, 220)), glass.shape)] = 3
    frame = scale(wall, dice.pick((180, 310)))
    roof = dice.shade(dice.pick(((98, 62, 54), (74, 74, 80), scale(wall, 210))), 10)
    panes = [(40 + level, 48 + level, 56 + level) for level in range(64)]
    grain = ((cells(s // 60, y // 25, seed) - 128) >> 4).astype(np.int16)
    return np.array([wall, frame, awning, roof, *panes], np.int16)[material] + grain[..., None]


def paint_building(canvas: Canvas, street: Street, thing: Placed, ahead: int) -> None:
    """A block: the face towards the camera, then the face along the street."""
    dice = Dice(thing.seed)
    wall = dice.shade(dice.pick(street.palette), 24)
    side = 1 if thing.x > 0 else -1
    sun = street.weather.sun
    lit = 288 if sun == -side else 184 if sun == side else 238
    shader = partial(_facade, height=thing.height, seed=thing.seed)
    deep = sorted((thing.x, thing.x + side * 1400))
    end = partial(shader, wall=scale(wall, 205 if sun else 225))
    canvas.front_plane((deep[0], deep[1]), thing.z, (0, thing.height), end, BUILDING)
    front: Shader = partial(shader, wall=scale(wall, lit))
    _along(canvas, thing, ahead, front, BUILDING)


def _along(canvas: Canvas, thing: Placed, ahead: int, shader: Shader, owner: int) -> None:
    canvas.side_plane(
        thing.x,
        (thing.z, thing.z + thing.length),
        (0, thing.height),
        lambda z, y: shader(z + ahead, y),
        owner,
    )


def _masonry(s: Ints, y: Ints, *, color: Color, height: int, seed: int) -> NDArray[np.int16]:
    out = np.empty((*np.broadcast_shapes(s.shape, y.shape), 3), np.int16)
    out[:] = color
    out += ((cells(s // 40 + (y // 20 % 2) * 7, y // 20, seed) - 128) >> 3)[..., None].astype(
        np.int16
    )
    out[(y > height - 15) | (s % 400 < 30)] = scale(color, 215)
    return out


def _railing(s: Ints, y: Ints, *, color: Color, height: int, seed: int) -> NDArray[np.int16]:
    out = np.empty((*np.broadcast_shapes(s.shape, y.shape), 3), np.int16)
    out[:] = color
    solid = (s % 22 < 9) | (y > height - 12) | (np.abs(y - 25) < 7) | (s % 250 < 16)
    if seed % 3 == 0:
        out[np.broadcast_to(s % 20 < 4, solid.shape)] = scale(color, 200)
    else:
        out[~solid] = -1
    return out


def _leaves(s: Ints, y: Ints, *, color: Color, seed: int) -> NDArray[np.int16]:
    out = np.empty((*np.broadcast_shapes(s.shape, y.shape), 3), np.int16)
    out[:] = color
    out += ((cells(s // 14, y // 14, seed) - 128) >> 2)[..., None].astype(np.int16)
    return out


def paint_boundary(canvas: Canvas, street: Street, thing: Placed, ahead: int) -> None:
    """A wall, a fence or a hedge along the sidewalk."""
    dice = Dice(thing.seed)
    if thing.kind == "wall":
        tint = blend(dice.pick(street.palette), (132, 128, 122), 110)
        shader: Shader = partial(
            _masonry, color=dice.shade(tint, 16), height=thing.height, seed=thing.seed
        )
        owner = WALL
    elif thing.kind == "fence":
        tint = dice.pick(((70, 74, 70), (112, 92, 70), (150, 150, 148), (52, 66, 56)))
        shader = partial(_railing, color=dice.shade(tint, 14), height=thing.height, seed=thing.seed)
        owner = FENCE
    else:
        shader = partial(_leaves, color=dice.shade((64, 86, 48), 16), seed=thing.seed)
        owner = VEGETATION
    _along(canvas, thing, ahead, shader, owner)
