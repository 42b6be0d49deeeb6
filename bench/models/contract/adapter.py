"""What every adapter declares about itself, as values: `ADAPTER = Adapter(...)` in its file.

All fields without a default are required and `load` has a fixed signature, so mypy reports an
adapter that leaves one out. This module and the declarations load neither torch nor NumPy, so that
listing models and refusing wrong names stays fast.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.errors import UsageError
from bench.models.contract.options import Options

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.contract.model import Model, PromptableModel


@dataclass(frozen=True)
class PublishedWeights:
    """How torchvision names the weights of one architecture: `<enum>.<member>`."""

    enum: str
    member: str


@dataclass(frozen=True)
class Torchvision:
    """Networks of torchvision.

    Attributes:
        architectures: names of torchvision's functions, and the weights that it publishes.
        classes: the classes of the published weights; None if only torchvision knows them.
    """

    architectures: Mapping[str, PublishedWeights]
    classes: tuple[str, ...] | None


@dataclass(frozen=True)
class SegmentationModelsPytorch:
    """Networks of one class of segmentation_models_pytorch."""

    network: str


@dataclass(frozen=True)
class StateDict:
    """Weights that are a table of tensors by name.

    Attributes:
        architecture: the first part of the names of the architectures, such as "deeplabv3" of
            "deeplabv3_resnet50".
        marks: sets of tensor names that only this kind of network has; each set is enough.
        library: where the networks come from; None for networks that `bench` defines.
    """

    architecture: str
    marks: tuple[frozenset[str], ...]
    library: Torchvision | SegmentationModelsPytorch | None


@dataclass(frozen=True)
class TransformersFolder:
    """Weights in a folder or at a hub id, as transformers saves them.

    Attributes:
        model_types: values of `model_type` in config.json.
        published: hub ids that the authors publish, by name of the card.
        published_for_all: the hub id for every card; "" if there is none.
    """

    model_types: tuple[str, ...]
    published: Mapping[str, str] = field(default_factory=dict)
    published_for_all: str = ""

    def hub_id(self, card: str) -> str | None:
        """The hub id that the authors publish for a card."""
        return self.published.get(card) or self.published_for_all or None

    @staticmethod
    def of_owner(owner: str, prefix: str) -> Callable[[str], str | None]:
        """For `hub_id_of`: puts the owner before names such as "mask2former-swin-tiny"."""

        def hub_id_of(name: str) -> str | None:
            return f"{owner}/{name}" if len(name) > len(prefix) + 1 else None

        return hub_id_of


@dataclass(frozen=True)
class NetworkFile:
    """Files that hold a whole network, not only its weights.

    Attributes:
        suffixes: endings of their names.
        description: what such a file is called in messages, such as "an .onnx file".
    """

    suffixes: tuple[str, ...]
    description: str


def no_hub_id(_name: str) -> str | None:
    """For adapters whose model names never stand for a hub id."""
    return None


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One model adapter.

    Attributes:
        name: what follows `--model`: the name of the adapter's file.
        title: one line for `bench list models`.
        tasks: the tasks it runs, the default first, and the options that it supports for each
            (names of fields of `Options`; see `supported`).
        extra: the optional dependencies of `bench` that it needs.
        licence: the licence of the code and, where it differs, of the weights.
        weights: in which form its weights come, and how they are recognised.
        accepts: what may follow `--weights`, for messages.
        load: loads the model for a card. Raises MissingExtra, CheckpointError or UsageError.
        also: other names for it, in lower case without separators.
        hub_id_of: the hub id that a model name without its owner stands for, None if it is none.
    """

    name: str
    title: str
    tasks: Mapping[str, Collection[str]]
    extra: str
    licence: str
    weights: StateDict | TransformersFolder | NetworkFile
    accepts: str
    load: Callable[[Card, Options], Model | PromptableModel]
    also: tuple[str, ...] = ()
    hub_id_of: Callable[[str], str | None] = no_hub_id

    def require_task(self, task: str, name: str = "") -> None:
        """Refuse a task that the adapter does not run; `name` is the model as the user typed it.

        Raises:
            UsageError: it does not run the task.
        """
        if task not in self.tasks:
            raise UsageError(
                f"--model {name or self.name} does not support --task {task} (it supports "
                f"{', '.join(self.tasks)})"
            )

    def default_task(self, card: Card) -> str:
        """The task that runs without `--task`.

        The networks of transformers run the same weights for several tasks: the first that the card
        has is chosen.
        """
        first = next(iter(self.tasks))
        if not isinstance(self.weights, TransformersFolder):
            return first
        return next((task for task in self.tasks if task in card.tasks), first)

    def name_for(self, task: str) -> str:
        """What messages call the adapter: with the task if the supported options depend on it."""
        options = self.tasks[task]
        same_for_all = all(set(others) == set(options) for others in self.tasks.values())
        return self.name if same_for_all else f"{self.name} --task {task}"
