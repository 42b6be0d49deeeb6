"""The classes of label maps without a card, assumed from the values in truth and predictions.

It knows values, not files. Notices say what was assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.errors import DataError
from bench.formats.finding import folders
from bench.notices import Notice

WHITE = 255
"""Masks are often drawn as 0 and 255; in label maps of several classes 255 mostly means void."""
_MOST = 256
"""More values than this are taken for classes only where --classes says so."""


@dataclass(frozen=True)
class Labels:
    """Classes by value, values that do not count, and pixel values that mean other values (255 = 1
    in masks).

    `missed` are values that do not count in the truth and are predicted: misses there.
    """

    names: Mapping[int, str]
    notices: Sequence[Notice]
    void: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    values: Mapping[int, int] = field(default_factory=dict)

    def __contains__(self, value: int) -> bool:
        """Whether a value means anything."""
        return any(value in values for values in (self.names, self.void, self.missed, self.values))


@dataclass(frozen=True)
class Values:
    """What the values of truth and predictions mean, given --classes and --ignore."""

    truth: set[int]
    predicted: set[int]
    names: tuple[str, ...] | None
    ignore: tuple[int, ...] | None

    def labels(self) -> Labels:
        """Classes and void, with notices of what was assumed."""
        if self._are_masks:
            return self._masks()
        void, notices = self._void()
        names = self._classes(void)
        if self.names is None:
            _refuse_too_many(names)
            listed = folders.first(names.values())
            count = "1 class was" if len(names) == 1 else f"{len(names)} classes were"
            message = f"{count} taken from the values of both folders ({listed})"
            notices.insert(0, Notice("assumed-classes", f"{message}; --classes a,b,c names them"))
        missed = tuple(value for value in void if value in self.predicted)
        if missed:
            message = (
                f"{' and '.join(map(str, missed))}, which does not count in the ground "
                "truth, is also predicted"
            )
            notices.append(Notice("void-predicted", f"{message}: these pixels count as misses"))
        return Labels(names, notices, tuple(value for value in void if value not in missed), missed)

    @property
    def _are_masks(self) -> bool:
        seen = self.truth | self.predicted
        fits = self.names is None or len(self.names) == 2
        apart = not any({1, WHITE} <= values for values in (self.truth, self.predicted))
        return self.ignore is None and fits and apart and WHITE in seen and seen <= {0, 1, WHITE}

    def _masks(self) -> Labels:
        first, second = self.names or ("background", "foreground")
        seen = sorted(self.truth | self.predicted | {0, WHITE})
        values_seen = "0 and 255" if len(seen) == 2 else "0, 1 and 255"
        message = (
            f"the masks hold only the values {values_seen}, so {WHITE} was read as the class "
            f"{second}"
        )
        notice = Notice("assumed-masks", f"{message}; if it means void, use --ignore {WHITE}")
        return Labels(
            {0: first, 1: second}, [notice], values={value: min(value, 1) for value in seen}
        )

    def _void(self) -> tuple[tuple[int, ...], list[Notice]]:
        if self.ignore is not None:
            return self.ignore, []
        named = self.names is not None and len(self.names) > WHITE
        if WHITE not in self.truth or named:
            return (), []
        message = (
            f"{WHITE} in the ground truth was read as void and does not count; if it is "
            "a class, use --ignore none"
        )
        return (WHITE,), [Notice("assumed-void", message)]

    def _classes(self, void: Sequence[int]) -> dict[int, str]:
        if self.names is not None:
            return {value: name for value, name in enumerate(self.names) if value not in void}
        return {
            value: f"class {value}" for value in sorted((self.truth | self.predicted) - set(void))
        }


def _refuse_too_many(names: Mapping[int, str]) -> None:
    if len(names) > _MOST:
        raise DataError(
            f"the label maps hold {len(names)} different values: these are images or object "
            "numbers rather than classes; give the number of classes with --classes"
        )
