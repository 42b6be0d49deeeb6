"""The look of a street and the things placed in it, in centimetres, before anything is drawn.

A sequence determines the street; a frame moves the camera along it, and the traffic. This module
knows no pixels.
"""

from dataclasses import dataclass
from functools import lru_cache

from bench.streets.names import FRAMES, Dice, Place, seed_of
from bench.streets.texture import Color

HORIZON = 12_000
PALETTES: tuple[tuple[Color, ...], ...] = (
    ((168, 150, 124), (150, 120, 98), (182, 172, 150), (128, 96, 82), (160, 158, 152)),
    ((140, 138, 136), (112, 110, 112), (164, 160, 154), (96, 88, 84), (150, 142, 128)),
    ((176, 158, 112), (190, 180, 160), (150, 98, 76), (124, 118, 110), (170, 138, 116)),
    ((122, 74, 60), (140, 92, 74), (104, 80, 72), (158, 146, 134), (132, 128, 122)),
    ((188, 186, 178), (160, 170, 172), (142, 150, 146), (176, 164, 148), (116, 122, 126)),
)


@dataclass(frozen=True)
class Weather:
    """Light of a sequence: sky colours, gain of red, green and blue in 1/256, haze, side of the sun
    (-1, 0, 1).
    """

    zenith: Color
    horizon: Color
    gain: Color
    haze: int
    sun: int
    clouds: int


WEATHERS = (
    Weather((104, 146, 204), (196, 212, 226), (276, 268, 248), 40, 1, 120),
    Weather((104, 146, 204), (196, 212, 226), (272, 266, 250), 40, -1, 70),
    Weather((186, 192, 198), (214, 216, 216), (226, 230, 236), 80, 0, 40),
    Weather((160, 168, 178), (190, 194, 198), (196, 202, 210), 140, 0, 60),
    Weather((118, 130, 172), (236, 190, 150), (254, 222, 186), 90, -1, 110),
    Weather((72, 86, 120), (160, 138, 134), (176, 170, 184), 70, 0, 90),
)


@dataclass(frozen=True)
class Street:
    """The look of a sequence: x of kerbs and building lines in cm, lanes as (x, direction),
    colours, light.
    """

    kerbs: tuple[int, int]
    fronts: tuple[int, int]
    verge: tuple[int, int]
    lanes: tuple[tuple[int, int], ...]
    tracks: int
    crossing: int
    asphalt: Color
    paving: Color
    grass: Color
    palette: tuple[Color, ...]
    weather: Weather
    seed: int


@dataclass(frozen=True)
class Placed:
    """One thing: its kind, the position of its near end, its speed (cm per frame), seed and
    size.
    """

    kind: str
    x: int
    z: int
    seed: int
    speed: int = 0
    drift: int = 0
    length: int = 0
    height: int = 0


@dataclass(frozen=True)
class World:
    """A sequence: its street, the speed of the camera (cm per frame), and the things in it."""

    street: Street
    step: int
    standing: tuple[Placed, ...]
    moving: tuple[Placed, ...]


def lay_street(dice: Dice, city: str) -> Street:
    """Choose the look of one street; the city decides the family of colours."""
    habits = Dice(seed_of("city", city))
    palette = PALETTES[(habits.between(0, 4) + (dice.between(0, 4) if dice.chance(45) else 0)) % 5]
    parking = (220 if dice.chance(60) else 30, 220 if dice.chance(70) else 40)
    oncoming = dice.between(1, 2)
    lanes = (
        (0, 1),
        *((-330 * (n + 1), -1) for n in range(oncoming)),
        *(((330, 1),) if dice.chance(30) else ()),
    )
    right = max(x for x, _ in lanes) + 165 + parking[1]
    left = min(x for x, _ in lanes) - 165 - parking[0]
    walk = (dice.between(200, 480), dice.between(200, 480))
    verge = (dice.pick((0, 0, 0, 120, 200)), dice.pick((0, 0, 0, 120, 200)))
    tracks = -330 * oncoming if dice.chance(34) else 0
    return Street(
        kerbs=(left, right),
        fronts=(left - walk[0] - verge[0], right + walk[1] + verge[1]),
        verge=verge,
        lanes=lanes,
        tracks=tracks,
        crossing=dice.between(2500, 11000) if dice.chance(60) else 0,
        asphalt=dice.shade((92, 92, 96), 18),
        paving=dice.shade((128, 122, 118), 22),
        grass=dice.shade((98, 112, 62), 20),
        palette=palette,
        weather=dice.pick(WEATHERS),
        seed=dice.bits(),
    )


