"""Cityscapes: leftImg8bit, gtFine with labelIds and instanceIds, optional disparity and camera, one
folder a city.

Files are found by <city>_<sequence>_<frame>; the folder is the list of the split. The meaning of
pixels is described in `files.py`, stored predictions are in `results.py`; this module knows no
models and no metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from bench import images
from bench.cards import Card
from bench.classes import LabelSpace
from bench.errors import DataError
from bench.formats import Ids, PredictionReader, Progress
from bench.formats.cityscapes import files
from bench.formats.cityscapes import results as cityscapes_results
from bench.formats.finding import folders
from bench.formats.finding.grouping import groups_of
from bench.formats.finding.listing import with_listing
from bench.formats.finding.misplaced import nothing_found
from bench.formats.labels.files import LabelFiles, label_files
from bench.formats.labels.readers import TrueLabels
from bench.formats.objects import derive
from bench.samples import Instances, LabelMap, Sample, Truth

PICTURE, LABELS, INSTANCES = "_leftImg8bit.png", "_gtFine_labelIds.png", "_gtFine_instanceIds.png"
DISPARITY, CAMERA = "_disparity.png", "_camera.json"

_NAME = re.compile(r"(?P<city>.+)_[0-9]+_[0-9]+")


def read_truth(card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
    """List the images that have truth, sorted by file name; `root` holds gtFine and, for models,
    leftImg8bit.

    Groups are the city, the sequence, and the block of about ten consecutive labelled frames of a
    sequence.

    Raises:
        DataError: no truth of the split, a name in two cities, or ids that are not there.
    """
    word = card.split(split).folder or split
    folder_of = _truth_files(card, root, word)
    # All kinds of groups, not only the card's clusters: slices by sequence and city need them too.
    groups = groups_of("sequence-blocks", list(folder_of))
    coded = label_files(card)
    samples = []
    for name, folder in folder_of.items():
        sample_groups = {"city": folder.name, **groups.get(name, {})}
        samples.append(_sample(card, root, word, folder / name, groups=sample_groups, coded=coded))
    listed = with_listing(samples, lambda: list(folder_of))
    return folders.chosen(listed, ids, root, lambda path: cityscapes_results.id_in(path, folder_of))


def read_predictions(
    card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
) -> PredictionReader:
    """Find predictions: <id>*.png (semantic), <id>*.txt with masks (instance), or COCO panoptic
    JSON and PNGs.

    Raises:
        PredictionError: samples without a prediction or with several.
    """
    return cityscapes_results.read(card, path, task, samples, space=space)


def write_truth(
    card: Card,
    root: Path,
    split: str,
    samples: Iterable[Sample],
    *,
    progress: Progress | None = None,
) -> None:
    """Write the whole tree: images as PNG, label and instance ids, disparity and camera where there
    is depth.

    Raises:
        DataError: ids that hold a "/", or objects that 16 bits do not number.
    """
    word = card.split(split).folder or split
    for sample in samples:
        _write(card, root, word, sample)
        if progress:
            progress(1)


write_predictions = cityscapes_results.write


def _sample(
    card: Card, root: Path, word: str, stem: Path, *, groups: dict[str, str], coded: LabelFiles
) -> Sample:
    folder, name = stem.parent, stem.name
    city = folder.name
    label_path, instance_path = folder / f"{name}{LABELS}", folder / f"{name}{INSTANCES}"
    picture = root / "leftImg8bit" / word / city / f"{name}{PICTURE}"
    disparity = root / "disparity" / word / city / f"{name}{DISPARITY}"
    camera = root / "camera" / word / city / f"{name}{CAMERA}"
    segments = partial(files.read_segments, card.classes, instance_path)

    def derived() -> LabelMap:
        return derive.semantic_from_segments(segments(), card.classes)

    semantic = TrueLabels(coded, label_path) if label_path.is_file() else derived

    def instances() -> Instances:
        return derive.instances_from_segments(segments(), card.classes.things)

    return Sample(
        id=name,
        truth=Truth(
            semantic,
            instances,
            segments,
            partial(files.read_segments_and_void, card.classes, instance_path),
        ),
        read_image=partial(images.read_rgb, picture),
        read_depth=partial(files.read_depth, disparity, camera) if disparity.is_file() else None,
        groups=groups,
        file=picture.relative_to(root).as_posix(),
    )


def _truth_files(card: Card, root: Path, word: str) -> dict[str, Path]:
    """Map each image's name to the folder of its truth, sorted by name."""
    base = root / "gtFine" / word
    if not base.is_dir():
        looked = f"there is no folder gtFine/{word}"
        raise nothing_found(card, root, looked, lambda folder: (folder / "gtFine" / word).is_dir())
    folder_of: dict[str, Path] = {}
    for suffix in (LABELS, INSTANCES):
        for path in base.glob(f"*/[!.]*{suffix}"):
            name = path.name.removesuffix(suffix)
            if folder_of.setdefault(name, path.parent) != path.parent:
                raise DataError(
                    f"{path}: {name} is also in {folder_of[name]}; each image belongs to one city"
                )
    if not folder_of:
        raise DataError(f"{base}: there is no file <city>/<city>_<sequence>_<frame>{LABELS}")
    return dict(sorted(folder_of.items()))


def _write(card: Card, root: Path, word: str, sample: Sample) -> None:
    if "/" in sample.id:
        raise DataError(
            f"{sample.id}: Cityscapes names files <city>_<sequence>_<frame>, without folders"
        )
    match = _NAME.fullmatch(sample.id)
    city = match["city"] if match else "images"
    truth = root / "gtFine" / word / city
    labels = sample.truth.semantic().labels
    label_files(card).write_truth(truth / f"{sample.id}{LABELS}", labels)
    segments = files.segments_of(sample, labels, card.classes)
    if segments is not None:
        raw = files.instance_ids(segments, card.classes, where=sample.id)
        images.write_labels(truth / f"{sample.id}{INSTANCES}", raw)
    if sample.read_image is not None:
        images.write_rgb(
            root / "leftImg8bit" / word / city / f"{sample.id}{PICTURE}", sample.image()
        )
    if sample.read_depth is not None:
        disparity = root / "disparity" / word / city / f"{sample.id}{DISPARITY}"
        files.write_depth(
            disparity, root / "camera" / word / city / f"{sample.id}{CAMERA}", sample.read_depth()
        )
