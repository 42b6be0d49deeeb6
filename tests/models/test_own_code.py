"""What a person's own code raises is theirs, what they say of it is kept, and what has no effect on
it is refused.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from bench import cli, models
from bench.cards import load_card
from bench.errors import OwnCodeError, PredictionError, UsageError
from bench.models import Options
from bench.models.own_code import adapting, locating

STREETS = load_card("streets")
IMAGE = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
BROKEN = {
    "syntax": (
        "def f(image)\n    return 1\n",
        r"SyntaxError: expected ':' \(broken\.py, line 1, when it was imported\)",
    ),
    "import": (
        "import not_there\n",
        (
            r"ModuleNotFoundError: No module named 'not_there' \(broken\.py, line 1, when it was "
            r"imported\)"
        ),
    ),
    "exit": (
        "import sys\n\nsys.exit('usage')\n",
        r"SystemExit: usage \(broken\.py, line 3, when it was imported\)",
    ),
    "loader": (
        "def f(card, options):\n    raise RuntimeError('no\\nGPU')\n",
        r"RuntimeError: no GPU \(broken\.py, line 2, in f, called as load\(card, options\)\)",
    ),
    "factory": (
        "def f():\n    return {}['x']\n",
        r"KeyError: 'x' \(broken\.py, line 2, in f, called as make\(\)\)",
    ),
    "function": (
        "import json\ndef f(image):\n    json.loads('x')\n",
        r"JSONDecodeError: .* \(broken\.py, line 3, in f\)",
    ),
    "empty": ("def f(image):\n    raise ValueError\n", r"ValueError \(broken\.py, line 2, in f\)"),
    "model": (
        """class M:
    task, batch_size, identity, settings = 'semantic', 1, {}, {}
    def predict(self, images):
        return images[9]

f = M()
""",
        r"IndexError: list index out of range \(broken\.py, line 4, in predict\)",
    ),
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Writes a module of a person, who works in its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def module(name: str, text: str) -> None:
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(text)

    return module


@pytest.mark.parametrize("case", BROKEN)
def test_what_own_code_raises_is_reported_as_its_own(write: Any, case: str) -> None:
    text, message = BROKEN[case]
    write("broken", text)
    with pytest.raises(
        OwnCodeError, match=rf"^--model broken:f: your code raised {message}; BENCH_DEBUG=1"
    ):
        models.load("broken:f", STREETS, Options()).predict([IMAGE])


def test_the_whole_traceback_is_shown_on_request(write: Any, monkeypatch: Any, capsys: Any) -> None:
    write("broken", BROKEN["loader"][0])
    assert 2 == cli.main(["run", "--model", "broken:f"])
    assert 1 == len(capsys.readouterr().err.splitlines())
    monkeypatch.setenv("BENCH_DEBUG", "1")
    assert 2 == cli.main(["run", "--model", "broken:f"])
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_what_own_code_prints_stays_out_of_json(write: Any, tmp_path: Path, capsys: Any) -> None:
    write(
        "talks",
        "print('loading')\ndef f(image):\n    print('asked')\n    return image[..., 0] % 19\n",
    )
    words = ["--limit", "1", "--interval", "none", "--json", "--out", str(tmp_path / "runs")]
    assert 0 == cli.main(["run", "--model", "talks:f", *words])
    said = capsys.readouterr()
    assert "talks:f" == json.loads(said.out)["model"]["model"]
    assert {"loading", "asked"} <= set(said.err.split())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "returned None for an image; a semantic prediction is labels"),
        (5, "returned int 5"),
        (np.float32(0.5), "returned float32 .*0.5"),
        ("sky", "returned str 'sky'"),
        (np.mean, "returned the function mean"),
        (np.full((24, 40), np.nan), "returned NaN for an image"),
        (np.zeros((3, 24, 40)), "take the argmax"),
        (np.zeros((40, 24), int), "it has 40 x 24 pixels, the image 24 x 40"),
        ({"out": np.zeros((24, 40))}, "key 'out'"),
    ],
)
def test_answers_of_functions_and_models_that_are_none_are_refused(
    answer: Any, message: str
) -> None:
    class Model:
        task, batch_size = "semantic", 1
        identity: ClassVar[Any] = {}
        settings: ClassVar[Any] = {}

        def predict(self, images: Any) -> list[Any]:
            return [answer] * len(images)

    for each in (lambda image: answer, Model()):  # noqa: ARG005
        model = adapting.adapted(each, "mine:f", STREETS, Options())
        with pytest.raises(PredictionError, match=f"^mine:f.*{message}"):
            model.predict([IMAGE])


LOADERS = """
from pathlib import Path
def plain(card, options):
    return lambda image: image[..., 0] % 19

