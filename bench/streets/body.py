"""A vehicle as a box in perspective: its visible flank, its near end, wheels, and the shadow below.

Knows no kind of vehicle.
"""

from dataclasses import dataclass

from bench.streets.camera import NEAREST
from bench.streets.canvas import Canvas, Point
from bench.streets.texture import Color

TIRE: Color = (22, 22, 24)
# A circle of radius 16 as integers: sines differ between machines.
CIRCLE = ((16, 0), (14, 8), (8, 14), (0, 16), (-8, 14), (-14, 8), (-16, 0), (-14, -8), (-8, -14), (0, -16), (8, -14),
          (14, -8))  # fmt: skip
Pair = tuple[int, int]


@dataclass(frozen=True)
class Body:
    """A vehicle being painted: its middle x, near z, width and length in cm, and its owner on the
    canvas.
    """

    canvas: Canvas
    x: int
    z: int
    width: int
    length: int
    owner: int

    @property
    def flank(self) -> int:
        """The x of the side that the camera sees."""
        return self.x + (self.width // 2 if self.x < 0 else -self.width // 2)

    def shadow(self) -> None:
        """Darken the ground below."""
        a, b = self.x - self.width // 2 - 15, self.x + self.width // 2 + 15
        z = max(self.z - 20, NEAREST)
        end = self.z + self.length
        self.canvas.darken(((a, 0, z), (b, 0, z), (b, 0, end), (a, 0, end)), 105)

    def side(self, outline: tuple[Pair, ...], color: Color, lean: Pair | None = None) -> None:
        """A polygon of (distance from the near end, height) on the visible flank.

        With `lean`, the flank tapers inwards from the height lean[0] to lean[1].
        """
        inward = -1 if self.x < 0 else 1
        points: list[Point] = []
        for a, y in outline:
            inset = 6 + 9 * (y - lean[0]) * self.width // (100 * (lean[1] - lean[0])) if lean else 0
            points.append((self.flank + inward * (inset + 5 * (lean is not None)), y, self.z + a))
        self.canvas.polygon(points, color, self.owner, side=self.flank)

    def end(self, outline: tuple[tuple[int, int, int], ...], color: Color) -> None:
        """A polygon of (per cent of half the width, height, distance from the near end) facing the
        camera.
        """
        points = [(self.x + share * self.width // 200, y, self.z + a) for share, y, a in outline]
        self.canvas.polygon(points, color, self.owner)

    def panel(self, x: Pair, y: Pair, a: int, color: Color) -> None:
        """An upright rectangle facing the camera."""
        self.end(((x[0], y[0], a), (x[1], y[0], a), (x[1], y[1], a), (x[0], y[1], a)), color)

    def wheel(self, a: int, radius: int) -> None:
        """A wheel on the visible flank."""
        self.side(tuple((a + u * radius // 16, radius + v * radius // 16) for u, v in CIRCLE), TIRE)
        if self.tall > 40:
            hub = radius // 2
            self.side(
                tuple((a + u * hub // 16, radius + v * hub // 16) for u, v in CIRCLE),
                (120, 120, 124),
            )

    @property
    def tall(self) -> int:
        """How many pixels 150 cm cover at the near end."""
        return self.canvas.camera.pixels(150, self.z)
