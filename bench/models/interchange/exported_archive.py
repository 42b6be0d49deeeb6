"""What kind of archive a torch file is, and whether a torch.export program is safe to load.

torch's own reader of programs turns text of the file into functions and expressions without
checking it, so that a file could run any code. The text is checked here first: only operators and
arithmetic are allowed. This module neither loads nor runs anything.
"""

from __future__ import annotations

import ast
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from bench.errors import CheckpointError

OPERATOR = re.compile(
    r"(torch\.ops\.(?!_)\w+\.\w+(\.\w+)?|torch\.sym_\w+|_operator\.\w+|math\.\w+)"
)
"""What nodes of a program may call: operators of torch, and arithmetic on sizes."""
EXPRESSION = frozenset(
    {
        "Symbol", "Integer", "Float", "Rational", "Add", "Mul", "Pow", "Max", "Min", "Mod", "Abs", "floor",
        "ceiling", "FloorDiv", "CeilDiv", "CleanDiv", "PythonMod", "Where", "ModularIndexing", "CeilToInt",
        "FloorToInt", "IntTrueDiv", "FloatTrueDiv", "LShift", "RShift", "TruncToFloat", "TruncToInt", "RoundToInt",
        "RoundDecimal", "ToFloat", "FloatPow", "PowByNatural", "Identity", "And", "Or", "Not", "Equality",
        "Unequality", "StrictLessThan", "LessThan", "StrictGreaterThan", "GreaterThan", "Eq", "Ne", "Lt", "Le",
        "Gt", "Ge",
    }
)  # fmt: skip
"""What expressions of sizes are made of."""


def kind_of(path: Path) -> Literal["torchscript", "program"]:
    """TorchScript or a program of torch.export, recognised by the members of the archive.

    Raises:
        CheckpointError: another kind of file, such as a pickled network or a state dict.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        with path.open("rb") as file:
            pickled = file.read(1) == b"\x80"
        raise _refused(
            path, "a pickle" if pickled else "not an archive that torch writes, or truncated"
        ) from None
    inner = [name.partition("/")[2] for name in names]
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return "torchscript"
    if any(name.startswith("data/aotinductor") for name in inner):
        raise _refused(path, "compiled by AOTInductor: machine code, which cannot be checked")
    if "archive_format" in inner or "serialized_exported_program.json" in names:
        return "program"
    pickled = "data.pkl" in inner
    raise _refused(
        path,
        "a file of torch.save: a state dict or a pickled network" if pickled else "something else",
    )


def check_program(path: Path) -> None:
    """Refuse a program that names anything but operators, or whose sizes are not arithmetic.

    Raises:
        CheckpointError: such a name, or graphs that cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            texts = [archive.read(name) for name in archive.namelist() if name.endswith(".json")]
        graphs = [json.loads(text) for text in texts]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is truncated or damaged ({error}); export or fetch it again"
        ) from None
    for key, text in _strings(graphs):
        allowed = is_operator(text) if key == "target" else is_arithmetic(text)
        if not allowed:
            raise CheckpointError(
                f"{path} asks for {text[:80]!r}, which is not an operator of a network; it could "
                "run any code and is refused"
            )


def is_operator(text: str) -> bool:
    """Whether a call names an operator of torch, or arithmetic on sizes.

    >>> is_operator("torch.ops.aten.conv2d.default"), is_operator("torch.os.system")
    (True, False)
    """
    return OPERATOR.fullmatch(text) is not None and "__" not in text


def is_arithmetic(text: str) -> bool:
    """Whether an expression of sizes holds numbers, names and known functions only.

    >>> is_arithmetic("Mul(Integer(8), Symbol('s16', positive=True))")
    True
    >>> is_arithmetic("eval(chr(49))")
    False
    """
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return False
    plain = (
        ast.Expression,
        ast.BinOp,
        ast.UnaryOp,
        ast.operator,
        ast.unaryop,
        ast.Constant,
        ast.Name,
        ast.Load,
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if not (isinstance(node.func, ast.Name) and node.func.id in EXPRESSION):
                return False
        elif not isinstance(node, (*plain, ast.keyword, ast.Compare, ast.cmpop)):
            return False
    return True


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    """The calls and expressions anywhere in a program's JSON, by key."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if isinstance(entry, str) and key in ("target", "expr_str"):
                yield key, entry
            else:
                yield from _strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry)


def _refused(path: Path, contents: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is {contents}: --model exported runs TorchScript (torch.jit.save) and programs "
        "(torch.export.save); a state dict goes to the adapter of its network, an .onnx file to "
        "--model onnx, a .tflite file to --model litert"
    )
