"""Where the files of a COCO data set are: below its folder, or around one truth JSON.

It knows names and folders, not what the files contain.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bench.errors import DataError
from bench.formats.coco import json_files as coco_json
from bench.formats.coco.json_files import ImageEntry, Number
from bench.formats.finding.image_ids import plain
from bench.formats.finding.misplaced import nothing_found

if TYPE_CHECKING:
    from bench.cards import Card

PATTERNS = {
    "images": "{split}",
    "instances": "annotations/instances_{split}.json",
    "panoptic": "annotations/panoptic_{split}.json",
    "panoptic_masks": "annotations/panoptic_{split}",
}
"""Names below the root; {split} is val2017, val2014 or val. A card's [files] may give others, with
its own word.
"""

YEARS = ("2017", "2014", "")


@dataclass(frozen=True)
class Files:
    """The files of a split: truth files that exist, and folders that may hold the images."""

    root: Path
    pictures: tuple[Path, ...]
    instances: Path | None = None
    panoptic: Path | None = None

    @property
    def truth(self) -> Path:
        """The file that lists the images."""
        return self.panoptic or self.instances or self.root


@dataclass(frozen=True)
class Names:
    """Where a split is written."""

    pictures: Path
    instances: Path
    panoptic: Path
    masks: Path


def find_files(card: Card, root: Path, split: str) -> Files:
    """Find the truth of a split; `root` is the folder of the data set or one truth JSON.

    Raises:
        DataError: nothing is there that the card's tasks could use; the message lists what was
            looked for.
    """
    if root.is_file():
        return _around(card, root, split)
    instances = _candidates(card, root, split, "instances") if "instance" in card.tasks else []
    panoptic = _candidates(card, root, split, "panoptic") if set(card.tasks) != {"instance"} else []
    files = Files(
        root=root,
        pictures=tuple(_candidates(card, root, split, "images")),
        instances=_first(instances),
        panoptic=_first(panoptic),
    )
    if files.truth is root:
        looked = ", ".join(str(path.relative_to(root)) for path in (*panoptic, *instances))
        names = [path.relative_to(root) for path in (*panoptic, *instances)]
        problem = f"there is no truth of the split {split!r} (looked for {looked})"
        raise nothing_found(
            card, root, problem, lambda folder: any((folder / name).exists() for name in names)
        )
    return files


def masks_folder(card: Card, panoptic: Path) -> Path:
    """The folder of the PNGs that belong to a panoptic JSON: the card's, else the one with the name
    of the JSON.

    Raises:
        DataError: there is none.
    """
    pattern, name = card.files.get("panoptic_masks"), card.files.get("panoptic")
    candidates = [panoptic.with_suffix("")]
    if pattern and name:
        for split, entry in card.splits.items():
            if panoptic.as_posix().endswith(_fill(name, entry.folder or split)):
                base = panoptic.as_posix().removesuffix(_fill(name, entry.folder or split))
                candidates.insert(0, Path(base) / _fill(pattern, entry.folder or split))
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise DataError(
        f"{candidates[0]}: the folder of panoptic PNGs that belongs to {panoptic.name} is missing"
    )


def picture_finder(files: Files) -> Callable[[str], tuple[str, str]]:
    """A function from the file name in a truth file to the path of the image, and its path below
    the root or its name.

    For a missing image it gives the expected path. All in strings: paths as objects take longer
    than the scores of as many images.
    """
    bases = (files.root, *files.pictures)
    root, *folders = ("" if base == Path() else os.path.join(base, "") for base in bases)  # noqa: PTH118

    def find(name: str) -> tuple[str, str]:
        if "//" in name or "./" in name:
            name = Path(name).as_posix()
        last = name.rsplit("/", 1)[-1]
        endings = (name,) if name == last else (name, last)
        candidates = [
            ending if ending[:1] == "/" else folder + ending
            for folder in folders
            for ending in endings
        ]
        picture = next(filter(os.path.exists, candidates), None)
        if picture is None and "\\" in name:  # written on Windows
            return find(plain(name))
        picture = picture or candidates[0]
        if not picture.startswith(root) or (root == "" and picture[:1] == "/"):
            return picture, last
        return picture, picture.removeprefix(root).replace(os.sep, "/")

    return find


def sample_names(listed: Sequence[ImageEntry], where: str = "the truth file") -> dict[Number, str]:
    """What images are called: their files' names without suffix, with folders only where two would
    share one.

    Where images share the whole name too, "#" and the image id follow (`0003#4`), because COCO
    identifies images by id.

    Raises:
        DataError: two images share an id.
    """
    refuse_shared_ids(listed, where)
    whole = {entry.id: _without_suffix(plain(entry.file_name)) for entry in listed}
    stems = {number: name.rsplit("/", 1)[-1] for number, name in whole.items()}
    for names in (stems, whole):
        if len(set(names.values())) == len(names):
            return names
    counts = Counter(whole.values())
    apart = {
        number: f"{name}#{number}" if counts[name] > 1 else name for number, name in whole.items()
    }
    if len(set(apart.values())) == len(apart):
        return apart
    return {number: f"{name}#{number}" for number, name in whole.items()}


def refuse_shared_ids(listed: Sequence[ImageEntry], where: str) -> None:
    """Refuse images that share an id.

    Raises:
        DataError: the first two.
    """
    seen: dict[Number, str] = {}
    for entry in listed:
        if entry.id in seen:
            other, name = seen[entry.id], entry.file_name
            both = f"{other} and {name}" if other != name else name
            raise DataError(
                f"{where}: two images have the id {entry.id!r} ({both}); each image needs its own"
            )
        seen[entry.id] = entry.file_name


def write_names(card: Card, root: Path, split: str) -> Names:
    """Where a split is written: the first names under which `find_files` looks for it."""
    pictures, instances, panoptic, masks = (
        _candidates(card, root, split, key)[0]
        for key in ("images", "instances", "panoptic", "panoptic_masks")
    )
    return Names(pictures, instances, panoptic, masks)


def _around(card: Card, file: Path, split: str) -> Files:
    root = file.parent.parent if file.parent.name == "annotations" else file.parent
    last_word = file.stem.rsplit("_", 1)[-1]
    candidates = [
        *(base / last_word for base in (root, file.parent, file.parent.parent)),
        *_candidates(card, root, split, "images"),
        *_candidates(card, file.parent.parent, split, "images"),
        *(
            base / name
            for base in (root, file.parent.parent)
            for name in ("images", "input_images")
        ),
    ]
    pictures = (*(candidate for candidate in candidates if candidate.is_dir()), file.parent)
    if coco_json.is_panoptic(file):
        return Files(root, pictures, panoptic=file)
    return Files(root, pictures, instances=file)


def _candidates(card: Card, root: Path, split: str, key: str) -> list[Path]:
    word = card.split(split).folder or split
    if key in card.files:
        return [root / _fill(card.files[key], word)]
    folder_names = [word] if word[-1:].isdigit() else [word + year for year in YEARS]
    return [root / _fill(PATTERNS[key], folder_name) for folder_name in folder_names]


def _without_suffix(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    if stem and suffix and stem[0] != "." and "/" not in name:
        return stem  # as below, in a tenth of the time
    return PurePosixPath(name).with_suffix("").as_posix()


def _fill(pattern: str, word: str) -> str:
    return pattern.replace("{split}", word)


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)
