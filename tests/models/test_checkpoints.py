"""Files of weights: every flavour that training code writes is read, and everything else is refused
in one sentence.
"""

from __future__ import annotations

import argparse
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra models is not installed")

from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

from bench.errors import CheckpointError  # noqa: E402
from bench.models.weights import checkpoints  # noqa: E402

STATE = {
    "conv.weight": torch.arange(6.0).reshape(2, 3, 1, 1),
    "conv.bias": torch.tensor([1.0, 2.0]),
}


class Malicious:
    """Unpickling this runs a command that makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.target}",)


def prefixed(prefix: str) -> dict[str, Any]:
    return {prefix + name: value for name, value in STATE.items()}


FLAVOURS: dict[str, Any] = {
    "plain": STATE,
    "ordered": OrderedDict(STATE),
    "DataParallel": prefixed("module."),
    "compiled": prefixed("_orig_mod."),
    "model": {"model": STATE, "epoch": 3},
    "state_dict": {"state_dict": STATE},
    "model_state_dict": {
        "model_state_dict": STATE,
        "optimizer_state_dict": {"state": {}, "param_groups": []},
    },
    "model_ema only": {"model_ema": {"n_averaged": torch.tensor(4), **prefixed("module.")}},
    "lightning": {
        "state_dict": {**prefixed("model."), "criterion.weight": torch.ones(2)},
        "epoch": 1,
    },
    "lightning net, parallel": {"state_dict": prefixed("net.module.")},
    "nested": {"model": {"state_dict": STATE}},
    "torchvision's reference script": {
        "model": STATE,
        "args": argparse.Namespace(lr=0.1, out=Path("runs")),
    },
    "with the best score": {"model": STATE, "best": np.float64(0.5), "history": np.zeros(3)},
}


@pytest.mark.parametrize("content", FLAVOURS.values(), ids=FLAVOURS.keys())
def test_every_flavour_gives_the_same_weights(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "weights.pth")
    found = checkpoints.read(tmp_path / "weights.pth").state
    assert list(STATE) == list(found)
    assert all(torch.equal(STATE[name], found[name]) for name in STATE)


def test_the_old_format_of_torch_is_read(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert list(STATE) == list(checkpoints.read(tmp_path / "old.pth").state)


def test_safetensors_bring_their_metadata(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "a.safetensors", metadata={"architecture": "fcn_slim16"})
    found = checkpoints.read(tmp_path / "a.safetensors")
    assert "fcn_slim16" == found.metadata["architecture"]
    assert list(STATE) == sorted(found.state, reverse=True)


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_file(STATE, tmp_path / name)
    assert checkpoints.read(tmp_path / "a").digest == checkpoints.read(tmp_path / "b").digest
    save_file({**STATE, "conv.bias": torch.zeros(2)}, tmp_path / "b")
    assert checkpoints.read(tmp_path / "a").digest != checkpoints.read(tmp_path / "b").digest


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path: Path, how: str) -> None:
    content = {"state_dict": STATE, "hook": Malicious(tmp_path / "ran")}
    if how == "torch":
        torch.save(content, tmp_path / "evil.pth")
    else:
        (tmp_path / "evil.pth").write_bytes(pickle.dumps({"hook": content["hook"]}))
    with pytest.raises(CheckpointError, match="could run code when read: refused"):
        checkpoints.read(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_a_whole_pickled_network_is_refused_with_its_class_named(tmp_path: Path) -> None:
    torch.save(nn.Conv2d(1, 1, 1), tmp_path / "whole.pth")
    with pytest.raises(
        CheckpointError, match=r"torch\.nn\.modules\.conv\.Conv2d.*save the state_dict\(\) only"
    ):
        checkpoints.read(tmp_path / "whole.pth")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        (b"these are no weights, only words", "is not a checkpoint"),
        (b"PK\x03\x04 and then nothing of a zip", "is truncated or damaged"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=reason) as caught:
        checkpoints.read(tmp_path / "weights.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("flavour", ["new", "old", "safetensors"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_truncated_files_are_refused(tmp_path: Path, flavour: str, share: float) -> None:
    path = tmp_path / "weights"
    if flavour == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=flavour == "new")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match=r"is truncated or damaged.*fetch it again"):
        checkpoints.read(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no file"):
        checkpoints.read(tmp_path / "absent.pth")
    with pytest.raises(CheckpointError, match="is a folder"):
        checkpoints.read(tmp_path)


@pytest.mark.parametrize(
    "content", [{"epoch": 3}, [1, 2], torch.ones(3), {}], ids=["table", "list", "tensor", "empty"]
)
def test_files_without_weights_are_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match="holds no weights"):
        checkpoints.read(tmp_path / "weights.pth")


def test_what_does_not_fit_is_counted_and_named(tmp_path: Path) -> None:
    network = nn.Sequential(
        OrderedDict(conv=nn.Conv2d(3, 2, 1), extra=nn.Conv2d(2, 2, 1), last=nn.Conv2d(2, 2, 1))
    )
    torch.save(STATE | {"other.weight": torch.ones(1)}, tmp_path / "weights.pth")
    found = checkpoints.read(tmp_path / "weights.pth")
    with pytest.raises(
        CheckpointError,
        match=(
            r"4 weights are missing \(extra.weight, extra.bias, last.weight, ...\), 1 are "
            r"not .* \(other.weight\)"
        ),
    ):
        checkpoints.fit(network, found, architecture="toy")


def test_another_shape_is_named(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "weights.pth")
    found = checkpoints.read(tmp_path / "weights.pth")
    with pytest.raises(
        CheckpointError,
        match=r"conv.weight has shape \[2, 3, 1, 1\], the network needs \[2, 4, 1, 1\]",
    ):
        checkpoints.fit(
            nn.Sequential(OrderedDict(conv=nn.Conv2d(4, 2, 1))), found, architecture="toy"
        )


def test_weights_arrive_in_the_network(tmp_path: Path) -> None:
    torch.save({"state_dict": prefixed("model.")}, tmp_path / "weights.pth")
    network = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 2, 1)))
    checkpoints.fit(network, checkpoints.read(tmp_path / "weights.pth"), architecture="toy")
    assert all(torch.equal(STATE[name], value) for name, value in network.state_dict().items())


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.pth"
    path.write_bytes(b"x")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CheckpointError, match=r"mine\.pth cannot be read: Permission denied"):
        checkpoints.read(path)
