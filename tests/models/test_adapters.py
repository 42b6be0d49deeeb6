"""Every adapter declares what identifies its weights, its names, and what it supports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bench.models import Options, names
from bench.models.contract import catalogue
from bench.models.contract.adapter import (
    Adapter,
    NetworkFile,
    SegmentationModelsPytorch,
    StateDict,
    TransformersFolder,
)
from bench.models.naming import spelling
from bench.models.naming.known_names import UNSUPPORTED
from bench.models.weights import hub

MODELS = Path(catalogue.__file__).parents[1]
STATE_DICTS = [a for a in catalogue.adapters() if isinstance(a.weights, StateDict)]
OPTIONS = {field.name for field in fields(Options)}


@pytest.mark.parametrize("name", names())
def test_an_adapter_declares_all_that_identifies_it(name: str) -> None:
    adapter = catalogue.adapter(name)
    assert name == adapter.name
    assert 0 < len(adapter.title) < 80
    assert adapter.tasks
    assert all(set(options) <= OPTIONS for options in adapter.tasks.values())
    assert adapter.extra in {"models", "onnx", "litert"}
    assert adapter.licence
    assert adapter.accepts.startswith(("FILE", "FOLDER"))
    assert all(spelling.plain(word) == word for word in adapter.also)
    assert not spelling.begins_with_any(name, UNSUPPORTED)
    match adapter.weights:
        case StateDict(architecture, marks):
            assert architecture
            assert marks
            assert all(marks)
        case TransformersFolder(model_types):
            assert model_types
        case NetworkFile(suffixes, description):
            assert suffixes
            assert description


def test_no_two_adapters_share_a_name_a_mark_or_a_suffix() -> None:
    adapters = list(catalogue.adapters())
    for found in (
        [word for adapter in adapters for word in (adapter.name, *adapter.also)],
        [mark for adapter in STATE_DICTS for mark in adapter.weights.marks],
        [adapter.weights.architecture for adapter in STATE_DICTS],
        [
            each
            for a in adapters
            if isinstance(a.weights, NetworkFile)
            for each in a.weights.suffixes
        ],
        [
            t
            for a in adapters
            if isinstance(a.weights, TransformersFolder)
            for t in a.weights.model_types
        ],
    ):
        assert len(found) == len(set(found))


@pytest.mark.parametrize("adapter", STATE_DICTS, ids=lambda adapter: adapter.name)
def test_weights_are_recognised_by_each_mark_and_not_without_it(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = adapter.weights
    assert isinstance(weights, StateDict)
    for mark in weights.marks:
        assert catalogue.recognise({*mark, "some.other.weight"}) is adapter
        assert catalogue.recognise(mark - {min(mark)}) is not adapter
    # The declaration decides: without its marks nothing recognises the adapter.
    without = replace(adapter, weights=replace(weights, marks=()))
    others = [each for each in catalogue.adapters() if each.name != adapter.name]
    monkeypatch.setattr(catalogue, "adapters", lambda: iter([*others, without]))
    assert not [mark for mark in weights.marks if catalogue.recognise(mark)]


def test_architectures_and_model_types_lead_to_their_adapter() -> None:
    for adapter in catalogue.adapters():
        if isinstance(adapter.weights, StateDict):
            assert catalogue.of_architecture(f"{adapter.weights.architecture}_any") is adapter
        if isinstance(adapter.weights, StateDict) and isinstance(
            adapter.weights.library, SegmentationModelsPytorch
        ):
            assert catalogue.of_smp(adapter.weights.library.network) is adapter
        if isinstance(adapter.weights, TransformersFolder):
            assert all(
                catalogue.of_model_type(each) is adapter for each in adapter.weights.model_types
            )
            assert all(
                hub.known_names.HUB_ID.fullmatch(each)  # type: ignore[attr-defined]
                for each in adapter.weights.published.values()
            )
    assert catalogue.of_architecture("alexnet_any") is None
    assert catalogue.of_model_type("bert") is None


def test_messages_name_the_task_only_if_the_options_depend_on_it() -> None:
    assert "maskrcnn" == catalogue.adapter("maskrcnn").name_for("semantic")
    assert "mask2former --task semantic" == catalogue.adapter("mask2former").name_for("semantic")


def test_a_file_without_a_declaration_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import bench.models.fcn

    monkeypatch.setattr(bench.models.fcn, "ADAPTER", {"name": "fcn"})
    catalogue.adapter.cache_clear()
    with pytest.raises(TypeError, match=r"bench/models/fcn\.py: ADAPTER must be an Adapter, got"):
        catalogue.adapter("fcn")
    monkeypatch.undo()
    catalogue.adapter.cache_clear()


def imported_rooms(path: Path) -> Iterator[str]:
    """The folders of `bench/models` that a file imports, "" for `bench.models` itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.startswith("bench.models")
        ):
            parts = node.module.split(".")[2:]
            if parts:
                yield parts[0]
            else:
                yield from (
                    name.name if (MODELS / name.name).is_dir() else "" for name in node.names
                )


ROOMS = (
    "contract",
    "naming",
    "own_code",
    "weights",
    "architectures",
    "running",
    "assembling",
    "interchange",
)


def test_folders_import_neither_the_door_nor_an_adapter() -> None:
    for room in ROOMS:
        for path in (MODELS / room).rglob("*.py"):
            assert set(imported_rooms(path)) <= set(ROOMS), path


def test_the_contract_imports_no_other_folder_when_it_is_loaded() -> None:
    for path in (MODELS / "contract").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        at_top = [
            node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module
        ]
        models = [module for module in at_top if module.startswith("bench.models")]
        assert all(module.startswith("bench.models.contract") for module in models), path
