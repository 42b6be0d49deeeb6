"""The layout `cityscapes`: leftImg8bit, gtFine, disparity and camera, with one folder a city."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.formats.contract.folder_layout import DataSet, FolderLayout

if TYPE_CHECKING:
    from bench.cards.card_rules import CardKeys


class Cityscapes(FolderLayout):
    """The folders and file names of Cityscapes."""

    def unused_keys(self, card: CardKeys) -> Mapping[str, str]:
        """The label files hold label ids."""
        del card
        reason = (
            "which reads label ids from *_labelIds.png; use layout 'pairs' with a [files] table"
        )
        predicted = " (predictions in the colours of the classes are read without it)"
        return {"colors": reason + predicted, "values": reason, "threshold": reason}

    def data_set(self) -> DataSet:
        """The functions of `data_set.py`."""
        from bench.formats.cityscapes import data_set

        return data_set


LAYOUT = Cityscapes()
