"""Which output channel of a network belongs to which class of a card.

Channels are matched by position, or by name if both sides have names. Names agree if they are equal
except for case, spaces, hyphens and underscores, or if the card lists one as an alias of the other.
This module knows neither torch nor files.
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
    """The output channel of each train id.

    Attributes:
        channels: for each train id 0 .. C-1 its channel, or `UNKNOWN`.
        warnings: (code, message) for the run record.
        unscored: channels of labels that the card lists but does not score. A pixel with such a
            prediction is a miss, as in stored predictions.
    """

    channels: tuple[int, ...]
    warnings: tuple[tuple[str, str], ...] = ()
    unscored: tuple[int, ...] = ()


def match(card: Card, outputs: int, names: Sequence[str] | None, *, where: str) -> ChannelMap:
    """Match the channels of a network to the classes of the card.

    Args:
        card: the data set.
        outputs: the number of channels.
        names: the classes of the network; None if they are unknown.
        where: the file or folder of the weights, for messages.

    Raises:
        CheckpointError: without names, the number of channels differs from that of the classes;
            with names, fewer than half of the card's classes are among them.
    """
    if names is None:
        if outputs != len(card.classes):
            raise CheckpointError(
                f"{where}: the weights have {outputs} classes, but the card {card.name} has "
                f"{len(card.classes)} ({_some(card.classes.names)}); without class names in the "
                "file, each class needs one channel"
            )
        return ChannelMap(tuple(range(outputs)))
    if len(names) != outputs:
        raise CheckpointError(
            f"{where}: the weights have {outputs} classes, but the file names {len(names)}"
        )
    return _by_name(card, names, where=where)


def fits(card: Card, names: Sequence[str]) -> bool:
    """Whether at least half of the card's classes are among these names."""
    return 2 * count_known(card, names) >= len(card.classes)


def count_known(card: Card, names: Sequence[str]) -> int:
    """How many of the card's classes are among these names."""
    return sum(channel != UNKNOWN for channel in channels_of(card, names))


def fitting_cards(names: Sequence[str]) -> list[str]:
    """The shipped cards that a network with these classes fits best.

    These are all cards with the largest number of known classes.
    """
    from bench import cards

    shipped = [cards.load_card(name) for name in cards.names()]
    counts = {card.name: count_known(card, names) for card in shipped if fits(card, names)}
    return [name for name, count in counts.items() if count == max(counts.values())]


def unknown_classes(names: Sequence[str]) -> tuple[str, str]:
    """The warning for classes of the card that the weights do not know."""
    return "classes-unknown", f"the weights do not know {_some(names, 5)}: never predicted"


def channels_of(card: Card, names: Sequence[str]) -> list[int]:
    """For each class of the card the first channel with its own name, else with an alias."""
    first_channel: dict[str, int] = {}
    for channel, name in enumerate(names):
        first_channel.setdefault(_plain(name), channel)
    channels = []
    for name in card.classes.names:
        accepted = [_plain(spelling) for spelling in (name, *card.aliases.get(name, ()))]
        matches = [first_channel[spelling] for spelling in accepted if spelling in first_channel]
        channels.append(matches[0] if matches else UNKNOWN)
    return channels


def _by_name(card: Card, names: Sequence[str], *, where: str) -> ChannelMap:
    channels = channels_of(card, names)
    if not fits(card, names):
        raise CheckpointError(_too_few_agree(card, names, where))
    unscored = _unscored(card, names, channels)
    missing = [
        name
        for name, channel in zip(card.classes.names, channels, strict=True)
        if channel == UNKNOWN
    ]
    unused = [name for channel, name in enumerate(names) if channel not in (*channels, *unscored)]
    warnings = []
    if missing:
        warnings.append(unknown_classes(missing))
    if unused:
        message = (
            f"the weights know classes that the card {card.name} does not have: "
            f"{_some(unused, 5)}; they are left out"
        )
        warnings.append(("channels-left-out", message))
    return ChannelMap(tuple(channels), tuple(warnings), unscored)


def _too_few_agree(card: Card, names: Sequence[str], where: str) -> str:
    fitting = fitting_cards(names)
    or_cards = (
        f", or evaluate on {' or '.join(fitting)}, whose classes they know" if fitting else ""
    )
    return (
        f"{where}: the weights have {len(names)} classes ({_some(names)}), the card {card.name} "
        f"has {len(card.classes)} ({_some(card.classes.names)}), and only "
        f"{count_known(card, names)} names agree, but at least half are needed: pass weights for "
        f"{card.name}, list other names of its classes under [aliases] in the card{or_cards}"
    )


def _unscored(card: Card, names: Sequence[str], channels: Sequence[int]) -> tuple[int, ...]:
    """The channels with the name of a label that the card lists but does not score."""
    listed = {
        _plain(name)
        for entry in card.classes.entries
        if entry.train_id is None
        for name in (entry.name, *card.aliases.get(entry.name, ()))
    }
    return tuple(
        channel
        for channel, name in enumerate(names)
        if channel not in channels and _plain(name) in listed
    )


def _plain(name: str) -> str:
    """A name without the characters in which spellings differ.

    >>> _plain("__background__"), _plain("Traffic_Light")
    ('background', 'trafficlight')
    """
    return name.lower().replace("_", "").replace(" ", "").replace("-", "")


def _some(names: Sequence[str], count: int = 3) -> str:
    return ", ".join(names[:count]) + (
        f" and {len(names) - count} more" if len(names) > count else ""
    )
