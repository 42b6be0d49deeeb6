"""The truth of a COCO split: the images that a truth file lists, and how to read each one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.cards import Card
from bench.errors import DataError
from bench.formats.coco import instances as coco_instances
from bench.formats.coco import json_files as coco_json
from bench.formats.coco import masks as coco_masks
from bench.formats.coco import panoptic as coco_panoptic
from bench.formats.coco import panoptic_entries
from bench.formats.coco.files import Files, masks_folder
from bench.formats.coco.json_files import InstanceFile, Number, PanopticFile
from bench.formats.coco.unusual import TruthFile
from bench.formats.finding import folders
from bench.formats.finding.image_ids import Pictures
from bench.formats.objects import derive
from bench.samples import Instances, Truth


def panoptic_truth(
    card: Card, files: Files, path: Path
) -> tuple[list[coco_json.ImageEntry], Callable[[Number], Truth]]:
    """The images of a panoptic JSON, and a function from an image id to its truth.

    Objects come from the instances file where there is one, else from the segments.

    Raises:
        DataError: a damaged file, categories that contradict the card, images without an entry, or
            entries without an image.
    """
    file = coco_json.load(path, PanopticFile)
    coco_json.check_categories(file.categories, card, path)
    coco_json.check_used(
        (s.category_id for entry in file.annotations for s in entry.segments_info), card, path
    )
    pictures = Pictures({image.id: image.file_name for image in file.images})
    panoptic_entries.check(file.annotations, pictures, str(path), DataError)
    entries = {entry.image_id: entry for entry in file.annotations}
    strays = [number for number in entries if number not in pictures.files]
    if strays:
        raise DataError(
            f"{path}: an annotation belongs to image {strays[0]!r}, which the file does not list"
        )
    sizes = {image.id: (image.height, image.width) for image in file.images}
    missing = [str(image.id) for image in file.images if image.id not in entries]
    if missing:
        raise DataError(
            f"{path}: {len(missing)} images have no annotation ({folders.first(missing)})"
        )
    folder = masks_folder(card, path)
    from_file = (
        coco_json.once(partial(coco_instances.truth, card, files.instances))
        if files.instances
        else None
    )

    def truth_of(number: Number) -> Truth:
        entry = entries[number]

        segments = coco_panoptic.TruthFile(
            card, folders.named_below(folder, entry.file_name), entry.segments_info, sizes[number]
        )

        def instances() -> Instances:
            if from_file is not None:
                return from_file()(number)
            return derive.instances_from_segments(segments(), card.classes.things)

        return Truth(
            lambda: derive.semantic_from_segments(segments(), card.classes), instances, segments
        )

    return file.images, truth_of


def object_truth(
    card: Card, path: Path, read: TruthFile | None
) -> tuple[Sequence[coco_json.ImageEntry], Callable[[Number], Truth], bool]:
    """The images of an instances file, a function from an image id to its objects, and whether any
    of the objects has a mask.

    Objects are made when the first one is needed: counting in bulk needs none.

    Raises:
        DataError: a damaged file, or categories that contradict the card.
    """
    if read is not None:
        whole = coco_json.once(partial(coco_instances.truth, card, path))
        return read.images, lambda number: Truth(read_instances=lambda: whole()(number)), read.masks
    file = coco_json.load(path, InstanceFile)
    objects = coco_instances.truth_of(card, file, path)
    masks = not file.annotations or any(
        coco_masks.is_there(entry.segmentation) for entry in file.annotations
    )
    return file.images, lambda number: Truth(read_instances=lambda: objects(number)), masks
