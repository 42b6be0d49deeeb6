"""The canvas of a scene, painted from far to near: colour, owner and distance of every pixel.

An owner below 64 is a label id itself (stuff); from 64 on it is one object. Knows no kind of
object.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon as polygon_pixels

from bench.streets.camera import FARTHEST, HEIGHT, NEAREST, Camera
from bench.streets.texture import Color, smooth_noise

FIRST_OBJECT = 64
SMALLEST = 8
VOID = 0
Point = tuple[int, int, int]
Area = tuple[slice, slice] | tuple[NDArray[np.int64], NDArray[np.int64]]
Shader = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.int16]]


@lru_cache(maxsize=2)
def ragged(height: int, width: int) -> NDArray[np.int32]:
    """Noise 0..190 for the uneven rim of foliage; 64 pixels larger than the image on each side."""
    size = (height + 64, width + 64)
    return (smooth_noise(1, *size, 9) + smooth_noise(2, *size, 4)) * 3 >> 3


class Canvas:
    """Buffers of one image, (H, W, 3) colour, (H, W) owner and distance in cm; `sun` is its side:
    -1, 0 or 1.
    """

    def __init__(self, camera: Camera, sun: int) -> None:
        size = (camera.height, camera.width)
        self.camera = camera
        self.sun = sun
        self.size = size
        self.color = np.zeros((*size, 3), np.int16)
        self.owner = np.zeros(size, np.uint16)
        self.depth = np.full(size, FARTHEST, np.int32)
        self.columns = np.broadcast_to(np.arange(camera.width, dtype=np.int32), size)
        self.labels = list(range(FIRST_OBJECT))

    def new_object(self, label: int) -> int:
        """An owner for one more object of a thing class."""
        self.labels.append(label)
        return len(self.labels) - 1

    def polygon(self, points: Iterable[Point], color: Color, owner: int, *, side: int = 0) -> None:
        """Fill the projection of a flat polygon; `side` is its x if it runs along the street (true
        depth).
        """
        corners = list(points)
        near, far = min(p[2] for p in corners), max(p[2] for p in corners)
        where = self._inside([self.camera.project(*p) for p in corners]) if far >= NEAREST else None
        if where is None:
            return
        self.color[where] = color
        self.owner[where] = owner
        if side and far > near:
            columns = self.columns[where]
            self.depth[where] = np.clip(
                self.camera.side_depth(side, columns), max(near, NEAREST), far
            )
        else:
            self.depth[where] = max((near + far) // 2, NEAREST)

    def darken(self, points: Iterable[Point], by: int) -> None:
        """Multiply the colour inside a projected polygon by `by` / 256: a shadow."""
        where = self._inside([self.camera.project(*p) for p in points])
        if where is not None:
            self.color[where] = (self.color[where].astype(np.int32) * by) >> 8

    def _inside(self, pixels: list[tuple[int, int]]) -> Area | None:
        """The pixels of a polygon, as an index; None if it covers one pixel or none."""
        rows = [p[0] for p in pixels]
        columns = [p[1] for p in pixels]
        height, width = self.size
        top, bottom, left, right = min(rows), max(rows), min(columns), max(columns)
        if (
            bottom < 0
            or top >= height
            or right < 0
            or left >= width
            or (top == bottom and left == right)
        ):
            return None
        upright = len(pixels) == 4 and len(set(rows)) <= 2 and len(set(columns)) <= 2
        if upright or bottom - top < 2 or right - left < 2:
            return np.s_[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
        covered: Area = polygon_pixels(np.array(rows), np.array(columns), self.size)  # type: ignore[no-untyped-call]
        return covered

    def blob(
        self, middle: Point, radius: tuple[int, int], color: Color, owner: int, *, seed: int
    ) -> None:
        """Paint an ellipse with a ragged rim around a world point: foliage; `radius` is (across,
        up) in cm.
        """
        row, column = self.camera.project(*middle)
        wide, tall = (self.camera.pixels(r, middle[2]) for r in radius)
        if wide < 1 or tall < 1:
            return
        height, width = self.size
        top, bottom = max(row - tall, 0), min(row + tall + 1, height)
        left, right = max(column - wide, 0), min(column + wide + 1, width)
        if top >= bottom or left >= right:
            return
        down = np.arange(top - row, bottom - row, dtype=np.int32)[:, None]
        across = np.arange(left - column, right - column, dtype=np.int32)[None, :]
        rim = ragged(height, width)[seed % 64 :, seed // 64 % 64 :][: bottom - top, : right - left]
        inside = (
            down * down * 256 // (tall * tall) + across * across * 256 // (wide * wide) + rim < 256
        )
        window = np.s_[top:bottom, left:right]
        self.color[window][inside] = color
        self.owner[window][inside] = owner
        self.depth[window][inside] = max(middle[2], NEAREST)

    def side_plane(
        self, x: int, z: tuple[int, int], y: tuple[int, int], shader: Shader, owner: int
    ) -> None:
        """Paint the upright rectangle at `x` that runs along the street from z[0] to z[1] and up
        from y[0] to y[1].

        The shader gets world z, (1, columns), and y, (rows, columns), and answers with (rows,
        columns, 3); a negative red lets what lies behind show through.
        """
        camera = self.camera
        near = max(z[0], NEAREST)
        if z[1] <= near:
            return
        ends = (camera.project(x, 0, near)[1], camera.project(x, 0, z[1])[1])
        left, right = max(min(ends), 0), min(max(ends), camera.width)
        top = max(camera.project(x, y[1], near if y[1] > HEIGHT else z[1])[0], 0)
        bottom = min(camera.project(x, y[0], near)[0] + 1, camera.height)
        if left >= right or top >= bottom:
            return
        depth = np.minimum(
            camera.side_depth(x, np.arange(left, right, dtype=np.int32))[None, :], z[1]
        )
        rows = np.arange(top, bottom, dtype=np.int32)[:, None]
        up = HEIGHT + (2 * (camera.v0 - rows) - 1) * 8 * depth // camera.focal
        inside = (up >= y[0]) & (up < y[1]) & (depth >= near) & (depth < z[1])
        window = np.s_[top:bottom, left:right]
        self._lay(window, inside, shader(depth, up), owner)
        np.copyto(self.depth[window], np.broadcast_to(depth, up.shape), where=inside)

    def front_plane(
        self, x: tuple[int, int], z: int, y: tuple[int, int], shader: Shader, owner: int
    ) -> None:
        """Paint the upright rectangle across the street at distance `z`; the shader gets world x
        and y.
        """
        camera = self.camera
        if z < NEAREST:
            return
        bottom, left = camera.project(x[0], y[0], z)
        top, right = camera.project(x[1], y[1], z)
        left, right, top, bottom = (
            max(left, 0),
            min(right, camera.width),
            max(top, 0),
            min(bottom, camera.height),
        )
        if left >= right or top >= bottom:
            return
        columns = np.arange(left, right, dtype=np.int32)[None, :]
        rows = np.arange(top, bottom, dtype=np.int32)[:, None]
        across = (2 * (columns - camera.u0) + 1) * 8 * z // camera.focal
        up = HEIGHT + (2 * (camera.v0 - rows) - 1) * 8 * z // camera.focal
        window = np.s_[top:bottom, left:right]
        self._lay(window, np.ones((bottom - top, right - left), bool), shader(across, up), owner)
        self.depth[window] = z

    def _lay(
        self,
        window: tuple[slice, slice],
        inside: NDArray[np.bool_],
        color: NDArray[np.int16],
        owner: int,
    ) -> None:
        np.copyto(self.color[window], color, where=(inside & (color[..., 0] >= 0))[..., None])
        self.owner[window][inside] = owner

    def settle(self) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        """Label ids and instance ids: specks become void, and so does the seam between two objects
        of one class.
        """
        table = np.array(self.labels, np.uint8)
        sizes = np.bincount(self.owner.ravel(), minlength=len(self.labels))
        numbers = np.arange(len(self.labels))
        table[(numbers >= FIRST_OBJECT) & (sizes < SMALLEST)] = VOID
        labels = table[self.owner]
        seam = np.zeros(self.size, bool)
        things = (self.owner >= FIRST_OBJECT) & (labels != VOID)
        for here, there in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
            seam[here] |= (
                things[here]
                & (self.owner[here] != self.owner[there])
                & (labels[here] == labels[there])
            )
        labels[seam] = VOID
        remaining = np.bincount(self.owner[labels != VOID], minlength=len(self.labels))
        labels[((numbers >= FIRST_OBJECT) & (remaining < SMALLEST))[self.owner]] = VOID
        codes = table.astype(np.uint16)
        seen: dict[int, int] = {}
        for number in range(FIRST_OBJECT, len(self.labels)):
            label = int(table[number])
            if remaining[number] < SMALLEST or label == VOID:
                codes[number] = VOID
                continue
            codes[number] = label * 1000 + seen.get(label, 0)
            seen[label] = seen.get(label, 0) + 1
        instances = codes[self.owner]
        instances[labels == VOID] = VOID
        return labels, instances
