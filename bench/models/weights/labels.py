"""Which output channel of a network stands for which class of a card: by position, or by name where both have names.

Names agree when they are equal but for case, spaces and underscores, or when the card lists one as an alias of the
other. This module knows neither torch nor files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import CheckpointError

if TYPE_CHECKING:
    from bench.cards import Card

UNKNOWN = -1
"""The channel of a class that the network does not have."""


@dataclass(frozen=True)
class ChannelMap:
    """The output channel for each train id 0 .. C-1, `UNKNOWN` where there is none; warnings as (code, message).

    `unscored` are the channels of labels that the card lists and does not score: a pixel with such a prediction is a
    miss, as in stored predictions.
    """

    channels: tuple[int, ...]
    warnings: tuple[tuple[str, str], ...] = ()
    unscored: tuple[int, ...] = ()


def match(card: Card, outputs: int, names: Sequence[str] | None, *, where: str) -> ChannelMap:
    """Match the channels of a network, whose classes have `names` if it is known, to the classes of the card.

    Raises:
        CheckpointError: without names, another number of channels than classes; with names, fewer than half of the
            card's classes among them.
    """
    if names is None:
        if outputs != len(card.classes):
            raise CheckpointError(
                f"{where}: the weights have {outputs} classes, the card {card.name} has {len(card.classes)}: a network "
                f"for {card.name} gives one channel to each of {_some(card.classes.names)}"
            )
        return ChannelMap(tuple(range(outputs)))
    if len(names) != outputs:
        raise CheckpointError(f"{where}: the weights have {outputs} classes, but the file names {len(names)} of them")
    return _by_name(card, names, where=where)


def fits(card: Card, names: Sequence[str]) -> bool:
    """Whether at least half of the card's classes are among these names."""
    return 2 * known(card, names) >= len(card.classes)


def known(card: Card, names: Sequence[str]) -> int:
    """How many of the card's classes are among these names."""
    return sum(channel != UNKNOWN for channel in channels_of(card, names))


def fitting_cards(names: Sequence[str]) -> list[str]:
    """The shipped cards that a network with these classes fits best: all that know as many of its names."""
    from bench import cards

    shipped = [cards.load_card(name) for name in cards.names()]
    counts = {card.name: known(card, names) for card in shipped if fits(card, names)}
    return [name for name, count in counts.items() if count == max(counts.values())]


def _by_name(card: Card, names: Sequence[str], *, where: str) -> ChannelMap:
    channels = channels_of(card, names)
    absent = [name for name, channel in zip(card.classes.names, channels, strict=True) if channel == UNKNOWN]
    if not fits(card, names):
        agreeing = len(card.classes) - len(absent)
        raise CheckpointError(
            f"{where}: the weights have {len(names)} classes ({_some(names)}), the card {card.name} has "
            f"{len(card.classes)} ({_some(card.classes.names)}), and only {agreeing} names agree, where half are "
            f"needed: bring weights for {card.name}, list other names of its classes under [aliases] in the card"
            f"{_or_cards(names)}"
        )
    unscored = _unscored(card, names, channels)
    unused = [name for channel, name in enumerate(names) if channel not in (*channels, *unscored)]
    warnings = []
    if absent:
        warnings.append(("classes-unknown", f"the weights do not know {_some(absent, 5)}: never predicted"))
    if unused:
        message = f"the card {card.name} lacks {_some(unused, 5)}, which the weights know: these are left out"
        warnings.append(("channels-left-out", message))
    return ChannelMap(tuple(channels), tuple(warnings), unscored)


def _unscored(card: Card, names: Sequence[str], channels: Sequence[int]) -> tuple[int, ...]:
    """The channels that bear the name of a label which the card lists and does not score."""
    listed = {
        _plain(name)
        for entry in card.classes.entries
        if entry.train_id is None
        for name in (entry.name, *card.aliases.get(entry.name, ()))
    }
    return tuple(n for n, name in enumerate(names) if n not in channels and _plain(name) in listed)


def _or_cards(names: Sequence[str]) -> str:
    found = fitting_cards(names)
    return f", or measure them on {' or '.join(found)}, whose classes they know" if found else ""


def channels_of(card: Card, names: Sequence[str]) -> list[int]:
    """The first channel that bears the class's own name, else one of its aliases."""
    positions: dict[str, int] = {}
    for channel, name in enumerate(names):
        positions.setdefault(_plain(name), channel)
    found = []
    for name in card.classes.names:
        accepted = [name, *card.aliases.get(name, ())]
        found.append(next((positions[_plain(n)] for n in accepted if _plain(n) in positions), UNKNOWN))
    return found


def _plain(name: str) -> str:
    """A name without what spellings differ in.

    >>> _plain("__background__"), _plain("Traffic_Light")
    ('background', 'trafficlight')
    """
    return name.lower().replace("_", "").replace(" ", "").replace("-", "")


def _some(names: Sequence[str], count: int = 3) -> str:
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")
