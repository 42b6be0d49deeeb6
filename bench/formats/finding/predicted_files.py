"""Which file of a folder is the prediction of which image: one way of naming for all images, and a
file for one image.

Files named by the whole id come first. A fallback counts only where it gives every image one file
of its own, and then a note says so. This module does not look inside the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeAlias

from bench.errors import PredictionError, UnmatchedError
from bench.formats.finding import folders
from bench.formats.finding.listing import listing_of
from bench.images import IMAGE_SUFFIXES, LABEL_SUFFIXES
from bench.notices import Notice
from bench.samples import Sample

Keys: TypeAlias = Mapping[str, Sequence[Path]]
"""What files are called, such as their path below the folder without suffix -> the files."""


class Found(NamedTuple):
    """The file of each image by its id, and what to say of how it was found."""

    paths: dict[str, Path]
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, eq=False)
class _Tried:
    """One way of naming: the files of each image, and the images that share a name."""

    words: str
    files: dict[str, Sequence[Path]]
    shared: dict[str, list[str]] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether every image has one file, and no file serves two."""
        if self.shared or any(len(files) != 1 for files in self.files.values()):
            return False
        return len({files[0] for files in self.files.values()}) == len(self.files)

    @property
    def paths(self) -> dict[str, Path]:
        """The file of each image, where this way fits."""
        return {name: files[0] for name, files in self.files.items()}

    @property
    def served(self) -> int:
        """How many images have one file of their own."""
        return sum(len(files) == 1 for files in self.files.values()) if not self.shared else 0


def find(
    path: Path, samples: Sequence[Sample], suffixes: Collection[str] = LABEL_SUFFIXES
) -> Found:
    """Find one label file for every sample.

    Raises:
        PredictionError: no such folder, an image with several files, or images without one; the
            message has examples.
    """
    if not path.is_dir():
        state = "a file" if path.exists() else "missing"
        raise PredictionError(
            f"{path}: expected a folder of label PNGs, one for every image, but it is {state}"
        )
    below = folders.files_below(path, suffixes)
    if all(sample.id in below for sample in samples):
        return Found({sample.id: below[sample.id] for sample in samples})
    names = listing_of(samples).names
    keys: Keys = {key: (file,) for key, file in below.items()}
    plain = list(_by_id(keys, samples, names, ""))
    good = next((tried for tried in plain if tried.fits), None)
    if good is None:
        good = _otherwise(path, keys, samples, names)
    if good is None:
        raise _unmatched(path, below, samples, plain)
    return Found(good.paths, () if good is plain[0] else (_note(path, good.paths, good.words),))


def _by_id(
    keys: Keys, samples: Sequence[Sample], names: Sequence[str], how: str
) -> Iterator[_Tried]:
    """Files by the whole id, by an id at the end of their path, and by the last part of the id
    alone.
    """
    yield _Tried(f"the id{how}", {sample.id: keys.get(sample.id, ()) for sample in samples})
    ends: dict[str, list[Path]] = {}
    for key, files in keys.items():
        components = key.split("/")
        for start in range(len(components)):
            ends.setdefault("/".join(components[start:]), []).extend(files)
    yield _Tried(
        f"the id at the end of the path{how}",
        {sample.id: ends.get(sample.id, ()) for sample in samples},
    )
    owners: dict[str, list[str]] = {}
    for name in names:
        owners.setdefault(name.rsplit("/", 1)[-1], []).append(name)
    shared = {
        sample.stem: owners[sample.stem]
        for sample in samples
        if sample.stem in ends and len(owners.get(sample.stem, ())) > 1
    }
    yield _Tried(
        f"the last part of the id{how}", {s.id: ends.get(s.stem, ()) for s in samples}, shared
    )


def _otherwise(
    path: Path, keys: Keys, samples: Sequence[Sample], names: Sequence[str]
) -> _Tried | None:
    """Files named like the images, in another case, with a text before or after the id, or by a
    number.
    """
    pictures = _renamed(
        keys, lambda last: last[: -len(PurePosixPath(last).suffix)] if _is_picture(last) else None
    )
    lower = _renamed(keys, str.lower)
    ways = [
        *_by_id(pictures, samples, names, " with the image's suffix"),
        *_of_other_letters(lower, samples, names),
        *_of_numbers(keys, samples, names),
    ]
    good = [tried for tried in ways if tried.fits]
    if good or not samples:
        different = next((tried for tried in good if tried.paths != good[0].paths), None)
        if different is None:
            return good[0] if good else None
        file, other = (next(iter(tried.files.values()))[0].name for tried in (good[0], different))
        raise PredictionError(
            f"{path}: {good[0].words} finds {file} for {samples[0].id}, {different.words} finds "
            f"{other}; name the files by the ids, such as {samples[0].id}.png"
        )
    fits = []
    for before, behind in _affixes(keys, samples[0].stem):
        rest = _renamed(keys, partial(_without, before=before, behind=behind))
        attempts = _by_id(rest, samples, names, f" as {before}{{id}}{behind}")
        fits += [tried for tried in attempts if tried.fits][:1]
    if len(fits) > 1:
        file, other = (next(iter(tried.files.values()))[0].name for tried in fits[:2])
        raise PredictionError(
            f"{path}: every image has {len(fits)} files, such as {file} and {other} for "
            f"{samples[0].id}; pass a folder with one file for each image"
        )
    return fits[0] if fits else None