def early(card, options):
    flip = options.flip
    return lambda image: image[..., 0] % 19

def late(card, options):
    return lambda image: image[..., 0] % (2 if options.flip else 19)

def opens(card, options):
    text = Path(options.weights).read_text()
    return lambda image: image[..., 0] % 19

def hands_on(card, options):
    from dataclasses import replace
    copy = replace(options, task="semantic")
    assert copy == options or options.task is None
    return lambda image: image[..., 0] % 19
"""


@pytest.mark.parametrize("name", ["early", "late", "hands_on"])
def test_loaders_that_read_an_option_may_be_given_it(write: Any, name: str) -> None:
    write("mine_load", LOADERS)
    plain, flipped = (
        models.load(f"mine_load:{name}", STREETS, Options(flip=flip)) for flip in (False, True)
    )
    assert flipped.settings["flip"] is True
    assert "flip" not in plain.settings
    found = flipped.predict([IMAGE])[0]
    assert (2 if name == "late" else 19) > found.labels.max()


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"flip": True}, "--flip"),
        ({"weights": "a"}, "--weights"),
        ({"device": "cuda"}, "--device"),
        ({"batch_size": 2}, "--batch-size"),
    ],
)
def test_options_that_a_loader_never_reads_are_refused(write: Any, options: Any, flag: str) -> None:
    write("mine_load", LOADERS)
    model = models.load("mine_load:plain", STREETS, Options(**options))
    with pytest.raises(
        UsageError, match=f"mine_load:plain does not support {flag}: its code never reads it"
    ):
        model.predict([IMAGE])


def test_weights_that_own_code_loads_are_part_of_its_identity(write: Any, tmp_path: Path) -> None:
    write("mine_load", LOADERS)
    found = []
    for text in ("a", "b"):
        (tmp_path / "w.txt").write_text(text)
        found.append(models.load("mine_load:opens", STREETS, Options(weights="w.txt")).identity)
    assert [("w.txt", "mine_load.py")] * 2 == [(each["weights"], each["code"]) for each in found]
    assert found[0]["weights_digest"] != found[1]["weights_digest"]
    assert found[0]["code_digest"] == found[1]["code_digest"]


IDENTITIES = """
def attribute(card, options):
    def predict(image):
        return image[..., 0] % 19
    predict.identity = {"weights": "a.pth", "epochs": 3}
    return predict

def pair(card, options):
    return (lambda image: image[..., 0] % 19), {"weights": "a.pth", "epochs": 3}

def wrong(card, options):
    return (lambda image: image[..., 0] % 19), {"net": object()}

def ours(card, options):
    return (lambda image: image[..., 0] % 19), {"kind": "baseline"}
"""


def test_loaders_say_who_their_model_is(write: Any) -> None:
    write("mine_id", IDENTITIES)
    for name in ("attribute", "pair"):
        who = models.load(f"mine_id:{name}", STREETS, Options()).identity
        assert ("model", f"mine_id:{name}", "a.pth", 3) == (
            who["kind"],
            who["model"],
            who["weights"],
            who["epochs"],
        )
    with pytest.raises(
        UsageError, match=r"identity\['net'\] is object; a run record holds strings, numbers"
    ):
        models.load("mine_id:wrong", STREETS, Options())
    with pytest.raises(UsageError, match="identity has the key 'kind'"):
        models.load("mine_id:ours", STREETS, Options())


NETWORKS = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes=19):
        super().__init__()
        self.conv = nn.Conv2d(3, classes, 1)
        self.drop = nn.Dropout(0.5)

    def forward(self, pixels):
        return self.drop(self.conv(pixels))


class Hidden(Net):
    "What people call their parts hides what torch's own methods are called."

    def __init__(self):
        super().__init__()
        self.modules, self.children, self.named_modules = nn.ModuleList([nn.ReLU()]), 3, "x"
        self.predict, self.identity, self.task, self.settings = nn.Identity(), nn.Identity(), "t", {}
        self.to, self.eval, self.train, self.device = "cpu", 1, 2, "cpu"
        object.__setattr__(self, "parameters", {"a": 1})


class Dict(Net):
    def forward(self, pixels):
        found = super().forward(pixels)
        return {"aux": -found, "hidden": (found,), "out": found, "loss": None}


class Pair(Net):
    def forward(self, pixels):
        found = super().forward(pixels)
        return found, -found


class Nan(Net):
    def forward(self, pixels):
        return super().forward(pixels) * float("nan")


class Single(Net):
    def forward(self, pixels):
        return super().forward(pixels).mean()


class Bug(Net):
    def forward(self, pixels):
        return self.lacking(pixels)


class Side(Net):
    def forward(self, pixels):
        assert pixels.shape[-1] == 64, "sides of 64"
        return super().forward(pixels)


def make():
    return Net()


def load(card, options):
    return Net(len(card.classes))


def loads_itself(card, options):
    net = Net()
    net.load_state_dict(torch.load(options.weights + "/w.pth"))
    return net


seq = nn.Sequential(nn.Conv2d(3, 19, 1))
"""


