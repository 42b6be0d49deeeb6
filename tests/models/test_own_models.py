"""A user's own code as a model: each form is told by what it is, and what comes back is checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cli, models
from bench.cards import load_card
from bench.errors import CheckpointError, PredictionError, UsageError
from bench.models import Options
from bench.samples import Instances, LabelMap, Segments

STREETS = load_card("streets")
CODE = '''
"""Networks of a person who uses bench."""

import functools

import numpy as np


def thirds(image):
    labels = np.full(image.shape[:2], 10)
    labels[2 * len(labels) // 3 :] = 0
    return labels


def loader(card, options):
    return thirds


def objects(image):
    masks = np.zeros((2, *image.shape[:2]), dtype=bool)
    masks[0, :8, :8] = masks[1, 8:16, 4:12] = True
    return {"masks": masks, "classes": [13, 11], "scores": [0.9, 0.4]}


objects.task = "instance"


def segments(image):
    ids = np.ones(image.shape[:2], dtype=int)
    ids[:5] = 7
    ids[-1] = 0
    return {"ids": ids, "segments": {1: 0, 7: 10, 9: 2}}


def two(image, more):
    return thirds(image)


def keyword(image, *, more):
    return image


async def later(image):
    return image


def makes_none():
    return None


def optional(image, more=None):
    return thirds(image)


def many(*images, **more):
    return thirds(*images)


def default(image=None):
    return thirds(image)


def make():
    return thirds


def make_of(width=3):
    return Called()


def of_a_card(card):
    return thirds


part = functools.partial(two, more=3)


class Called:
    def __call__(self, image):
        return thirds(image)

    @staticmethod
    def static(image):
        return thirds(image)

    @classmethod
    def of_class(cls, image):
        return thirds(image)


called = Called()


def fails(image):
    return image[:, :, 3]


def nothing(card, options):
    return 5


class Small:
    def __init__(self):
        self.value = 3

    def method(self, image):
        return image
'''
NETWORK = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 19, 1))


net = Net()


def load(card, options):
    return net


class Wide(nn.Module):
    def __init__(self, width):
        super().__init__()
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a person's modules `mine_code` and `mine_net`, in which they work."""
    (tmp_path / "mine_code.py").write_text(CODE)
    (tmp_path / "mine_net.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("mine_code", "mine_net"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def load(name: str, **options: Any) -> models.Model:
    return models.load(name, STREETS, Options(device="cpu", **options))


IMAGE = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)


FUNCTIONS = [
    "thirds",
    "loader",
    "optional",
    "many",
    "default",
    "make",
    "make_of",
    "of_a_card",
    "part",
    "called",
    "Called",
]


@pytest.mark.parametrize(
    "name",
    [
        *(
            f"mine_code:{word}"
            for word in (*FUNCTIONS, "Called.static", "Called.of_class", "called.static")
        ),
        "mine_code.py:thirds",
        "./mine_code.py:thirds",
        "./mine_code:thirds",
    ],
)
def test_a_function_of_an_image_gives_labels(mine: Path, name: str) -> None:
    model = load(name)
    found = model.predict([IMAGE, IMAGE[:9]])
    assert ("semantic", name, 1) == (model.task, model.identity["model"], model.batch_size)
    assert all(isinstance(each, LabelMap) for each in found)
    assert [(24, 40), (9, 40)] == [each.labels.shape for each in found]
    assert [[10] * 6 + [0] * 3] == [found[1].labels[:, 0].tolist()]


def test_another_source_is_another_identity(mine: Path) -> None:
    first = load("mine_code:thirds").identity["weights_digest"]
    assert first == load("mine_code:thirds").identity["weights_digest"]
    (mine / "mine_code.py").write_text(CODE + "\n# changed\n")
    assert first != load("mine_code:thirds").identity["weights_digest"]