def raise_fronts(dice: Dice, street: Street, reach: int) -> list[Placed]:
    """Buildings on both sides, with gaps, and walls, fences and hedges where there is a garden in
    front of them.
    """
    placed = []
    for side, front in zip((-1, 1), street.fronts, strict=True):
        z = -2000
        green = dice.chance(35)
        boundary = dice.pick(("wall", "fence", "hedge", "fence", "wall"))
        while z < reach:
            length = dice.between(800, 2400)
            if (
                street.crossing
                and z - 300 < street.crossing + 450
                and z + length > street.crossing - 450
            ):
                if z < street.crossing - 900:
                    length = street.crossing - 450 - z
                else:
                    z = street.crossing + 450
            setback = 0 if not green else dice.between(300, 900)
            if dice.chance(24 if green else 9):
                setback = 1
            else:
                height = dice.between(500, 1000) if green else dice.between(900, 2100)
                placed.append(
                    Placed(
                        "building",
                        front + side * setback,
                        z,
                        dice.bits(),
                        length=length,
                        height=height,
                    )
                )
            if setback and dice.chance(85):
                height = {"wall": dice.between(90, 260), "fence": dice.between(90, 200)}.get(
                    boundary, 150
                )
                placed.append(Placed(boundary, front, z, dice.bits(), length=length, height=height))
            if setback:
                for _ in range(dice.between(0, 2)):
                    x = front + side * dice.between(150, 400)
                    placed.append(
                        Placed("tree", x, z + dice.between(0, length), dice.bits(), height=1)
                    )
            z += length
    return placed


def furnish(dice: Dice, street: Street, reach: int) -> list[Placed]:
    """Trees, poles, signs, lights and clutter along the kerbs, and parked vehicles and bicycles."""
    placed = []
    for side, kerb, front in zip((-1, 1), street.kerbs, street.fronts, strict=True):
        line = kerb + side * dice.between(40, 80)
        trees = dice.pick((0, 0, 900, 1300, 2000))
        for kind, gap in (
            ("tree", trees),
            ("lamp", dice.between(1800, 3200)),
            ("sign", dice.between(1500, 4500)),
            ("clutter", dice.between(2500, 7000)),
            ("bicycle", dice.pick((0, 900, 1700, 3000))),
            ("bush", dice.pick((0, 0, 1500))),
        ):
            z = dice.between(300, 2500)
            while gap and z < reach:
                x = (
                    front - side * dice.between(40, 90)
                    if kind in ("bicycle", "bush", "clutter")
                    else line
                )
                placed.append(Placed(kind, x, z, dice.bits()))
                z += gap * dice.between(70, 130) // 100
        if street.crossing:
            corners = (street.crossing - 550, street.crossing + 520)
            placed += [Placed("light", line, z, dice.bits()) for z in corners]
        elif dice.chance(50):
            placed.append(Placed("light", line, dice.between(1500, 9000), dice.bits()))
        placed += park(dice, street, side, reach)
    return placed


