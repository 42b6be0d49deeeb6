"""`streets` as a data set: scenes as samples, written in an official layout, and cached.

This module knows where the cache is; the layouts know the format of the files.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from bench.cards import Card
from bench.errors import DataError, UsageError, did_you_mean
from bench.formats import layout
from bench.formats.objects import derive
from bench.samples import Array, LabelMap, Sample, Truth
from bench.streets import SPLITS, VERSION, Scene, draw, scene_id

Progress = Callable[[int, int], None]
_FEW = 40
"""Up to this many scenes are drawn in this process, because starting others takes longer."""


def cache_folder() -> Path:
    """The folder of drawn data sets: BENCH_CACHE, else `bench` in the user's cache folder."""
    if os.environ.get("BENCH_CACHE"):
        return Path(os.environ["BENCH_CACHE"]).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bench"


def folder_of(card: Card, split: str) -> Path:
    """The folder of a split in the cache, in the card's layout; it exists once the split is
    drawn.
    """
    return cache_folder() / f"streets-{VERSION}" / card.layout / split


def cached(card: Card, split: str, *, progress: Progress | None = None) -> Path:
    """The folder that holds a split in the card's layout; it is drawn on first use.

    Raises:
        DataError: the cache cannot be written.
    """
    folder = folder_of(card, split)
    if folder.is_dir():
        return folder
    # Drawn under another name and then renamed, so that an interrupted run leaves no half a split.
    drawing = folder.with_name(f"{folder.name}.drawing-{os.getpid()}")
    try:
        write(card, drawing, split, progress=progress)
        drawing.rename(folder)
    except (OSError, DataError) as error:
        if folder.is_dir():  # another process was faster
            return folder
        reason = error if isinstance(error, DataError) else f"{drawing}: {error.strerror}"
        raise DataError(
            f"cannot write the cache: {reason}; set BENCH_CACHE to another folder"
        ) from None
    finally:
        shutil.rmtree(drawing, ignore_errors=True)
    return folder


def write(card: Card, root: Path, split: str, *, progress: Progress | None = None) -> None:
    """Draw a split and write it below `root` in the full folder structure of the card's layout.

    Raises:
        UsageError: there is no such split.
    """
    total = _length(split)
    done = 0

    def follow(images: int) -> None:
        nonlocal done
        done += images
        if progress:
            progress(done, total)

    if progress:
        progress(0, total)
    layout(card).write_truth(
        card, root, split, _samples(card, split, _drawn(split, total)), progress=follow
    )


def samples(card: Card, split: str, limit: int | None = None) -> Iterator[Sample]:
    """The samples of a split, drawn one by one in this process and not written to disk."""
    total = _length(split) if limit is None else min(limit, _length(split))
    return _samples(card, split, (draw(split, index) for index in range(total)))


def sample(card: Card, split: str, index: int, scene: Scene) -> Sample:
    """One scene as a sample; its ground truth is derived as for any data set with such maps."""
    name = scene_id(split, index)
    labels = card.classes.to_train(scene.label_ids, where=name)
    # Values below 1000 are label ids of pixels without an object; an object is id * 1000 + n.
    objects = np.where(scene.instance_ids >= 1000, scene.instance_ids, 0).astype(np.int32)
    city, sequence, _ = name.split("_")
    return Sample(
        id=name,
        truth=Truth(
            read_semantic=lambda: LabelMap(labels),
            read_instances=lambda: derive.instances_from_object_map(
                objects, labels, card.classes, where=name
            ),
            read_segments=lambda: derive.segments_from_objects(
                objects, labels, card.classes, where=name
            ),
        ),
        read_image=lambda: scene.image,
        read_depth=lambda: _metres(scene),
        groups={"city": city, "sequence": f"{city}_{sequence}"},
        origin=index + 1,
    )


def _metres(scene: Scene) -> Array:
    disparity = (scene.disparity.astype(np.float32) - 1) / 256
    factor = scene.camera["intrinsic"]["fx"] * scene.camera["extrinsic"]["baseline"]
    return np.where(disparity > 0, factor / np.maximum(disparity, 1 / 256), np.nan).astype(
        np.float32
    )


def _length(split: str) -> int:
    if split not in SPLITS:
        raise UsageError(f"streets has no split {split!r}: {did_you_mean(split, SPLITS)}")
    return SPLITS[split]


def _samples(card: Card, split: str, scenes: Iterator[Scene]) -> Iterator[Sample]:
    return (sample(card, split, index, scene) for index, scene in enumerate(scenes))


def _drawn(split: str, total: int) -> Iterator[Scene]:
    """Scenes in order, drawn by one process per processor; a bounded number is drawn ahead."""
    workers = os.cpu_count() or 1
    if total <= _FEW or workers == 1:
        yield from (draw(split, index) for index in range(total))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[Scene]] = deque()
        try:
            for index in range(total):
                waiting.append(pool.submit(draw, split, index))
                if len(waiting) > 8 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


__all__ = ["cache_folder", "cached", "sample", "samples", "write"]