def test_a_function_gives_objects_or_segments(mine: Path) -> None:
    found = load("mine_code:objects").predict([IMAGE])[0]
    assert isinstance(found, Instances)
    assert [13, 11] == found.classes.tolist()
    assert [64, 64] == found.areas.tolist()
    assert [[0, 0, 8, 8], [4, 8, 8, 8]] == found.boxes.tolist()
    panoptic = load("mine_code:segments", task="panoptic").predict([IMAGE])[0]
    assert isinstance(panoptic, Segments)
    assert ([1, 7], [0, 10]) == (panoptic.segment_ids.tolist(), panoptic.classes.tolist())


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("mine_code:thirds", "semantic"),
        ("mine_code:objects", "instance"),
        ("mine_code:segments", "panoptic"),
    ],
)
def test_all_forms_run_from_the_command_line(
    mine: Path, capsys: pytest.CaptureFixture[str], name: str, task: str
) -> None:
    words = ["run", "--model", name, "--task", task, "--limit", "2", "--interval", "none", "--json"]
    assert 0 == cli.main([*words, "--out", str(mine / "runs")])
    found = json.loads(capsys.readouterr().out)
    assert task in found["scores"]
    assert name == found["model"]["model"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda image: image, r"the shape \(H, W\), got \(24, 40, 3\); take the argmax"),
        (lambda image: image[..., 0] / 255.0, r"whole numbers, got 0\.37.*; take the argmax"),
        (
            lambda _: np.full((24, 40), 19),
            "the label 19 .* is neither a train id from 0 to 18 nor 255",
        ),
        (lambda _: np.full((24, 40), -1), r"the label -1 \(row 0, column 0\) is neither"),
        (lambda _: np.full((24, 40), 1000, np.uint16), "the label 1000 .* is neither"),
        (lambda _: np.zeros((40, 24), int), "it has 40 x 24 pixels, the image 24 x 40"),
        (lambda _: {"label": 0}, "key 'label' in a dict; the keys are labels, confidence"),
        (lambda _: None, "shape"),
    ],
)
def test_wrong_labels_are_refused_in_one_sentence(
    answer: Callable[[Any], Any], message: str
) -> None:
    from bench.models.own_code import adapting

    model = adapting.adapted(answer, "mine:net", STREETS, Options())
    with pytest.raises(PredictionError, match=rf"^mine:net: .*{message}"):
        model.predict([IMAGE])


MASKS = np.ones((1, 24, 40), bool)


@pytest.mark.parametrize(
    ("task", "answer", "message"),
    [
        ("instance", {"classes": [1], "scores": [1]}, "objects need masks or boxes"),
        (
            "instance",
            {"boxes": [[1, 1, 4, 4]], "classes": [1], "scores": [1]},
            "every object needs a mask",
        ),
        ("instance", {"masks": MASKS, "classes": [1]}, "detections need scores"),
        (
            "instance",
            {"masks": MASKS, "classes": [1, 2], "scores": [1]},
            "got 1 masks and 2 labels",
        ),
        (
            "instance",
            {"masks": MASKS, "classes": [19], "scores": [1]},
            "the class 19 is not a train id from 0 to 18",
        ),
        ("instance", {"masks": MASKS, "classes": [1.5], "scores": [1]}, "whole numbers"),
        ("instance", {"masks": MASKS, "classes": [1], "scores": [np.nan]}, "NaN"),
        (
            "instance",
            {"masks": MASKS[:, :9], "classes": [1], "scores": [1]},
            "it has 9 x 40 pixels",
        ),
        (
            "instance",
            {"masks": MASKS, "classes": [1], "scores": [1], "boxes": [[9, 9, 3, 3]]},
            "x1, y1, x2, y2",
        ),
        ("instance", [1], "the objects of an image must be a dict"),
        ("panoptic", {"ids": MASKS[0] * 1}, "a dict with ids, .* and segments"),
        (
            "panoptic",
            {"ids": MASKS[0] * 4, "segments": {1: 0}},
            "the id 4 is in the map but not",
        ),
        ("panoptic", {"ids": MASKS[0] * 1, "segments": {1: 40}}, "the class 40"),
        ("panoptic", {"ids": MASKS[0] * 0.5, "segments": {}}, "ids must be whole numbers"),
        ("panoptic", {"ids": MASKS[0] * 1, "segments": [{"id": 1, "label": 3}]}, "key 'label'"),
    ],
)
def test_wrong_objects_are_refused_in_one_sentence(task: Any, answer: Any, message: str) -> None:
    from bench.models.own_code import adapting

    model = adapting.adapted(lambda _: answer, "mine:net", STREETS, Options(task=task))
    with pytest.raises(PredictionError, match=rf"^mine:net: .*({message})"):
        model.predict([IMAGE])