def park(dice: Dice, street: Street, side: int, reach: int) -> list[Placed]:
    """Vehicles standing along one kerb."""
    kerb = street.kerbs[0 if side < 0 else 1]
    outer = (
        min(x for x, _ in street.lanes) - 165 if side < 0 else max(x for x, _ in street.lanes) + 165
    )
    placed: list[Placed] = []
    if abs(kerb - outer) < 150:
        return placed
    density = dice.between(25, 85)
    odd = dice.between(4, 14)
    z = dice.between(200, 1200)
    while z < reach:
        if dice.chance(density) and not (street.crossing and -900 < z - street.crossing < 600):
            kind = dice.pick(("truck", "motorcycle", "motorcycle")) if dice.chance(odd) else "car"
            placed.append(Placed(kind, kerb - side * dice.between(100, 120), z, dice.bits()))
            z += 350 if kind == "truck" else 0
        z += dice.between(520, 700)
    return placed


def populate(dice: Dice, street: Street) -> list[Placed]:
    """Traffic on the lanes, people on the sidewalks, riders and crossing pedestrians; z is relative
    to the camera.
    """
    placed = []
    themes = ["car"] * 7
    for kind, percent in (("bus", 45), ("truck", 50), ("motorbike", 40), ("cyclist", 35)):
        themes += [kind] * 2 if dice.chance(percent) else []
    for x, direction in street.lanes:
        flow = dice.between(500, 1500)
        rate = dice.between(-60, 120) if direction > 0 else -dice.between(500, 1400)
        z = dice.between(900, 3500) if x == 0 else dice.between(300, 2000)
        while z < HORIZON - 1500:
            kind = (
                "tram" if x == street.tracks and x and dice.chance(55) else dice.pick(tuple(themes))
            )
            wobble = dice.between(-25, 25)
            placed.append(Placed(kind, x + wobble, z, dice.bits(), rate, length=direction))
            z += {"bus": 1300, "truck": 850, "tram": 2900}.get(kind, 450) + dice.between(
                flow // 2, 3 * flow
            )
    busy = dice.between(1, 10)
    for side in (0, 1):
        low, high = sorted((street.kerbs[side], street.fronts[side]))
        for _ in range(busy * dice.between(1, 3)):
            z, x = dice.between(500, 9000), dice.between(low + 60, high - 40)
            for number in range(dice.pick((1, 1, 1, 2, 3))):
                position = (x + 55 * number, z + dice.between(-40, 40))
                placed.append(Placed("person", *position, dice.bits(), dice.between(-600, -100)))
        for _ in range(dice.pick((0, 1, 1, 2, 3))):
            x = street.kerbs[side] + (70 if side == 0 else -70)
            placed.append(
                Placed("cyclist", x, dice.between(700, 8000), dice.bits(), dice.between(-500, 0))
            )
    for _ in range(dice.pick((0, 0, 1, 2, 4))):
        start, drift = dice.between(-900, 900), dice.pick((-90, -60, 60, 90))
        placed.append(Placed("person", start, dice.between(1200, 5000), dice.bits(), -50, drift))
    return placed


@lru_cache(maxsize=8)
def world(split: str, city: str, sequence: int) -> World:
    """Everything in one sequence."""
    dice = Dice(seed_of("streets", split, city, sequence))
    street = lay_street(dice, city)
    step = dice.between(300, 900)
    reach = HORIZON + step * FRAMES
    standing = raise_fronts(dice, street, reach + 3000) + furnish(dice, street, reach)
    return World(street, step, tuple(standing), tuple(populate(dice, street)))


def at_frame(split: str, where: Place) -> tuple[Street, int, list[Placed]]:
    """The street, the position of the camera in cm, and the visible things, far to near."""
    there = world(split, where.city, where.sequence)
    ahead = there.step * where.frame
    sight = [(thing, thing.x, thing.z - ahead) for thing in there.standing]
    for thing in there.moving:
        span = HORIZON - 600
        z = 600 + (thing.z - 600 + thing.speed * where.frame) % span
        sight.append((thing, thing.x + thing.drift * where.frame, z))
    moved = [
        Placed(t.kind, x, z, t.seed, t.speed, t.drift, t.length, t.height)
        for t, x, z in sight
        if z + t.length > 100 and z < HORIZON + 4000
    ]
    moved.sort(key=lambda t: (-t.z, abs(t.x), t.seed))
    return there.street, ahead, moved
