"""Run the code cells of a notebook without Jupyter, which is not a dependency of the tests.

    python tests/support/notebooks.py examples/first_steps.ipynb     run it and store the new outputs in it

A cell's outputs are what it prints and the value of its last expression, as Jupyter shows them.
"""

from __future__ import annotations

import ast
import io
import json
import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def run(notebook: dict[str, Any]) -> list[list[Cell]]:
    """The outputs of each code cell, run in order in the working directory."""
    names: dict[str, Any] = {"__name__": "__main__"}
    return [run_cell(source_of(cell), names) for cell in code_cells(notebook)]


def code_cells(notebook: dict[str, Any]) -> list[Cell]:
    """The code cells of a notebook, in order."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source_of(cell: Cell) -> str:
    """The text of a cell."""
    return "".join(cell["source"])


def run_cell(source: str, names: dict[str, Any]) -> list[Cell]:
    """The outputs of one cell; `names` are the variables of the notebook."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value, printed = None, io.StringIO()
    with redirect_stdout(printed), redirect_stderr(io.StringIO()):
        exec(compile(tree, "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    outputs: list[Cell] = []
    if printed.getvalue():
        outputs.append(
            {"name": "stdout", "output_type": "stream", "text": lines_of(printed.getvalue())}
        )
    if value is not None:
        data = {"text/plain": lines_of(repr(value))}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = lines_of(value._repr_html_())
        outputs.append({"data": data, "metadata": {}, "output_type": "execute_result"})
    return outputs


def lines_of(text: str) -> list[str]:
    """A text as notebooks store it: lines with their line ends."""
    return text.splitlines(keepends=True)


def as_text(outputs: list[Cell]) -> str:
    """What a cell printed and the plain form of its value; HTML differs between versions of
    pandas.
    """
    return "\n".join(
        "".join(each["text"] if "text" in each else each["data"]["text/plain"]) for each in outputs
    )


def main(path: Path) -> None:
    """Run a notebook in an empty folder and store the outputs in its file."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        outputs = run(notebook)
        os.chdir(home)
    for number, (cell, made) in enumerate(zip(code_cells(notebook), outputs, strict=True), 1):
        cell["execution_count"] = number
        cell["outputs"] = [
            {**each, "execution_count": number} if each["output_type"] == "execute_result" else each
            for each in made
        ]
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
