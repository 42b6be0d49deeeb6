"""Cars, trucks, buses and trams as boxes with windows, wheels and lights, seen in perspective.

Knows nothing of the street they are on.
"""

from bench.streets.body import TIRE, Body
from bench.streets.canvas import Canvas
from bench.streets.names import Dice
from bench.streets.scenes import Placed
from bench.streets.texture import Color, scale

CAR, TRUCK, BUS, TRAIN = 26, 27, 28, 31
PAINTS: tuple[Color, ...] = (
    (34, 36, 40), (58, 60, 66), (150, 152, 156), (206, 206, 204), (112, 116, 122), (122, 30, 30), (36, 56, 108),
    (54, 82, 70), (170, 160, 130), (88, 96, 104), (190, 150, 40), (70, 110, 150),
)  # fmt: skip
GLASS: Color = (38, 44, 52)


def _flank_light(canvas: Canvas, thing: Placed, shaded: int) -> int:
    """How bright the visible flank is, in 1/256: 226 towards the sun, else `shaded`."""
    return 226 if canvas.sun == (1 if thing.x > 0 else -1) else shaded


def paint_car(canvas: Canvas, thing: Placed) -> None:
    """A hatchback, saloon, estate or van."""
    dice = Dice(thing.seed)
    shape = dice.pick(("hatch", "saloon", "estate", "van", "hatch"))
    high = {"van": 195, "estate": 152}.get(shape, dice.between(140, 158))
    waist = 105 if shape == "van" else dice.between(82, 92)
    back = {"saloon": 95, "van": 12}.get(shape, 25)
    length = dice.between(390, 480)
    hood = 90 if shape != "van" else 60
    if thing.length < 0:
        back, hood = hood, back
    body = Body(canvas, thing.x, thing.z, dice.between(172, 188), length, canvas.new_object(CAR))
    paint = dice.shade(dice.pick(PAINTS), 12)
    shadowed = scale(paint, _flank_light(canvas, thing, 184))
    roof = (back + 55, length - hood - 70)
    body.shadow()
    lean = (waist, high)
    cabin = (
        (back, waist - 16),
        (back, waist),
        (roof[0], high),
        (roof[1], high),
        (length - hood, waist),
        (length - hood, waist - 16),
    )
    body.side(cabin, shadowed, lean)
    if body.tall > 12:
        inner = (
            (back + 25, waist + 4),
            (roof[0] + 8, high - 12),
            (roof[1] - 4, high - 14),
            (length - hood - 30, waist + 4),
        )
        body.side(inner, GLASS, lean)
    if body.tall > 30:
        middle = (roof[0] + roof[1]) // 2
        body.side(
            ((middle, waist), (middle + 10, waist), (middle + 10, high - 8), (middle, high - 8)),
            shadowed,
            lean,
        )
    body.side(
        ((0, 22), (length, 22), (length, waist - 12), (length - hood, waist), (0, waist)), shadowed
    )
    if body.tall > 14:
        body.wheel(82, 32)
        body.wheel(length - 78, 32)
    body.end(
        ((-100, waist - 2, 0), (100, waist - 2, 0), (92, waist + 3, back), (-92, waist + 3, back)),
        scale(paint, 276),
    )
    body.end(
        ((-88, waist, back), (88, waist, back), (70, high, roof[0]), (-70, high, roof[0])),
        scale(paint, 240),
    )
    body.end(
        (
            (-78, waist + 8, back + 6),
            (78, waist + 8, back + 6),
            (62, high - 9, roof[0]),
            (-62, high - 9, roof[0]),
        ),
        GLASS,
    )
    _car_end(body, thing.length < 0, paint, waist)


def _car_end(body: Body, front: bool, paint: Color, waist: int) -> None:
    body.end(
        (
            (-100, 24, 0),
            (100, 24, 0),
            (100, waist - 3, 0),
            (97, waist, 0),
            (-97, waist, 0),
            (-100, waist - 3, 0),
        ),
        scale(paint, 236),
    )
    for left in (-92, 64):
        body.panel((left, left + 28), (0, 34), 4, TIRE)
    if body.tall < 10:
        return
    body.panel((-94, 94), (26, 44), 0, scale(paint, 140))
    lamp: Color = (236, 232, 210) if front else (176, 26, 24)
    for left in (-94, 66):
        body.panel((left, left + 28), (waist - 26, waist - 12), 0, lamp)
    if body.tall < 16:
        return
    body.panel((-26, 26), (46, 57), 0, (214, 214, 206))
    if front:
        body.panel((-56, 56), (60, 72), 0, (30, 30, 34))