def _of_other_letters(lower: Keys, samples: Sequence[Sample], names: Sequence[str]) -> list[_Tried]:
    small = {sample.id: sample.id.lower() for sample in samples}
    if len(set(map(str.lower, names))) < len(set(names)):
        return []
    others = [Sample(small[sample.id], sample.truth) for sample in samples]
    attempts = _by_id(
        lower, others, [name.lower() for name in names], " with different upper and lower case"
    )
    return [
        _Tried(tried.words, {s.id: tried.files[small[s.id]] for s in samples}, tried.shared)
        for tried in attempts
    ]


def _of_numbers(keys: Keys, samples: Sequence[Sample], names: Sequence[str]) -> list[_Tried]:
    """`7.png` for an image that a COCO file numbers 7, and for the id 0007."""
    numbered: dict[int, list[Path]] = {}
    for key, files in keys.items():
        last = key.rsplit("/", 1)[-1]
        if last.isdecimal():
            numbered.setdefault(int(last), []).extend(files)
    if not numbered:
        return []
    numbers_of = {sample.id: getattr(sample.origin, "number", None) for sample in samples}
    number_by_id = {name: number for name, number in numbers_of.items() if isinstance(number, int)}
    ways = [("the number of the image", number_by_id)] if len(number_by_id) == len(samples) else []
    if all(sample.stem.isdecimal() for sample in samples):
        numbers = Counter(
            int(stem) for name in names if (stem := name.rsplit("/", 1)[-1]).isdecimal()
        )
        from_ids = {sample.id: int(sample.stem) for sample in samples}
        if all(numbers[number] == 1 for number in from_ids.values()):
            ways.append(("the number in the id", from_ids))
    return [
        _Tried(description, {name: numbered.get(n, ()) for name, n in number_of.items()})
        for description, number_of in ways
    ]


def _affixes(keys: Keys, stem: str) -> list[tuple[str, str]]:
    """The texts before and after the id in the file names of one image, if no letter or digit
    touches the id.
    """
    affixes = dict[tuple[str, str], None]()
    for key in keys:
        last = key.rsplit("/", 1)[-1]
        start = last.find(stem)
        while start >= 0:
            before, behind = last[:start], last[start + len(stem) :]
            if (before or behind) and not before[-1:].isalnum() and not behind[:1].isalnum():
                affixes[before, behind] = None
            start = last.find(stem, start + 1)
    return list(affixes)


def _renamed(keys: Keys, name: Callable[[str], str | None]) -> Keys:
    """The files by other names of their last parts; those without one are left out."""
    renamed: dict[str, list[Path]] = {}
    for key, files in keys.items():
        folder, slash, last = key.rpartition("/")
        new = name(last)
        if new:
            renamed.setdefault(folder + slash + new, []).extend(files)
    return renamed


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def _without(last: str, *, before: str, behind: str) -> str | None:
    if len(last) <= len(before) + len(behind) or not (
        last.startswith(before) and last.endswith(behind)
    ):
        return None
    return last[len(before) : len(last) - len(behind)]


def _note(path: Path, paths: Mapping[str, Path], description: str) -> Notice:
    name, file = next(iter(paths.items()))
    example = f"such as {file.relative_to(path).as_posix()} for {name}"
    return Notice("matched-otherwise", f"the predictions were found by {description}, {example}")


def _unmatched(
    path: Path, below: Mapping[str, Path], samples: Sequence[Sample], plain: Sequence[_Tried]
) -> PredictionError:
    """What is wrong: several files of an image, a file for several images, or none."""
    best = max(plain, key=lambda tried: tried.served)
    several = next(((n, f) for n, f in best.files.items() if len(f) > 1), None) or next(
        (
            (n, f)
            for tried in plain
            for n, f in tried.files.items()
            if len(f) > 1 and not tried.shared
        ),
        None,
    )
    if several is not None:
        name, files = several
        pair = f"{files[0]} and {files[1]}"
        which = (
            f"; pass one of the folders, such as {files[0].parent}"
            if files[0].parent != files[1].parent
            else ""
        )
        return PredictionError(
            f"{path}: {name} has {len(files)} predictions, such as {pair}; an image has one{which}"
        )
    missing = [name for name, files_found in best.files.items() if not files_found]
    if not missing:  # all are served, but some by the file of another image
        missing = list(best.files)
    text = f"{len(missing)} of {len(samples)} images have no prediction ({folders.first(missing)})"
    there = folders.first(file.relative_to(path).as_posix() for file in below.values())
    present = f", and {len(below)} label file{'s are' if len(below) > 1 else ' is'} there ({there})"
    shared = next((stem for tried in plain for stem in tried.shared if stem in below), None)
    if shared is not None:
        owners = next(tried.shared[shared] for tried in plain if shared in tried.shared)
        present += (
            f"; {shared}.png could belong to {' or '.join(owners[:2])}, and a file "
            "belongs to one image"
        )
    present = (
        present + _in_common(missing, [sample.id for sample in samples])
        if below
        else folders.what_lies(path)
    )
    return UnmatchedError(f"{path}: {text}; {missing[0]}.png is expected{present}")


def _in_common(missing: Sequence[str], names: Sequence[str]) -> str:
    """What some missing images have in common: a folder, or the end of the list."""
    if len(missing) in (1, len(names)):
        return ""
    folder = missing[0].rpartition("/")[0]
    if folder and {name for name in names if name.startswith(f"{folder}/")} == set(missing):
        return f"; they are all images of {folder}"
    if list(missing) == list(names[-len(missing) :]):
        return (
            "; they are the last of the list, so the program that wrote the others may have "
            "stopped early"
        )
    return ""
