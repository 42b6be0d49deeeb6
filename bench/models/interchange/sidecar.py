"""The TOML file beside an exported network, for what the network's own file does not say.

`docs/models.md` lists the keys; an unknown key is refused. This module knows neither networks nor
arrays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bench.errors import CheckpointError, did_you_mean

Layout = Literal["NCHW", "NHWC"]
OutputKind = Literal["labels", "logits", "probabilities"]
Side = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]


class Sidecar(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the user states about an exported network; None for what they leave out.

    The input of the network is (pixel / `scale` - `mean`) / `std`, with `mean` and `std` in the
    order of `channels`.
    """

    input_size: tuple[Side, Side] | None = None
    layout: Layout | None = None
    dtype: Literal["float32", "float16", "uint8", "int8"] | None = None
    channels: Literal["RGB", "BGR"] = "RGB"
    scale: Positive | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[Positive, Positive, Positive] | None = None
    stride: Side = 1
    output: str | None = None
    output_layout: Layout | None = None
    kind: OutputKind | None = None
    classes: tuple[str, ...] | None = None

    @property
    def has_normalisation(self) -> bool:
        """Whether anything is stated about the normalisation of pixels."""
        return any(value is not None for value in (self.scale, self.mean, self.std))


def find(weights: Path, named: Path | None) -> tuple[Path | None, Sidecar]:
    """The sidecar that was named, else MODEL.toml beside the network's file, else an empty one.

    Raises:
        CheckpointError: a named file that does not exist, invalid TOML, an unknown key or value.
    """
    if named is None and not weights.is_file():
        return None, Sidecar()
    path = named.expanduser() if named else weights.with_suffix(".toml")
    if not path.is_file():
        if named:
            raise CheckpointError(f"--config {named}: there is no such file")
        return None, Sidecar()
    return path, read(path)


def read(path: Path) -> Sidecar:
    """Read a sidecar.

    Raises:
        CheckpointError: invalid TOML, an unknown key, or a wrong value; the message names key and
            file.
    """
    try:
        raw = msgspec.toml.decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read as TOML: {error}") from None
    unknown = [key for key in raw if key not in Sidecar.__struct_fields__]
    if unknown:
        raise CheckpointError(
            f"{path}: unknown key {unknown[0]!r}: "
            f"{did_you_mean(unknown[0], Sidecar.__struct_fields__)}"
        )
    try:
        return msgspec.convert(raw, Sidecar)
    except msgspec.ValidationError as error:
        raise CheckpointError(f"{path}: {error}") from None
