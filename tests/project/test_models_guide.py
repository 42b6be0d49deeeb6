"""The guide to models: every example in it runs, and its tables list what there is."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench import cli, models
from bench.models.interchange.sidecar import Sidecar

GUIDE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The examples of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


COMMANDS = [
    line.removeprefix("$ ").split() for block in blocks("console") for line in block.splitlines()
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the guide tells to write, in which a person works."""
    for text in (*blocks("toml"), blocks("python")[0]):
        (tmp_path / text.partition("\n")[0].removeprefix("# ")).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    "words", [words for words in COMMANDS if "mine:" in " ".join(words)], ids=" ".join
)
def test_commands_on_own_code_run(place: Path, words: list[str]) -> None:
    assert 0 == cli.main([*words[1:], "--limit", "2", "--interval", "none", "--json"])


def test_python_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in blocks("python"):
        exec(compile(text, "guide", "exec"), {"__name__": "guide"})
    said = capsys.readouterr().out
    assert "Street scenes" in said or "10 images" in said


def test_commands_on_exported_networks_run(
    place: Path, shared_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")
    words = [str(word) for word in COMMANDS[0][1:]]
    words[4] = str(shared_data("coral_deeplab") / words[4])
    words[-1] = str(shared_data("voc2012_val_subset"))
    assert ["run", "--model", "litert", "--weights"] == words[:4]
    assert 0 == cli.main([*words, "--ids", "all", "--limit", "2", "--interval", "none", "--json"])


@pytest.mark.slow
def test_torch_files_of_the_guide_run(place: Path) -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 19, 1)

        def forward(self, pixels: object) -> dict[str, object]:
            return {"logits": self.conv(pixels)}

    torch.export.save(
        torch.export.export(Net().eval(), (torch.zeros(1, 3, 256, 256),)), place / "mine.pt2"
    )
    words = next(words for words in COMMANDS if "exported" in words)
    assert 0 == cli.main([*words[1:], "--limit", "2", "--interval", "none", "--json"])


def test_onnx_files_of_the_guide_run(place: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    onnx = pytest.importorskip(
        "onnx", reason="the package onnx, which writes the files, is not installed"
    )
    weights = onnx.numpy_helper.from_array(np.ones((19, 3, 1, 1), np.float32), "w")
    given = [onnx.helper.make_tensor_value_info("image", 1, (1, 3, 256, 256))]
    logits = [onnx.helper.make_tensor_value_info("logits", 1, None)]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["image", "w"], ["logits"])], "g", given, logits, [weights]
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), str(place / "mine.onnx")
    )
    words = next(words for words in COMMANDS if "onnx" in words)
    assert 0 == cli.main([*words[1:], "--limit", "2", "--interval", "none", "--json"])


def test_the_table_of_keys_is_whole() -> None:
    table = GUIDE.partition("| key | meaning |")[2].partition("\n\n")[0]
    told = {
        key
        for line in table.splitlines()
        for key in re.findall(r"`(\w+)`", line.split("|")[1:2][0] if "|" in line else "")
    }
    assert set(Sidecar.__struct_fields__) == told


def test_adapters_of_the_table_are_there() -> None:
    table = GUIDE.partition("| adapter |")[2].partition("\n\n")[0]
    told = re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)
    assert ["exported", "onnx", "litert"] == told
    assert set(told) <= set(models.names())
