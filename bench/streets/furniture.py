"""Trees, bushes, lamps, signs, traffic lights and clutter along the kerb.

Knows nothing of the street they are on.
"""

from bench.streets.canvas import Canvas
from bench.streets.names import Dice
from bench.streets.people import Sheet
from bench.streets.scenes import Placed
from bench.streets.texture import Color, scale

STATIC, POLE, LIGHT, SIGN, VEGETATION = 4, 17, 19, 20, 21
GREENS: tuple[Color, ...] = (
    (70, 92, 48),
    (86, 100, 50),
    (56, 80, 46),
    (100, 102, 54),
    (120, 100, 48),
)
METAL: tuple[Color, ...] = ((104, 108, 110), (74, 78, 80), (134, 136, 134), (62, 74, 64))


def paint_tree(canvas: Canvas, thing: Placed) -> None:
    """A trunk and a crown of ragged blobs, brighter on the side of the sun."""
    dice = Dice(thing.seed)
    sheet = Sheet(canvas, thing.x, thing.z, VEGETATION)
    high = dice.between(500, 1100)
    trunk = dice.between(180, 300)
    leaf = dice.shade(dice.pick(GREENS), 14)
    bark = dice.shade((84, 70, 56), 14)
    x = thing.x
    canvas.darken(
        (
            (x - 160, 0, thing.z - 90),
            (x + 160, 0, thing.z - 90),
            (x + 160, 0, thing.z + 120),
            (x - 160, 0, thing.z + 120),
        ),
        170,
    )
    thick = dice.between(10, 22)
    sheet.shape(
        ((-thick - 4, 0), (thick + 4, 0), (thick - 2, trunk + 120), (2 - thick, trunk + 120)), bark
    )
    spread = (high - trunk) * dice.between(34, 52) // 100
    middle = (trunk + high) // 2
    radius = (spread * 5 // 4, (high - trunk) * 5 // 8)
    canvas.blob((x, middle, thing.z), radius, scale(leaf, 196), VEGETATION, seed=dice.bits())
    blobs = 9 if canvas.camera.pixels(spread, thing.z) > 14 else 3
    for _ in range(blobs):
        a = dice.between(-spread * 7 // 10, spread * 7 // 10)
        b = dice.between(trunk + (high - trunk) // 5, high - (high - trunk) // 5)
        bright = (
            190
            + 50 * (b - trunk) // (high - trunk)
            + (24 if a * canvas.sun > 0 else 0)
            + dice.between(-14, 26)
        )
        size = spread * dice.between(36, 62) // 100
        canvas.blob(
            (x + a, b, thing.z), (size, size), scale(leaf, bright), VEGETATION, seed=dice.bits()
        )


def paint_bush(canvas: Canvas, thing: Placed) -> None:
    """A low bush."""
    dice = Dice(thing.seed)
    leaf = dice.shade(dice.pick(GREENS), 18)
    for _ in range(5):
        size = dice.between(45, 85)
        middle = (thing.x + dice.between(-80, 80), size - 20, thing.z)
        tint = scale(leaf, dice.between(190, 270))
        canvas.blob(middle, (size + 20, size), tint, VEGETATION, seed=dice.bits())


def _pole(canvas: Canvas, thing: Placed, high: int, wide: int, color: Color) -> Sheet:
    sheet = Sheet(canvas, thing.x, thing.z, POLE)
    sheet.shape(((-wide, 0), (wide, 0), (wide, high), (-wide, high)), color)
    return sheet


def paint_lamp(canvas: Canvas, thing: Placed) -> None:
    """A street lamp, its arm over the road."""
    dice = Dice(thing.seed)
    high = dice.between(550, 850)
    metal = dice.shade(dice.pick(METAL), 12)
    sheet = _pole(canvas, thing, high, dice.between(6, 9), metal)
    reach = -dice.between(60, 180) if thing.x > 0 else dice.between(60, 180)
    sheet.bar((0, high), (reach, high + 30), 5, metal)
    sheet.bar((reach, high + 30), (reach * 13 // 10, high + 26), 10, scale(metal, 290))


def paint_light(canvas: Canvas, thing: Placed) -> None:
    """A traffic light on a pole, sometimes with a second head above the road."""
    dice = Dice(thing.seed)
    metal = dice.shade(dice.pick(METAL), 12)
    casing = dice.shade(dice.pick(((30, 32, 32), (44, 46, 44), (150, 130, 50), (40, 60, 50))), 8)
    mast = dice.chance(40)
    sheet = _pole(canvas, thing, 560 if mast else 330, 7, metal)
    heads = [(0, 270)]
    if mast:
        reach = -dice.between(180, 330) if thing.x > 0 else dice.between(180, 330)
        sheet.bar((0, 555), (reach, 560), 6, metal)
        heads.append((reach, 500))
    state = dice.pick((0, 0, 2, 2, 1))
    head = Sheet(canvas, thing.x, thing.z - 6, LIGHT)
    for a, b in heads:
        head.shape(((a - 17, b - 8), (a + 17, b - 8), (a + 17, b + 92), (a - 17, b + 92)), casing)
        if canvas.camera.pixels(20, thing.z) < 1:
            continue
        for lamp in range(3):
            lit = ((240, 40, 30), (240, 180, 40), (50, 220, 120))[lamp]
            glow: Color = lit if lamp == state else scale(lit, 60)
            head.disk((a, b + 74 - 31 * lamp), (11, 11), glow)


def paint_sign(canvas: Canvas, thing: Placed) -> None:
    """A traffic sign: disk, triangle, square or board, or its grey back."""
    dice = Dice(thing.seed)
    high = dice.between(220, 300)
    _pole(canvas, thing, high + 40, 5, dice.shade((134, 136, 134), 14))
    sheet = Sheet(canvas, thing.x, thing.z - 6, SIGN)
    for number in range(dice.pick((1, 1, 2))):
        middle = high + 5 - 75 * number
        red, blue, white = (178, 34, 32), (34, 74, 146), (214, 214, 208)
        kind = dice.between(0, 5)
        if kind == 0:
            sheet.disk((0, middle), (33, 33), red)
            sheet.disk((0, middle), (23, 23), white)
        elif kind == 1:
            sheet.disk((0, middle), (33, 33), blue)
            sheet.bar((-14, middle), (14, middle), 4, white)
        elif kind == 2:
            sheet.shape(((-38, middle - 30), (38, middle - 30), (0, middle + 38)), red)
            sheet.shape(((-23, middle - 21), (23, middle - 21), (0, middle + 20)), white)
        elif kind == 3:
            sheet.shape(
                ((-30, middle - 30), (30, middle - 30), (30, middle + 30), (-30, middle + 30)), blue
            )
            sheet.shape(
                ((-14, middle - 18), (14, middle - 18), (14, middle + 18), (-14, middle + 18)),
                white,
            )
        elif kind == 4:
            sheet.shape(((-33, middle), (0, middle - 33), (33, middle), (0, middle + 33)), white)
            sheet.shape(
                ((-24, middle), (0, middle - 24), (24, middle), (0, middle + 24)), (218, 176, 40)
            )
        else:
            sheet.shape(
                ((-62, middle - 22), (62, middle - 22), (62, middle + 26), (-62, middle + 26)),
                (206, 180, 60),
            )
            sheet.bar((-44, middle + 2), (44, middle + 2), 4, (40, 40, 40))


def paint_clutter(canvas: Canvas, thing: Placed) -> None:
    """Bins, boxes and cabinets: static things of no class."""
    dice = Dice(thing.seed)
    sheet = Sheet(canvas, thing.x, thing.z, STATIC)
    wide, high = dice.between(20, 55), dice.between(60, 140)
    color = dice.shade(
        dice.pick(((70, 74, 70), (120, 116, 108), (46, 66, 50), (90, 60, 44), (140, 120, 60))), 14
    )
    canvas.darken(
        (
            (thing.x - wide, 0, thing.z - 30),
            (thing.x + wide, 0, thing.z - 30),
            (thing.x + wide, 0, thing.z + 30),
            (thing.x - wide, 0, thing.z + 30),
        ),
        150,
    )
    sheet.shape(((-wide, 0), (wide, 0), (wide, high), (-wide, high)), color)
    sheet.shape(
        ((-wide - 3, high - 10), (wide + 3, high - 10), (wide + 3, high), (-wide - 3, high)),
        scale(color, 190),
    )
