"""Which output channel stands for which class: by position, or by names that agree or are aliases
of each other.
"""

from __future__ import annotations

import pytest

from bench.cards import load_card
from bench.errors import CheckpointError
from bench.models.weights import labels

STREETS, VOC = load_card("streets"), load_card("voc2012")
TORCHVISION_VOC = [
    "__background__",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
]


def test_without_names_the_position_counts() -> None:
    assert labels.ChannelMap(tuple(range(21))) == labels.match(VOC, 21, None, where="file")
    with pytest.raises(
        CheckpointError, match="file: the weights have 21 classes, but the card streets has 19"
    ):
        labels.match(STREETS, 21, None, where="file")


def test_the_file_must_name_all_of_its_classes() -> None:
    with pytest.raises(CheckpointError, match="have 19 classes, but the file names 2"):
        labels.match(STREETS, 19, ["road", "sidewalk"], where="file")


def test_names_agree_in_spite_of_spelling_and_by_aliases() -> None:
    names = [name.upper().replace(" ", "_") for name in STREETS.classes.names[::-1]]
    names[names.index("PERSON")] = "Pedestrian"
    assert tuple(range(19))[::-1] == labels.match(STREETS, 19, names, where="file").channels


def test_a_class_takes_its_own_name_before_an_alias() -> None:
    names = ["pedestrian", *STREETS.classes.names]
    found = labels.match(STREETS, 20, names, where="file")
    assert tuple(range(1, 20)) == found.channels
    assert ["channels-left-out"] == [code for code, _ in found.warnings]


def test_fewer_than_half_of_the_classes_are_too_few() -> None:
    with pytest.raises(
        CheckpointError,
        match=r"21 classes \(__background__, .*card streets has 19 .* only 6 names agree",
    ):
        labels.match(STREETS, 21, TORCHVISION_VOC, where="file")
    assert not labels.fits(STREETS, TORCHVISION_VOC)
    assert not labels.fits(STREETS, STREETS.classes.names[:9])
    assert labels.fits(STREETS, STREETS.classes.names[:10])


@pytest.mark.parametrize("name", ["coco-panoptic", "coco-instances"])
def test_names_of_coco_and_voc_map_to_each_other(name: str) -> None:
    coco = load_card(name).classes.names
    found = labels.match(VOC, len(coco), coco, where="file").channels
    things = [
        n for n, channel in zip(VOC.classes.names, found, strict=True) if channel == labels.UNKNOWN
    ]
    assert ["background"] == things
    assert "tv" == coco[found[VOC.classes.names.index("tvmonitor")]]
    assert "airplane" == coco[found[VOC.classes.names.index("aeroplane")]]


def test_the_names_of_torchvision_are_those_of_voc() -> None:
    assert tuple(range(21)) == labels.match(VOC, 21, TORCHVISION_VOC, where="file").channels
