"""The images of a data set, turned upright as their EXIF tag says, if the ground truth is upright
too.

Phones store images as the sensor sees them and note how to turn them. Annotators draw on the
upright image, and most programs give the upright image to the model (detectron2, mmcv). For turns
by 90 degrees the size of the truth shows whether it is upright; for other turns, the images of the
data set whose size shows it decide, and without any such image they are turned. No file is read for
this before an image is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Lock

from bench import images
from bench.errors import DataError
from bench.images import orientation
from bench.notices import Notice
from bench.samples import Image, Sample

Size = tuple[int, int]
TrueSize = Size | Callable[[], Size | None] | None
"""Height and width of the truth, or how to find them."""


class Picture:
    """One image; calling it reads the file. Then `tag` is its orientation, and `turned` says
    whether it was turned.
    """

    __slots__ = ("album", "path", "size", "tag", "turned")

    def __init__(self, path: str | Path, size: TrueSize, album: Album) -> None:
        """Add an image to the album of its data set."""
        self.path, self.size, self.album = path, size, album
        self.tag: int | None = None
        self.turned = False
        album.pictures.append(self)

    def __call__(self) -> Image:
        """Read it, (H, W, 3) uint8.

        Raises:
            DataError: the file is missing or damaged.
        """
        self.tag = orientation.UPRIGHT
        return images.read_rgb(Path(self.path), self._turn)

    def look(self) -> None:
        """Find out the orientation without reading the pixels, where that is not known."""
        if self.tag is None:
            with suppress(DataError):
                self._turn(*images.read_orientation(self.path))

    def upright_truth(self, tag: int, upright: Size) -> bool | None:
        """Whether the size of the truth says that it is upright (upright size, height and width);
        None if it cannot.
        """
        if tag not in orientation.SWAPPING or upright[0] == upright[1]:
            return None
        size = self.size() if callable(self.size) else self.size
        return None if size is None else size != upright[::-1]

    def _turn(self, tag: int, upright: Size) -> bool:
        self.tag = tag
        shown = self.upright_truth(tag, upright) if tag != orientation.UPRIGHT else False
        self.turned = self.album.is_upright if shown is None else shown
        return self.turned


class Album:
    """All images of a data set."""

    def __init__(self) -> None:
        """Begin without any."""
        self.pictures: list[Picture] = []
        self._lock = Lock()

    @property
    def is_upright(self) -> bool:
        """Whether the truth is upright, for images whose size does not show it."""
        with self._lock:
            return self._is_upright

    @cached_property
    def _is_upright(self) -> bool:
        answers = []
        for picture in self.pictures:
            with suppress(DataError):
                answers.append(picture.upright_truth(*images.read_orientation(picture.path)))
        return any(answers) or False not in answers


def notices_of(samples: Iterable[Sample]) -> list[Notice]:
    """Notes about the images that were read: how many have a tag, and what was done."""
    pictures = [sample.read_image for sample in samples if isinstance(sample.read_image, Picture)]
    for picture in pictures:
        picture.look()
    tagged = [picture for picture in pictures if picture.tag not in (None, orientation.UPRIGHT)]
    notices = []
    for done, treatment in ((True, _TURNED), (False, _STORED)):
        treated = [picture for picture in tagged if picture.turned is done]
        if treated:
            tags = ", ".join(str(tag) for tag in sorted({picture.tag or 0 for picture in treated}))
            many = f"{len(treated)} images have" if len(treated) > 1 else "1 image has"
            first = Path(treated[0].path).name
            notices.append(
                Notice(
                    "exif-orientation",
                    f"{many} an EXIF orientation ({tags}; first: {first}): {treatment}",
                )
            )
    return notices


_TURNED = (
    "the model received them upright, as the ground truth is assumed to be "
    "(if it was drawn on the stored pixels, remove the tag)"
)
_STORED = "the model received them as stored, because the ground truth has that size"