@pytest.fixture
def nets(write: Any) -> Any:
    """A person's networks."""
    pytest.importorskip("torch", reason="the extra models is not installed")
    write("mine_nets", NETWORKS)
    return locating.find("mine_nets:Net")[1]


@pytest.mark.parametrize("name", ["Net", "Hidden", "Dict", "Pair", "make", "load", "seq", "Side"])
def test_networks_run_whatever_their_parts_are_called(nets: Any, name: str) -> None:
    size = (64, 64) if name == "Side" else None
    model = models.load(f"mine_nets:{name}", STREETS, Options(device="cpu", input_size=size))
    assert (24, 40) == model.predict([IMAGE])[0].labels.shape
    assert 19 * 4 == model.identity["parameters"]
    assert "mine_nets.py" == model.identity["weights"]


def test_the_answer_proper_is_taken_and_dropout_is_off(nets: Any) -> None:
    import torch

    torch.manual_seed(0)
    plain, other = nets.Net(), nets.Dict()
    other.conv = plain.conv
    found = [
        adapting.adapted(net, "mine_nets:net", STREETS, Options()).predict([IMAGE])[0]
        for net in (plain, plain, other)
    ]
    assert (found[0].labels == found[1].labels).all()
    assert (found[0].labels == found[2].labels).all()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Nan", "mine_nets:Nan returns NaN"),
        ("Single", r"returns 'out', float32 of shape \(\)"),
        (
            "Bug",
            (
                r"your code raised AttributeError: .*'lacking' \(mine_nets.py, line \d+, in "
                r"forward, on an input of 1 x 3"
            ),
        ),
        ("Side", r"AssertionError: sides of 64 .*--config FILE"),
    ],
)
def test_networks_that_do_not_answer_are_refused_in_one_sentence(
    nets: Any, name: str, message: str
) -> None:
    from bench.errors import InputError

    with pytest.raises(InputError, match=message):
        models.load(f"mine_nets:{name}", STREETS, Options(device="cpu")).predict([IMAGE])


def test_weights_are_loaded_once_by_the_loader_or_by_bench(nets: Any, tmp_path: Path) -> None:
    import torch

    (tmp_path / "dir").mkdir()
    net = nets.Net()
    torch.save(net.state_dict(), tmp_path / "dir" / "w.pth")
    by_loader = models.load("mine_nets:loads_itself", STREETS, Options(device="cpu", weights="dir"))
    by_bench = models.load("mine_nets:load", STREETS, Options(device="cpu", weights="dir/w.pth"))
    expected = adapting.adapted(net, "mine_nets:net", STREETS, Options()).predict([IMAGE])[0].labels
    for model in (by_loader, by_bench):
        assert (model.predict([IMAGE])[0].labels == expected).all()
    assert ("dir", "w.pth") == (by_loader.identity["weights"], by_bench.identity["weights"])
    assert by_loader.identity["code_digest"] == by_bench.identity["code_digest"]
    with pytest.raises(UsageError, match="load does not support --flip"):
        models.load("mine_nets:load", STREETS, Options(device="cpu", flip=True)).predict([IMAGE])
