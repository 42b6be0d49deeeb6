"""The warning where predictions agree far better in another reading: what is suspected, and the
remedy.
"""

from __future__ import annotations

from bench.classes import Classes
from bench.families.contract.rules import Source
from bench.metrics.label_space import Name, Reading, Votes
from bench.notices import Notice, few

CODES: dict[Name, str] = {
    "other-space": "label-space",
    "one-less": "label-shift",
    "one-less-train-ids": "label-shift",
    "one-more": "label-shift",
    "last-first": "label-shift",
    "first-last": "label-shift",
    "order": "label-order",
}
_SHOWN = 3
"""How many pairs of classes a sentence names."""


def notice(
    reading: Reading, votes: Votes, classes: Classes, source: Source, *, numbers: tuple[str, str]
) -> Notice:
    """The warning for a reading; `numbers` are the scores as the values were read, and as they
    would be.
    """
    looks, mend = _words(reading, votes, classes, source)
    now, then = numbers
    return Notice(
        CODES[reading.name], f"{looks}: {now} as read, but {then} if corrected; {mend}", "warning"
    )


def _words(reading: Reading, votes: Votes, classes: Classes, source: Source) -> tuple[str, str]:
    """What the predictions look like, and how to correct them."""
    stored = source.kind == "predictions"
    top = len(classes) - 1
    first, last = classes.names[0], classes.names[-1]
    train = f"hand over train ids, 0 to {top} in the card's order"
    sentences: dict[str, tuple[str, str]] = {
        "train-ids": (
            "the predictions look like train ids that were read as ids",
            "say --label-space train-ids",
        ),
        "ids": (
            "the predictions look like ids that were read as train ids",
            "leave out --label-space train-ids" if stored else train,
        ),
        "one-less": ("the predicted values look one too high", "subtract 1 from each value"),
        "one-less-train-ids": (
            "the predictions look like train ids counted from 1 that were read as ids",
            "subtract 1 from each value and say --label-space train-ids",
        ),
        "one-more": ("the predicted values look one too low", "add 1 to each value"),
        "last-first": (
            f"the predictions look as if {first}, the first class of the card, were the last one",
            f"add 1 to each value, and write {_value(classes, 0, source)} for {first}",
        ),
        "first-last": (
            f"the predictions look as if {last}, the last class of the card, were the first one",
            f"subtract 1 from each value, and write {_value(classes, top, source)} for {last}",
        ),
        "order": (
            (
                "the classes seem to be in another order than in the card "
                f"({_swaps(reading, votes, classes)})"
            ),
            "write the ids of the card"
            if stored
            else f"{train} (exported networks: list the classes in the sidecar)",
        ),
    }
    other = "train-ids" if source.space == "ids" else "ids"
    return sentences[other if reading.name == "other-space" else reading.name]


def _value(classes: Classes, train_id: int, source: Source) -> int:
    return classes.scored[train_id].id if source.space == "ids" else train_id


def _swaps(reading: Reading, votes: Votes, classes: Classes) -> str:
    """The largest pairs of classes in each other's place: what was read, for what is true."""
    readings = []
    for column in (-votes.counts.max(axis=0)).argsort(kind="stable").tolist():
        was, true = int(votes.read[column]), int(reading.read[column])
        if was != true < len(classes):
            read = (
                classes.names[was]
                if was < len(classes)
                else classes.name_of(int(votes.values[column]))
            )
            readings.append(f"{read} for {classes.names[true]}")
    return few(readings, _SHOWN)
