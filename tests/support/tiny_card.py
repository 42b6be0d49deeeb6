"""The card of a small data set of label maps that is never on disk, for tests of runs and their
records.
"""

from __future__ import annotations

from bench import cards

CARD = """
name = "tiny"
title = "Tiny"
layout = "pairs"
tasks = ["semantic"]
licence = "none"
cite = "none"
obtain = "none"
splits = { val = {} }
files = { images = "{id}.jpg", labels = "{id}.png" }
"""


def with_classes(*names: str) -> cards.Card:
    """A card that scores these classes, whose ids are their train ids."""
    classes = ", ".join(
        f'{{ id = {n}, name = "{name}", train_id = {n} }}' for n, name in enumerate(names)
    )
    return cards.parse_card(f"{CARD}classes = [{classes}]\n".encode(), where="test")
