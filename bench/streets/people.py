"""Persons, riders, bicycles and motorcycles, painted as flat figures at one distance.

Knows nothing of the street they are on.
"""

from dataclasses import dataclass

from bench.streets.body import CIRCLE
from bench.streets.canvas import Canvas
from bench.streets.names import Dice
from bench.streets.scenes import Placed
from bench.streets.texture import Color, scale

PERSON, RIDER, MOTORCYCLE, BICYCLE = 24, 25, 32, 33
SKIN: tuple[Color, ...] = (
    (214, 172, 146),
    (188, 140, 112),
    (132, 92, 70),
    (226, 190, 168),
    (96, 66, 52),
)
CLOTHES: tuple[Color, ...] = (
    (36, 38, 44), (52, 60, 84), (120, 40, 42), (92, 96, 100), (160, 150, 132), (64, 84, 62), (194, 190, 184),
    (44, 48, 52), (70, 96, 130), (150, 110, 60),
)  # fmt: skip
Pair = tuple[int, int]


@dataclass(frozen=True)
class Sheet:
    """An upright sheet at distance `z` around `x` on which a figure is painted, in cm."""

    canvas: Canvas
    x: int
    z: int
    owner: int
    flip: int = 1

    def shape(self, outline: tuple[Pair, ...], color: Color) -> None:
        """A polygon of (across, up)."""
        self.canvas.polygon(
            [(self.x + self.flip * a, y, self.z) for a, y in outline], color, self.owner
        )

    def bar(self, start: Pair, stop: Pair, wide: int, color: Color) -> None:
        """A thick line, at least a pixel wide."""
        (a, b), (c, d) = start, stop
        across, up = (wide, 0) if abs(d - b) > abs(c - a) else (0, wide)
        self.shape(
            (
                (a - across, b - up),
                (a + across, b + up),
                (c + across, d + up),
                (c - across, d - up),
            ),
            color,
        )

    def disk(self, middle: Pair, radius: Pair, color: Color) -> None:
        """An ellipse."""
        self.shape(
            tuple(
                (middle[0] + u * radius[0] // 16, middle[1] + v * radius[1] // 16)
                for u, v in CIRCLE
            ),
            color,
        )

    def ring(self, middle: Pair, radius: Pair, wide: int, color: Color) -> None:
        """An ellipse's rim, in spans."""
        points = [
            (middle[0] + u * radius[0] // 16, middle[1] + v * radius[1] // 16) for u, v in CIRCLE
        ]
        for start, stop in zip(points, [*points[1:], points[0]], strict=True):
            self.bar(start, stop, wide, color)


def paint_person(canvas: Canvas, thing: Placed) -> None:
    """A pedestrian."""
    dice = Dice(thing.seed)
    tall = dice.between(150, 192) if dice.chance(88) else dice.between(105, 140)
    flip = dice.pick((-1, 1))
    if canvas.camera.pixels(tall, thing.z) < 7:
        return
    _cast(canvas, thing.x, thing.z, 30)
    sheet = Sheet(canvas, thing.x, thing.z, canvas.new_object(PERSON), flip)
    coat, trousers = dice.shade(dice.pick(CLOTHES), 16), dice.shade(dice.pick(CLOTHES), 12)
    hip, shoulder = tall * 48 // 100, tall * 82 // 100
    stride = dice.between(2, 24) + (thing.x * 7 + thing.z // 90) % 8
    wide = tall * dice.between(12, 15) // 100
    for foot, shade in ((-stride, 200), (stride, 256)):
        knee = foot // 2 + 3
        leg = (
            (foot - 7, 0),
            (foot + 10, 0),
            (knee + 8, hip // 2),
            (11, hip),
            (-11, hip),
            (knee - 8, hip // 2),
        )
        sheet.shape(leg, scale(trousers, shade))
    hem = hip - (tall // 6 if dice.chance(30) else 2)
    sheet.shape(
        (
            (-wide + 3, hem),
            (wide - 3, hem),
            (wide, shoulder - 8),
            (8, shoulder),
            (-8, shoulder),
            (-wide, shoulder - 8),
        ),
        coat,
    )
    if canvas.camera.pixels(tall, thing.z) < 18:
        sheet.disk((0, tall - 13), (10, 13), scale(dice.pick(SKIN), 190))
        return
    for a, hand in ((-wide, -wide - stride // 3), (wide, wide + stride // 3)):
        sheet.bar((a, shoulder - 8), (hand, hip - 4), 5, scale(coat, 206))
    if dice.chance(35):
        sheet.shape(
            ((wide - 2, hip), (wide + 14, hip), (wide + 14, hip + 34), (wide - 2, hip + 38)),
            dice.pick(CLOTHES),
        )
    _head(sheet, (0, tall - 13), dice)


def _head(sheet: Sheet, middle: Pair, dice: Dice) -> None:
    skin = dice.pick(SKIN)
    hair = dice.pick(((34, 26, 22), (70, 50, 34), (150, 124, 80), (120, 118, 116)))
    sheet.bar((middle[0], middle[1] - 18), middle, 5, scale(skin, 210))
    sheet.disk(middle, (10, 13), skin)
    a, b = middle
    sheet.shape(
        ((a - 11, b), (a - 10, b + 10), (a, b + 15), (a + 10, b + 10), (a + 11, b + 3)), hair
    )


def _cast(canvas: Canvas, x: int, z: int, half: int) -> None:
    canvas.darken(
        (
            (x - half, 0, z - 25),
            (x + half, 0, z - 25),
            (x + half, 0, z + 40),
            (x - half, 0, z + 40),
        ),
        160,
    )


def paint_bicycle(canvas: Canvas, thing: Placed) -> None:
    """A bicycle standing at a wall or a rack."""
    dice = Dice(thing.seed)
    if canvas.camera.pixels(105, thing.z) < 7:
        return
    _cast(canvas, thing.x, thing.z, 60)
    _cycle(canvas, thing.x, thing.z, dice, dice.between(35, 100))


def _cycle(canvas: Canvas, x: int, z: int, dice: Dice, turn: int) -> None:
    sheet = Sheet(canvas, x, z, canvas.new_object(BICYCLE), dice.pick((-1, 1)))
    near = canvas.camera.pixels(100, z) > 17
    frame = dice.shade(
        dice.pick(((40, 40, 44), (120, 36, 34), (40, 70, 110), (150, 150, 150), (60, 90, 66))), 14
    )

    def at(a: int, b: int) -> Pair:
        return a * turn // 100, b

    for hub in (-54, 54):
        sheet.disk(at(hub, 34), (34 * turn // 100 + 2, 34), (88, 88, 88) if near else (52, 52, 54))
        if not near:
            continue
        sheet.ring(at(hub, 34), (34 * turn // 100 + 2, 34), 3, (26, 26, 28))
    if not near:
        sheet.bar(at(-40, 60), at(40, 70), 14, frame)
        return
    for start, stop in (
        ((-54, 34), (-20, 78)), ((-54, 34), (0, 32)), ((0, 32), (-24, 92)), ((0, 32), (40, 80)), ((-20, 78), (40, 84)),
        ((54, 34), (38, 100)),
    ):  # fmt: skip
        sheet.bar(at(*start), at(*stop), 4, frame)
    sheet.bar(at(-38, 94), at(-12, 94), 4, (24, 24, 26))
    sheet.bar(at(24, 104), at(50, 102), 3, (40, 40, 42))


def paint_cyclist(canvas: Canvas, thing: Placed) -> None:
    """A rider on a bicycle, seen from behind or the side: two objects."""
    dice = Dice(thing.seed)
    if canvas.camera.pixels(170, thing.z) < 8:
        return
    _cast(canvas, thing.x, thing.z, 45)
    turn = dice.between(8, 30) if dice.chance(70) else dice.between(60, 100)
    _cycle(canvas, thing.x, thing.z + 4, dice, turn)
    _rider(canvas, thing, dice, turn)


def _rider(canvas: Canvas, thing: Placed, dice: Dice, turn: int) -> None:
    sheet = Sheet(canvas, thing.x, thing.z, canvas.new_object(RIDER))
    coat, trousers = dice.shade(dice.pick(CLOTHES), 16), dice.shade(dice.pick(CLOTHES), 12)
    lean = 34 * turn // 100
    for foot, low in ((-9, 26), (9, 44)):
        knee = (foot + 12 * turn // 100, 66)
        sheet.bar((foot // 2 - lean // 2, 96), knee, 9, trousers)
        sheet.bar(knee, (foot, low), 7, scale(trousers, 214))
    back = -lean // 2
    sheet.shape(
        (
            (back - 17, 88),
            (back + 17, 88),
            (lean + 20, 138),
            (lean + 8, 148),
            (lean - 12, 148),
            (lean - 22, 138),
        ),
        coat,
    )
    for a in (-1, 1):
        sheet.bar((lean + 20 * a, 138), (lean + 24 * a + lean // 2, 104), 5, scale(coat, 206))
    _head(sheet, (lean + 4, 164), dice)
    if dice.chance(45):
        helmet = dice.shade(dice.pick(CLOTHES), 10)
        sheet.shape(
            ((lean - 9, 166), (lean - 7, 178), (lean + 4, 182), (lean + 15, 178), (lean + 17, 166)),
            helmet,
        )


def paint_motorcycle(canvas: Canvas, thing: Placed) -> None:
    """A parked motorcycle or scooter."""
    dice = Dice(thing.seed)
    if canvas.camera.pixels(115, thing.z) < 6:
        return
    _cast(canvas, thing.x, thing.z, 60)
    _motor(canvas, thing.x, thing.z, dice, dice.between(30, 100))


def paint_motorbike(canvas: Canvas, thing: Placed) -> None:
    """A rider on a motorcycle: two objects."""
    dice = Dice(thing.seed)
    if canvas.camera.pixels(170, thing.z) < 8:
        return
    _cast(canvas, thing.x, thing.z, 50)
    _motor(canvas, thing.x, thing.z + 4, dice, dice.between(20, 45))
    _rider(canvas, thing, dice, 12)


def _motor(canvas: Canvas, x: int, z: int, dice: Dice, turn: int) -> None:
    sheet = Sheet(canvas, x, z, canvas.new_object(MOTORCYCLE), dice.pick((-1, 1)))
    paint = dice.shade(
        dice.pick(((30, 30, 34), (130, 30, 30), (40, 60, 110), (180, 178, 172), (180, 120, 40))), 14
    )

    def at(a: int, b: int) -> Pair:
        return a * turn // 100, b

    slim = 32 * turn // 100 + 7
    for hub in (-66, 66):
        sheet.disk(at(hub, 31), (slim, 31), (24, 24, 26))
        sheet.disk(at(hub, 31), (slim // 2, 15), (104, 104, 106))
    thick = 14 if turn < 50 else 0
    sheet.shape(
        (
            at(-70, 40 - thick),
            at(-76, 76),
            at(-30, 84),
            at(10, 96),
            at(44, 92),
            at(52, 56),
            at(20, 30 - thick),
            at(-30, 28 - thick),
        ),
        (56, 56, 60),
    )
    sheet.shape(
        (at(-30 - thick, 70), at(-6, 96), at(40 + thick, 98), at(48 + thick, 62), at(10, 60)), paint
    )
    sheet.shape((at(-84, 84), at(-78, 92), at(-10, 86), at(-14, 78)), (26, 26, 28))
    sheet.bar(at(66, 31), at(42, 108), 5, (120, 120, 122))
    sheet.bar(at(24 - 3 * thick, 114), at(50 + 3 * thick, 112), 4, (30, 30, 32))
    sheet.disk(at(54, 92), (9, 9), (226, 222, 200) if dice.chance(50) else (170, 30, 28))