def test_an_exception_of_own_code_names_its_line_and_the_image(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "run",
        "--model",
        "mine_code:fails",
        "--limit",
        "2",
        "--json",
        "--out",
        str(mine / "runs"),
    ]
    assert 2 == cli.main(words)
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    line = 1 + CODE.splitlines().index("    return image[:, :, 3]")
    assert (
        "--model mine_code:fails: your code raised IndexError: index 3 is out of bounds" in message
    )
    assert (
        f"(mine_code.py, line {line}, in fails); BENCH_DEBUG=1 shows the whole traceback" in message
    )
    assert message.startswith("karnstedt_")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine_code:two", r"needs 2 arguments \(image, more\): .* give 'more' a default"),
        ("mine_code:keyword", "needs 'more', which bench does not know: give it a default"),
        ("mine_code:later", "is an async function"),
        ("mine_code:Small", r"returned an object of the class Small when called as make\(\)"),
        ("mine_code:Small.method", "is a method of a class"),
        ("mine_code:makes_none", r"returned None when called as make\(\); it may return"),
        ("mine_code:CODE", "has no 'CODE'"),
        (
            "mine_code:nothing",
            r"returned int 5 when called as load\(card, options\); it may return",
        ),
        (
            "mine_code:np.pi",
            r"is float 3.14159\d*: own code must be a function load\(card, options\)",
        ),
        ("mine_code:thrids", "has no 'thrids': did you mean thirds"),
        ("mine_code:", "lacks the function, network or class after the colon"),
        (":thirds", "lacks the module before the colon"),
        ("mine code:f", "'mine code' is not a valid name of a module"),
        ("mine_cod:f", "there is no module 'mine_cod' .*: did you mean mine_code"),
        ("mine_code.more:f", "there is no module 'mine_code.more'"),
        ("./none.py:f", r"there is no file none\.py"),
        ("absent_module:f", "there is no module 'absent_module'"),
        ("os:getcwd", r"returned str .* when called as make\(\); it may return"),
    ],
)
def test_what_has_no_known_form_is_refused(mine: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(name)


@pytest.mark.parametrize(
    "option", [{"weights": "x.pth"}, {"batch_size": 2}, {"flip": True}, {"input_size": (8, 8)}]
)
def test_options_without_use_for_a_function_are_refused(mine: Path, option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="does not support"):
        load("mine_code:thirds", **option)


def test_torch_networks_take_normalised_pixels_and_their_own_or_other_weights(mine: Path) -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    model = load("mine_net:net")
    network = sys.modules["mine_net"].net
    network.train()
    pixels = (IMAGE / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]

    def expected(network: Any) -> Any:
        with torch.no_grad():
            return (
                network(torch.from_numpy(pixels).float().permute(2, 0, 1)[None])
                .argmax(1)[0]
                .numpy()
            )

    for each in (model, load("mine_net:load")):
        assert (expected(network) == each.predict([IMAGE])[0].labels).mean() > 0.999
    assert network.training
    assert network[0].training
    assert 76 == model.identity["parameters"]
    other = torch.nn.Sequential(torch.nn.Conv2d(3, 19, 1))
    torch.save(other.state_dict(), mine / "other.pth")
    found = load("mine_net:Net", weights=str(mine / "other.pth"))
    assert "other.pth" == found.identity["weights"]
    assert (expected(other) == found.predict([IMAGE])[0].labels).mean() > 0.999
    torch.save({"a": torch.zeros(1)}, mine / "wrong.pth")
    with pytest.raises(CheckpointError, match="does not fit mine_net:Net"):
        load("mine_net:Net", weights=str(mine / "wrong.pth"))
    with pytest.raises(UsageError, match="cannot be made without arguments"):
        load("mine_net:Wide")
