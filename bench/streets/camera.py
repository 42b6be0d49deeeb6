"""The pinhole camera of every street scene, in integers: centimetres in, pixels out, and disparity.

The vanishing point and the focal length are those of Cityscapes at any image size. Knows nothing of
what is drawn. World axes: x to the right of the camera, y up from the ground, z ahead.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HEIGHT = 125
BASELINE_MM = 209
NEAREST = 150
FARTHEST = 400_000


@dataclass(frozen=True)
class Camera:
    """A camera for images of `height` x `width` pixels; `focal` is in sixteenths of a pixel, `u0`,
    `v0` in pixels.
    """

    height: int
    width: int
    focal: int
    u0: int
    v0: int

    def project(self, x: int, y: int, z: int) -> tuple[int, int]:
        """Row and column of a world point in cm; nearer points are moved to `NEAREST`."""
        z16 = 16 * max(z, NEAREST)
        column = self.u0 + (2 * self.focal * x + z16) // (2 * z16)
        row = self.v0 + (2 * self.focal * (HEIGHT - y) + z16) // (2 * z16)
        return row, column

    def pixels(self, length: int, z: int) -> int:
        """How many pixels `length` cm cover at distance `z`."""
        return self.focal * length // (16 * max(z, NEAREST))

    def side_depth(self, x: int, columns: NDArray[np.int32]) -> NDArray[np.int32]:
        """Distance in cm at which each image column meets the plane `x` = const that runs along the
        street.
        """
        offset = columns - self.u0 if x > 0 else self.u0 - 1 - columns
        return np.where(
            offset >= 0, self.focal * abs(x) // (8 * np.maximum(2 * offset + 1, 1)), FARTHEST
        )

    def disparity(self, depth: NDArray[np.int32]) -> NDArray[np.uint16]:
        """Cityscapes encoding, round(256 d) + 1 with d in pixels, of distances in cm; 0 from
        `FARTHEST` on.
        """
        scaled = self.focal * BASELINE_MM * 16
        code = (2 * scaled + 10 * depth) // (20 * np.maximum(depth, 1)) + 1
        return np.where((depth >= FARTHEST) | (depth <= 0), 0, np.minimum(code, 65535)).astype(
            np.uint16
        )

    def record(self) -> dict[str, dict[str, float]]:
        """The camera in the form of a Cityscapes camera file."""
        focal = self.focal / 16
        return {
            "extrinsic": {
                "baseline": BASELINE_MM / 1000, "pitch": 0.0, "roll": 0.0, "x": 1.7, "y": 0.0, "yaw": 0.0,
                "z": HEIGHT / 100,
            },
            "intrinsic": {"fx": focal, "fy": focal, "u0": float(self.u0), "v0": float(self.v0)},
        }  # fmt: skip


@lru_cache(maxsize=4)
def camera_for(height: int, width: int) -> Camera:
    """The camera of images of this size."""
    return Camera(
        height, width, (226252 * 16 * width) // (2048 * 100), width // 2, 462 * height // 1024
    )


@lru_cache(maxsize=4)
def ground(camera: Camera) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """World x and z in cm, (rows below the horizon, W) and (rows below the horizon, 1), of the
    ground plane.
    """
    below = np.arange(camera.height - camera.v0, dtype=np.int32)[:, None]
    z = camera.focal * HEIGHT // (8 * (2 * below + 1))
    columns = np.arange(camera.width, dtype=np.int32)[None, :]
    # In 64 bits: near the horizon of large images 32 overflow.
    x = (2 * (columns - camera.u0) + 1) * 8 * z.astype(np.int64) // camera.focal
    return x.astype(np.int32), z
