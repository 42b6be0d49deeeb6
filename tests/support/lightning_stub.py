"""What `examples/lightning_loop.py` uses of the package lightning, with its hooks called in the
same order.

lightning is not installed for the tests. This stub has the interface of lightning 2: a module with
hooks, and a trainer that checks the validation loop first (`num_sanity_val_steps`), and then trains
and validates each epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

SANITY_STEPS = 2


class LightningModule(nn.Module):
    """A network with hooks; `log` hands a value to the trainer."""

    trainer: Trainer

    def log(self, name: str, value: Any) -> None:
        """Keep a value under its name in the trainer's `callback_metrics`."""
        self.trainer.callback_metrics[name] = torch.as_tensor(value)

    def on_validation_epoch_start(self) -> None:
        """Do nothing unless a module overrides it."""

    def on_validation_epoch_end(self) -> None:
        """Do nothing unless a module overrides it."""


class Trainer:
    """Calls the hooks of a module; options of logging and checkpoints have no effect here."""

    def __init__(self, *, max_epochs: int, **_output: bool) -> None:
        self.max_epochs = max_epochs
        self.callback_metrics: dict[str, Tensor] = {}

    def fit(self, model: Any, train: Iterable[Any], val: Iterable[Any]) -> None:
        """Train the model, and validate it after each epoch."""
        model.trainer = self
        optimizer = model.configure_optimizers()
        self._validate(model, islice(val, SANITY_STEPS))
        for _ in range(self.max_epochs):
            model.train()
            for index, batch in enumerate(train):
                optimizer.zero_grad()
                model.training_step(batch, index).backward()
                optimizer.step()
            self._validate(model, val)

    def _validate(self, model: Any, batches: Iterable[Any]) -> None:
        model.eval()
        with torch.no_grad():
            model.on_validation_epoch_start()
            for index, batch in enumerate(batches):
                model.validation_step(batch, index)
            model.on_validation_epoch_end()
