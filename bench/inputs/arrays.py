"""Arrays of any library as NumPy arrays; torch is never imported here."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.errors import InputError
from bench.samples import Array

_NOT_IN_NUMPY = ("bfloat16", "float8")
"""Tensor types that NumPy does not have; a label below 256 is exact in float32."""


def array(value: Any) -> Array:
    """A NumPy array from an array, a list, a Pillow image, or a tensor on any device.

    Raises:
        InputError: rows of unequal length, or a tensor without plain data (sparse, meta).
    """
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        if any(name in str(value.dtype) for name in _NOT_IN_NUMPY):
            value = value.float()
        try:
            value = value.numpy()
        except (TypeError, RuntimeError, NotImplementedError) as error:
            raise InputError(f"this tensor cannot be read as a plain array ({error})") from None
    try:
        return np.asarray(value)
    except ValueError:
        raise InputError("an array is needed, got rows of unequal length") from None


def whole(values: Array, what: str, hint: str = "") -> Array:
    """Class numbers or ids as integers; floats are accepted if each is a whole number.

    Raises:
        InputError: other numbers, or not numbers; `what` is their name in the message.
    """
    if values.dtype.kind in "iub":
        return values
    if values.dtype.kind != "f":
        raise InputError(f"{what} must be whole numbers, got {values.dtype}{hint}")
    numbers = values.ravel().astype(np.float64)
    wrong = ~np.isfinite(numbers) | (numbers != np.floor(numbers)) | (np.abs(numbers) > 2**53)
    if wrong.any():
        raise InputError(
            f"{what} must be whole numbers, got {float(numbers[wrong.argmax()]):g}{hint}"
        )
    return values.astype(np.int64)
