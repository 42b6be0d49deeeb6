"""The losses of the reference networks, by name; `weighted+dice` is the sum of two.

They see logits, (N, C, H, W), truth, (N, H, W) train ids, and weights of classes, (C,); pixels of
`IGNORE` never count.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

IGNORE = 255
FOCUS = 2.0
"""Gamma of the focal loss, as in its paper (Lin et al. 2017)."""
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Mean over the pixels of minus the log probability of the true class, without class
    weights.
    """
    del weights
    return functional.cross_entropy(logits, truth, ignore_index=IGNORE)


def weighted(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy whose mean over the pixels is weighted by the true class."""
    return functional.cross_entropy(logits, truth, weight=weights, ignore_index=IGNORE)


def focal(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Mean of cross-entropy times (1 - p) ** FOCUS, p the probability of the true class: easy
    pixels count little.
    """
    del weights
    entropy = functional.cross_entropy(logits, truth, ignore_index=IGNORE, reduction="none")
    counted = truth != IGNORE
    return ((1 - torch.exp(-entropy)) ** FOCUS * entropy)[counted].mean()


def dice(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """One minus the mean, over the classes in the batch, of the Dice of probabilities and ground
    truth.
    """
    del weights
    counted = (truth != IGNORE).unsqueeze(1)
    shares = logits.softmax(1) * counted
    true_class = torch.where(counted, truth.unsqueeze(1), 0)
    hits = torch.zeros(logits.shape[1], dtype=logits.dtype, device=logits.device)
    # Add each pixel's probability of its true class to that class. This avoids a one-hot ground
    # truth, which would take C times the memory.
    hits = hits.index_add(0, true_class.flatten(), shares.gather(1, true_class).flatten())
    sizes = torch.bincount(truth[truth != IGNORE].flatten(), minlength=logits.shape[1])
    present = sizes > 0
    scores = 2 * hits / (shares.sum((0, 2, 3)) + sizes)
    return 1 - scores[present].mean()


LOSSES: dict[str, Loss] = {
    "cross-entropy": cross_entropy,
    "weighted": weighted,
    "focal": focal,
    "dice": dice,
}


def loss(name: str) -> Loss:
    """The loss of this name, or the sum of several joined by `+`.

    Raises:
        KeyError: no such loss.
    """
    terms = [LOSSES[term] for term in name.split("+")]
    return lambda logits, truth, weights: torch.stack(
        [term(logits, truth, weights) for term in terms]
    ).sum()
