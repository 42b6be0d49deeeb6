"""The layout `voc`: JPEGImages, SegmentationClass, SegmentationObject and lists of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.formats.contract.folder_layout import DataSet, FolderLayout

if TYPE_CHECKING:
    from bench.cards.card_rules import CardKeys


class Voc(FolderLayout):
    """The folders of PASCAL VOC, with or without VOCdevkit/VOC<year> above them."""

    void_in_object_files = True
    written_void = (255,)

    def unused_keys(self, card: CardKeys) -> Mapping[str, str]:
        """All images are in one folder, so no city can be read from their ids."""
        if card.groups != "city":
            return {}
        return {"groups": "whose images are in one folder; use sequence or none"}

    def data_set(self) -> DataSet:
        """The functions of `data_set.py`."""
        from bench.formats.voc import data_set

        return data_set


LAYOUT = Voc()