def paint_truck(canvas: Canvas, thing: Placed) -> None:
    """A box lorry: cab and cargo; its colours are those of buses and cars."""
    dice = Dice(thing.seed)
    length, high = dice.between(600, 950), dice.between(270, 360)
    width = dice.between(210, 245)
    oncoming = thing.length < 0
    body = Body(canvas, thing.x, thing.z, width, length, canvas.new_object(TRUCK))
    paint = dice.shade(dice.pick(PAINTS), 14)
    cargo = dice.shade(dice.pick(((200, 198, 190), (160, 158, 150), (120, 126, 130), *PAINTS)), 12)
    dim = _flank_light(canvas, thing, 176)
    cab = (0, 190) if oncoming else (length - 190, length)
    box = (210, length) if oncoming else (0, length - 210)
    body.shadow()
    body.side(((0, 55), (length, 55), (length, 90), (0, 90)), (48, 48, 50))
    top = high - 50
    body.side(((cab[0], 45), (cab[0], top), (cab[1], top), (cab[1], 45)), scale(paint, dim))
    body.side(
        ((cab[0] + 30, 150), (cab[0] + 30, top - 40), (cab[1] - 50, top - 40), (cab[1] - 50, 150)),
        GLASS,
    )
    body.side(((box[0], 85), (box[0], high), (box[1], high), (box[1], 85)), scale(cargo, dim))
    if dice.chance(50):
        band = dice.pick(PAINTS)
        body.side(((box[0], 150), (box[0], 210), (box[1], 210), (box[1], 150)), scale(band, dim))
    for a in (110, length - 120, length - 230):
        body.wheel(a, 48)
    body.panel((-100, 100), (45, 90), 0, (52, 52, 54))
    for left in (-96, 60):
        body.panel((left, left + 36), (0, 60), 5, TIRE)
    if oncoming:
        body.panel((-100, 100), (88, high), 210, scale(cargo, 235))
        _cab(body, paint, top)
    else:
        body.panel((-100, 100), (85, high), 0, scale(cargo, 225))
        body.panel((-2, 2), (90, high - 8), 0, scale(cargo, 150))
        for left in (-96, 78):
            body.panel((left, left + 18), (66, 80), 0, (170, 28, 24))


def _cab(body: Body, paint: Color, top: int) -> None:
    body.panel((-98, 98), (45, top), 0, scale(paint, 240))
    body.panel((-88, 88), (135, top - 30), 0, GLASS)
    body.panel((-60, 60), (75, 115), 0, scale(paint, 130))
    for left in (-92, 68):
        body.panel((left, left + 24), (62, 80), 0, (236, 232, 210))


def paint_bus(canvas: Canvas, thing: Placed) -> None:
    """A city bus: a row of windows on the flank, a large pane at the end."""
    dice = Dice(thing.seed)
    length, high = dice.between(1000, 1250), dice.between(290, 315)
    body = Body(canvas, thing.x, thing.z, dice.between(240, 255), length, canvas.new_object(BUS))
    paint = dice.shade(
        dice.pick(((206, 206, 204), (190, 150, 40), (122, 30, 30), (36, 56, 108), (160, 164, 168))),
        14,
    )
    body.shadow()
    _coach(body, high, paint, dice, _flank_light(canvas, thing, 182))
    for a in (220, length - 260):
        body.wheel(a, 48)
    for left in (-92, 60):
        body.panel((left, left + 32), (0, 40), 5, TIRE)
    lamp: Color = (236, 232, 210) if thing.length < 0 else (176, 26, 24)
    for left in (-94, 74):
        body.panel((left, left + 20), (62, 82), 0, lamp)
    body.panel((-50, 50), (high - 42, high - 18), 0, (24, 24, 20))
    if thing.length < 0:
        body.panel((-40, 40), (high - 38, high - 22), 0, (226, 150, 40))


def _coach(body: Body, high: int, paint: Color, dice: Dice, dim: int) -> None:
    length = body.length
    body.side(((0, 32), (0, high), (length, high), (length, 32)), scale(paint, dim))
    if dice.chance(60):
        band = dice.pick(PAINTS)
        body.side(((0, 32), (0, 80), (length, 80), (length, 32)), scale(band, dim))
    body.side(((20, 125), (20, high - 50), (length - 20, high - 50), (length - 20, 125)), GLASS)
    if body.tall > 9:
        for a in range(150, length - 50, 150):
            body.side(
                ((a, 125), (a, high - 50), (a + 12, high - 50), (a + 12, 125)), scale(paint, dim)
            )
    body.panel((-99, 99), (30, high), 0, scale(paint, 236))
    body.panel((-88, 88), (120, high - 48), 0, (46, 52, 60))
    body.panel((-99, 99), (30, 50), 0, (50, 50, 52))


def paint_tram(canvas: Canvas, thing: Placed) -> None:
    """A tram: longer and taller than a bus, skirted down to the rails, with a pantograph."""
    dice = Dice(thing.seed)
    length, high = dice.between(2000, 2800), dice.between(330, 350)
    body = Body(canvas, thing.x, thing.z, 240, length, canvas.new_object(TRAIN))
    paint = dice.shade(
        dice.pick(((200, 44, 36), (206, 200, 180), (190, 160, 50), (60, 110, 90), (160, 164, 168))),
        14,
    )
    body.shadow()
    _coach(body, high, paint, dice, _flank_light(canvas, thing, 182))
    for a in (length // 3, 2 * length // 3):
        body.side(((a, 20), (a, high), (a + 60, high), (a + 60, 20)), (44, 44, 46))
    body.side(((0, 12), (0, 36), (length, 36), (length, 12)), (58, 58, 60))
    body.end(
        (
            (-99, 30, 0),
            (99, 30, 0),
            (99, high - 40, 0),
            (70, high, 0),
            (-70, high, 0),
            (-99, high - 40, 0),
        ),
        scale(paint, 240),
    )
    body.panel((-86, 86), (130, high - 60), 0, (40, 46, 54))
    body.panel((-60, 60), (high - 48, high - 22), 0, (24, 24, 20))
    body.panel((-36, 36), (high - 44, high - 26), 0, (230, 170, 60))
    body.panel((-90, 90), (10, 34), 0, (52, 52, 54))
    for left in (-84, 62):
        body.panel((left, left + 22), (70, 88), 0, (236, 232, 210))
    body.panel((-4, 4), (high, high + 60), 600, (50, 50, 52))
    body.panel((-40, 40), (high + 55, high + 62), 600, (50, 50, 52))
