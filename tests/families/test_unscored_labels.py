"""A label that the card lists and does not score: predicted by a network or in a stored file, it
counts the same.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from bench import cards
from bench.families import family
from bench.families.contract.rules import Rules
from bench.formats import layout
from bench.models.running.inference import SemanticModel
from bench.models.running.query_model import QueryModel
from bench.models.weights import labels
from bench.samples import LabelMap, Sample, Truth

CAMVID = cards.load_card("camvid")
NAMES = ["Void", *CAMVID.classes.names[::-1], "bird"]
"""Of a network: void first, the classes in reverse, and one that the card lacks."""
IDS = np.random.default_rng(3).integers(0, 12, (9, 14)).astype(np.uint8)
"""Predicted label ids; 11 is void."""


class Fixed(torch.nn.Module):
    """Answers with the logits that `IDS` are the argmax of, whatever it is shown."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        channel = torch.tensor([[11 - int(i) if i < 11 else 0 for i in row] for row in IDS])
        logits = torch.nn.functional.one_hot(channel, len(NAMES)).permute(2, 0, 1)[None].float() * 9
        return logits.expand(len(pixels), -1, -1, -1)


def test_void_is_matched_by_name_and_other_channels_are_left_out() -> None:
    found = labels.match(CAMVID, len(NAMES), NAMES, where="file")
    assert (0,) == found.unscored
    assert tuple(range(11, 0, -1)) == found.channels
    assert [
        "the weights know classes that the card camvid does not have: bird; they are left out"
    ] == [m for _, m in found.warnings]


def semantic() -> LabelMap:
    channels = labels.match(CAMVID, len(NAMES), NAMES, where="file")
    model = SemanticModel(
        network=Fixed(),
        identity={"outputs": len(NAMES), "warnings": []},
        settings={},
        device=torch.device("cpu"),
        channels=channels.channels,
        unscored=channels.unscored,
        ignore=CAMVID.classes.ignore,
        batch_size=1,
    )
    (found,) = model.predict([np.zeros((*IDS.shape, 3), np.uint8)])
    assert isinstance(found, LabelMap)
    return found


def test_running_a_network_and_scoring_its_stored_maps_count_the_same(tmp_path: Path) -> None:
    truth = np.random.default_rng(4).integers(0, 11, IDS.shape).astype(np.uint8)
    sample = Sample("a_1", Truth(lambda: LabelMap(truth)))
    Image.fromarray(IDS).save(tmp_path / "a_1.png")
    stored = layout(CAMVID).read_predictions(CAMVID, tmp_path, "semantic", [sample])(sample)
    ran = semantic()
    np.testing.assert_array_equal(np.where(IDS == 11, 255, IDS), ran.labels)
    pixels = family("pixels")
    options = pixels.options(Rules())
    tables = [
        pixels.count(CAMVID, options, sample, each, position=0)["pixels"] for each in (stored, ran)
    ]
    for column in tables[0]:
        np.testing.assert_array_equal(tables[0][column], tables[1][column])


def query_model(task: str) -> SimpleNamespace:
    channels = labels.match(CAMVID, len(NAMES), NAMES, where="file")
    return SimpleNamespace(
        channels=channels.channels,
        unscored=channels.unscored,
        background=None,
        classes=CAMVID.classes,
        task=task,
    )


def test_queries_keep_the_share_of_labels_that_are_not_scored() -> None:
    logits = torch.randn(1, 5, len(NAMES) + 1)
    shares = logits.softmax(-1)
    model = query_model("semantic")
    folded = QueryModel._folded(model, SimpleNamespace(class_queries_logits=logits))  # type: ignore[arg-type]
    found = folded.class_queries_logits.softmax(-1)
    assert (1, 5, 13) == tuple(found.shape)
    assert torch.allclose(shares[..., 1:12].flip(-1), found[..., :11])
    assert torch.allclose(shares[..., 0], found[..., 11])  # void
    assert torch.allclose(shares[..., 12:].sum(-1), found[..., 12])  # bird and no object
    found = QueryModel._labels(model, np.array([[0, 10, 11]]))  # type: ignore[arg-type]
    assert [[0, 10, 255]] == found.tolist()


def test_segments_of_labels_that_are_not_scored_are_void() -> None:
    answer = {
        "segmentation": torch.tensor([[1, 2, 2, 3]]),
        "segments_info": [
            {"id": 1, "label_id": 4},
            {"id": 2, "label_id": 11},
            {"id": 3, "label_id": 4},
        ],
    }
    found = QueryModel._segments(query_model("panoptic"), answer)  # type: ignore[arg-type]
    assert [[1, 0, 0, 1]] == found.ids.tolist()
    assert [4] == found.classes.tolist()


@pytest.mark.parametrize("kind", ["logits", "labels"])
def test_exported_networks_count_them_too(tmp_path: Path, kind: str) -> None:
    from bench.models import Options
    from bench.models.interchange import exchange
    from bench.models.interchange.exchange_model import Port, Runtime

    answered = Fixed()(torch.zeros(1, 3, *IDS.shape)).numpy()
    if kind == "labels":
        answered = answered.argmax(1).astype(np.int64)
    shape = (1, 3, *IDS.shape)
    runtime = Runtime(
        model="onnx",
        architecture="x",
        path=Path("x.onnx"),
        digest="",
        device="cpu",
        layout="NCHW",
        inputs=[Port("image", shape, "float32")],
        outputs=[Port("out")],
        run=lambda _given: {"out": answered},
    )
    beside = tmp_path / "x.toml"
    beside.write_text(f'kind = "{kind}"\nclasses = {NAMES}\n')
    model = exchange.assemble(runtime, CAMVID, Options(sidecar=beside))
    (found,) = model.predict([np.zeros((*IDS.shape, 3), np.uint8)])
    np.testing.assert_array_equal(np.where(IDS == 11, 255, IDS), found.labels)
