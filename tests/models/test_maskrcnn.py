"""Mask R-CNN: the objects of torchvision's own forward, its old and new checkpoints, and the
classes they stand for.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra models is not installed")
pytest.importorskip("torchvision", reason="the extra models is not installed")

from safetensors.torch import save_file  # noqa: E402
from torchvision.models import get_model  # noqa: E402

from bench import masks, models  # noqa: E402
from bench.cards import Card, load_card  # noqa: E402
from bench.errors import BenchError, CheckpointError, UsageError  # noqa: E402
from bench.models import Options  # noqa: E402
from bench.models.architectures import object_networks  # noqa: E402
from bench.models.running.batches import Batches  # noqa: E402
from bench.models.running.object_inference import ObjectModel  # noqa: E402
from bench.samples import Instances, LabelMap, Segments  # noqa: E402

STREETS, COCO, VOC = load_card("streets"), load_card("coco-instances"), load_card("voc2012")
THINGS = [STREETS.classes.names[index] for index in np.flatnonzero(STREETS.classes.things)]


def slim(outputs: int = len(THINGS) + 1) -> Any:
    """The slim network with random weights that answers with many objects."""
    torch.manual_seed(11)
    network = object_networks.build("maskrcnn_slim8", outputs).eval()
    with torch.no_grad():
        network.roi_heads.box_predictor.cls_score.weight.normal_(0, 0.5)
        network.roi_heads.mask_predictor.mask_fcn_logits.weight.normal_(0, 0.5)
    return network


def slim_file(folder: Path, names: list[str] | None = None, **metadata: str) -> Path:
    names = names or THINGS
    told = {"architecture": "maskrcnn_slim8", "classes": json.dumps(names), **metadata}
    path = folder / "slim.safetensors"
    state = slim(len(names) + 1).state_dict()
    save_file({name: value.contiguous() for name, value in state.items()}, path, metadata=told)
    return path


def load(path: Path, card: Card = STREETS, **options: Any) -> ObjectModel:
    found = models.load("maskrcnn", card, Options(weights=str(path), device="cpu", **options))
    assert isinstance(found, ObjectModel)
    return found


@pytest.fixture
def pictures() -> list[Any]:
    rng = np.random.default_rng(3)
    patches = rng.integers(0, 256, (6, 10, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    return [patches, patches[:70, :133].copy()]


def require_same(network: Any, picture: Any, found: Any, labels: dict[int, int]) -> None:
    """Objects are those of torchvision's own forward: `labels` are its labels, and the train ids
    they stand for.
    """
    with torch.inference_mode():
        theirs = network([torch.from_numpy(picture).permute(2, 0, 1).float() / 255])[0]
    kept = [n for n, label in enumerate(theirs["labels"].tolist()) if label in labels]
    assert isinstance(found, Instances)
    assert len(kept) == len(found) > 5
    assert [labels[int(theirs["labels"][n])] for n in kept] == found.classes.tolist()
    assert theirs["scores"][kept].tolist() == pytest.approx(found.scores)
    corners = theirs["boxes"][kept].numpy().astype(np.float64)
    np.testing.assert_allclose(
        corners, np.column_stack([found.boxes[:, :2], found.boxes[:, :2] + found.boxes[:, 2:]])
    )
    for n, rle, area in zip(kept, found.rles, found.areas, strict=True):
        expected = theirs["masks"][n, 0].numpy() >= 0.5
        np.testing.assert_array_equal(expected, masks.decode(rle))
        assert expected.sum() == area


def test_objects_are_those_of_torchvision(tmp_path: Path, pictures: list[Any]) -> None:
    model = load(slim_file(tmp_path))
    train_ids = {
        label: int(class_)
        for label, class_ in enumerate(np.flatnonzero(STREETS.classes.things), start=1)
    }
    for picture, found in zip(pictures, model.predict(pictures), strict=True):
        require_same(slim(), picture, found, train_ids)


def test_classes_are_matched_by_name(tmp_path: Path, pictures: list[Any]) -> None:
    names = ["bicycle", "unicorn", "Car", "pedestrian", "bus"]
    model = load(slim_file(tmp_path, names))
    labels = {1: "bicycle", 3: "car", 4: "person", 5: "bus"}
    require_same(
        slim(6),
        pictures[0],
        model.predict(pictures[:1])[0],
        {k: STREETS.classes.names.index(v) for k, v in labels.items()},
    )
    assert {"classes-unknown", "channels-left-out"} == {
        code for code, _ in model.identity["warnings"]
    }


@pytest.mark.slow
@pytest.mark.parametrize("architecture", object_networks.ARCHITECTURES)
def test_state_dicts_of_torchvision_are_known_and_stand_for_coco(
    architecture: str, tmp_path: Path, pictures: list[Any]
) -> None:
    torch.manual_seed(5)
    network = get_model(architecture, weights=None, weights_backbone=None, num_classes=91).eval()
    with torch.no_grad():
        network.roi_heads.box_predictor.cls_score.weight.normal_(0, 0.05)
    torch.save({"model": network.state_dict()}, tmp_path / "mine.pth")
    sizes = {"min_size": (96,), "max_size": 160}
    vars(network.transform).update(sizes)
    model = load(tmp_path / "mine.pth", COCO, score_threshold=0.012, detections=20)
    vars(model.network.transform).update(sizes)
    network.roi_heads.score_thresh, network.roi_heads.detections_per_img = 0.012, 20
    assert architecture == model.identity["architecture"]
    # torchvision numbers COCO's classes by their ids, of which the card makes train ids without
    # gaps.
    labels = {
        entry.id: entry.train_id for entry in COCO.classes.scored if entry.train_id is not None
    }
    require_same(network, pictures[0], model.predict(pictures[:1])[0], labels)


def test_old_names_of_published_files_are_read() -> None:
    state = get_model(
        "maskrcnn_resnet50_fpn", weights=None, weights_backbone=None, num_classes=3
    ).state_dict()
    old = {}
    for name, value in state.items():
        kept = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        if "fpn" in kept:
            kept = kept.replace(".0.weight", ".weight").replace(".0.bias", ".bias")
        for layer in range(4):
            kept = kept.replace(f"mask_head.{layer}.0.", f"mask_head.mask_fcn{layer + 1}.")
        old[kept] = value
    assert "roi_heads.mask_head.mask_fcn4.bias" in old
    assert "backbone.fpn.layer_blocks.3.weight" in old
    assert [*state] == [*object_networks.modernised(old)]
    assert object_networks.recognise(object_networks.modernised(old)) == "maskrcnn_resnet50_fpn"


def test_score_threshold_and_detections_limit_objects(tmp_path: Path, pictures: list[Any]) -> None:
    path = slim_file(tmp_path)
    whole, few = (
        load(path).predict(pictures[:1])[0],
        load(path, detections=7).predict(pictures[:1])[0],
    )
    assert isinstance(whole, Instances)
    assert isinstance(few, Instances)
    assert whole.scores is not None
    assert few.scores is not None
    assert whole.scores[:7].tolist() == few.scores.tolist()
    middle = float(np.median(whole.scores))
    sure = load(path, score_threshold=middle)
    left = sure.predict(pictures[:1])[0]
    assert isinstance(left, Instances)
    assert left.scores is not None
    assert 0 < len(left) < len(whole)
    assert left.scores.min() > middle
    assert (whole.scores > middle).sum() == len(left)
    assert {"score_threshold": middle} == {
        k: v for k, v in sure.settings.items() if k not in load(path).settings
    }


def test_an_input_size_is_what_the_network_sees(tmp_path: Path, pictures: list[Any]) -> None:
    model = load(slim_file(tmp_path), input_size=(64, 96))
    network = slim()
    network.transform.fixed_size = (96, 64)
    train_ids = {
        label: int(class_)
        for label, class_ in enumerate(np.flatnonzero(STREETS.classes.things), start=1)
    }
    require_same(network, pictures[1], model.predict(pictures[1:])[0], train_ids)


def test_other_tasks_are_painted(tmp_path: Path, pictures: list[Any]) -> None:
    path = slim_file(tmp_path)
    labels = load(path, task="semantic").predict(pictures)[1]
    segments = load(path, task="panoptic").predict(pictures)[1]
    assert isinstance(labels, LabelMap)
    assert isinstance(segments, Segments)
    assert pictures[1].shape[:2] == labels.size == segments.size


def test_no_objects_are_an_answer(tmp_path: Path, pictures: list[Any]) -> None:
    found = load(slim_file(tmp_path), score_threshold=1.0).predict(pictures)
    assert [0, 0] == [len(one) for one in found if isinstance(one, Instances)]


def refuse(path: Path, card: Card = STREETS, **options: Any) -> str:
    with pytest.raises(BenchError) as caught:
        load(path, card, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_other_weights_are_refused_in_one_sentence(tmp_path: Path) -> None:
    deeplab = get_model(
        "deeplabv3_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=19
    )
    torch.save(deeplab.state_dict(), tmp_path / "deeplab.pth")
    assert "use --model deeplab" in refuse(tmp_path / "deeplab.pth")
    torch.save({"weight": torch.zeros(3, 4)}, tmp_path / "linear.pth")
    assert (
        "weights that --model maskrcnn does not know (the first of its 1 tensors is weight)"
        in refuse(tmp_path / "linear.pth")
    )
    path = slim_file(tmp_path)
    path.write_bytes(path.read_bytes()[:90_000])
    assert "truncated" in refuse(path)
    assert "only 0 names agree" in refuse(slim_file(tmp_path, ["unicorn", "gryphon"]))
    assert "use --model fcn" in refuse(slim_file(tmp_path, architecture="fcn_slim8"))
    assert "does not support --window" in refuse(slim_file(tmp_path), window=(64, 64))


def test_another_number_of_classes_needs_names(tmp_path: Path) -> None:
    torch.save(slim(4).state_dict(), tmp_path / "unnamed.pth")
    assert "the weights have 3 classes, but the card streets has 8" in refuse(
        tmp_path / "unnamed.pth"
    )


def test_a_card_without_objects_is_refused(tmp_path: Path) -> None:
    stuff = tuple(replace(entry, thing=False) for entry in STREETS.classes.entries)
    card = replace(STREETS, classes=replace(STREETS.classes, entries=stuff))
    with pytest.raises(UsageError, match="no class with thing = true"):
        load(slim_file(tmp_path), card)


def test_published_weights_that_cannot_be_fetched_say_which_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("offline")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(
        CheckpointError, match=r"put the file maskrcnn_resnet50_fpn_coco-bf2d0c1e\.pth into"
    ):
        models.load("maskrcnn", COCO, Options(weights="DEFAULT", device="cpu"))
    with pytest.raises(CheckpointError, match=r"maskrcnn_resnet50_fpn_coco-bf2d0c1e\.pth"):
        models.load("maskrcnn", VOC, Options(device="cpu"))


def test_a_batch_that_memory_does_not_hold_is_halved_and_said(
    tmp_path: Path, pictures: list[Any]
) -> None:
    class Small(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, network: Any) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: list[Any]) -> Any:
            if len(images) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.network(images)

    plain = load(slim_file(tmp_path))
    small: Any = Small(plain.network)
    # What a GPU does with a batch, on the CPU.
    model = replace(plain, network=small, identity={**plain.identity, "warnings": []})
    object.__setattr__(model, "_batches", Batches("cuda", 2, True, model.identity["warnings"]))
    expected = plain.predict(pictures[:1] * 2)
    found = model.predict(pictures[:1] * 2)
    assert [one.scores.tolist() for one in expected] == [one.scores.tolist() for one in found]
    assert ["out-of-memory"] == [code for code, _ in model.identity["warnings"]]
