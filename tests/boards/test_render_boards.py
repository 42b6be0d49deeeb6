"""Boards in every format, to the letter: a made-up table with all that a table can hold."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.boards.board_table import Column, Row, Score, Table
from bench.render.board import csv as csv_format
from bench.render.board import html, latex, markdown, terminal
from bench.render.board import json as json_format

COLUMNS = (
    Column("rank", "rank", "rank"),
    Column("name", "method", "name"),
    Column("mIoU", "mIoU", "score"),
    Column("mIoU@crop-200", "crop 200", "score"),
    Column("group", "group", "letters"),
    Column("source", "source", "text"),
)
TABLE = Table(
    title="Made up & measured",
    note="Scores in percent; `bench run` makes them.",
    columns=COLUMNS,
    rows=(
        Row(
            "net_a",
            False,
            (
                "1",
                "net_a",
                Score(0.61249, 1, (0.6, 0.625), bold=True),
                Score(None, 1),
                "a",
                "measured, 9 images",
            ),
            rank=(1, 1),
        ),
        Row(
            "net <b>",
            False,
            (
                "2-3",
                "net <b>",
                Score(0.5, 1, (0.25, 0.75)),
                Score(0.3, 1),
                "b",
                "measured, 9 images",
            ),
            rank=(2, 3),
        ),
        Row(
            "old | new",
            True,
            ("", "old | new", Score(0.8711, 2), Score(None, 0), "", "reported: Doe & Roe, 50%"),
        ),
    ),
    apart=(
        Row(
            "short",
            False,
            ("", "short", Score(0.9, 1), Score(None, 1), "", "measured, 3 images"),
            reason="it was counted on other images",
        ),
    ),
    remarks=("Bold: not significantly worse than the best.", "Reported: as published."),
)

MARKDOWN = (
    """\
# Made up & measured

Scores in percent; `bench run` makes them.

| rank | method | mIoU | crop 200 | group | source |
| :-- | :-- | --: | --: | :-- | :-- |
| 1 | net\\_a | **61.2** [60.0, 62.5] | - | a | measured, 9 images |
| 2-3 | net \\<b> | 50.0 [25.0, 75.0] | 30.0 | b | measured, 9 images |
|  | old \\| new | 87.11 | - |  | reported: Doe & Roe, 50% |

- Bold: not significantly worse than the best.
- Reported: as published.

## Not comparable with the rows above

|  rank | method | mIoU | crop 200 | group | source |
| :-- | :-- | --: | --: | :-- | :-- |
|  | short | 90.0 | - |  | measured, 3 images |

- short: it was counted on other images.

*Made by `bench board render`; `bench board check` says whether it is up to date.*
""".replace("|  rank", "| rank")
    .replace(", 62", ",\N{NO-BREAK SPACE}62")
    .replace(", 75", ",\N{NO-BREAK SPACE}75")
)

LATEX = r"""% needs \usepackage{booktabs} and \usepackage{graphicx}
\begin{table}
\centering
\caption{Made up \& measured.}
\label{tab:made-up-measured}
\par\smallskip
\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%
\begin{tabular}{llrrll}
\toprule
rank & method & mIoU & crop 200 & group & source \\
\midrule
\multicolumn{6}{l}{\emph{Measured}} \\
1 & net\_a & \textbf{61.2} {\scriptsize [60.0, 62.5]} & -- & a & measured, 9 images \\
2--3 & net \textless{}b\textgreater{} & 50.0 {\scriptsize [25.0, 75.0]} & 30.0 & b & measured, 9 images \\
\midrule
\multicolumn{6}{l}{\emph{Reported}} \\
 & old \textbar{} new & 87.11 & -- &  & reported: Doe \& Roe, 50\% \\
\midrule
\multicolumn{6}{l}{\emph{Not comparable with the rows above}} \\
 & short & 90.0 & -- &  & measured, 3 images \\
\bottomrule
\end{tabular}}
\par\smallskip
\parbox{\linewidth}{\footnotesize Scores in percent; \texttt{bench run} makes them. Bold: not significantly worse than the best. Reported: as published. short: it was counted on other images.}
\end{table}
"""

TERMINAL = """\
Made up & measured

Scores in percent; `bench run` makes them.

rank    method                                             mIoU    crop 200  group    source
        Measured:
1       net_a                                61.2* [60.0, 62.5]           -  a        measured, 9 images
2-3     net <b>                               50.0 [25.0, 75.0]        30.0  b        measured, 9 images
        Reported:
        old | new                                         87.11           -           reported: Doe & Roe, 50%
        Not comparable with the rows above:
        short                                              90.0           -           measured, 3 images

short: it was counted on other images.
Star: not significantly worse than the best.
Reported: as published.
"""

CSV = """\
name,reported,apart,rank:low,rank:high,mIoU,mIoU:low,mIoU:high,mIoU:bold,mIoU@crop-200,mIoU@crop-200:low,\
mIoU@crop-200:high,mIoU@crop-200:bold,group,source
net_a,False,,1,1,0.61249,0.6,0.625,True,,,,False,a,"measured, 9 images"
net <b>,False,,2,3,0.5,0.25,0.75,False,0.3,,,False,b,"measured, 9 images"
old | new,True,,,,0.8711,,,False,,,,False,,"reported: Doe & Roe, 50%"
short,False,it was counted on other images,,,0.9,,,False,,,,False,,"measured, 3 images"
"""


def test_markdown() -> None:
    assert MARKDOWN == markdown.render(TABLE)


def test_latex() -> None:
    assert LATEX == latex.render(TABLE)


def test_terminal() -> None:
    assert TERMINAL == terminal.render(TABLE)


def test_csv() -> None:
    assert CSV == csv_format.render(TABLE)
    assert 4 == len(list(csv.DictReader(io.StringIO(csv_format.render(TABLE)))))


def test_json() -> None:
    found = json.loads(json_format.render(TABLE))
    assert ["title", "note", "columns", "rows", "remarks"] == list(found)
    column = {"key": "mIoU@crop-200", "title": "crop 200", "kind": "score", "unit": ""}
    assert column == found["columns"][3]
    assert [0.61249, 0.6, 0.625, True] == [
        found["rows"][0][f"mIoU{end}"] for end in ("", ":low", ":high", ":bold")
    ]
    assert found["rows"][0]["mIoU@crop-200"] is None


class _Texts(HTMLParser):
    """The cells of every row of a page, and whether tags close what they open."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.bold: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser gives them
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.rows and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if "strong" in self.open:
            self.bold.append(data)


def test_html() -> None:
    page = html.render(TABLE)
    found = _Texts()
    found.feed(page)
    assert [] == found.open
    assert ["61.2"] == found.bold
    assert [
        ["rank", "method", "mIoU", "crop 200", "group", "source"],
        ["Measured"],
        ["1", "net_a", "61.2[60.0, 62.5]", "-", "a", "measured, 9 images"],
        ["2-3", "net <b>", "50.0[25.0, 75.0]", "30.0", "b", "measured, 9 images"],
        ["Reported"],
        ["", "old | new", "87.11", "-", "", "reported: Doe & Roe, 50%"],
        ["Not comparable with the rows above"],
        ["", "short", "90.0", "-", "", "measured, 3 images"],
    ] == found.rows
    assert "http" not in page, "the page needs nothing from elsewhere"
    assert "<code>bench run</code>" in page


def test_a_stale_page_names_its_rows() -> None:
    page = markdown.render(TABLE)
    assert [] == markdown.stale(TABLE, page)
    assert ["there is no README.md yet"] == markdown.stale(TABLE, None)
    changed = page.replace("**61.2**", "**63.2**")
    (finding,) = markdown.stale(TABLE, changed)
    assert finding.startswith("row net_a: now | 1 | net\\_a | **61.2**")
    (finding,) = markdown.stale(TABLE, page.replace("- Reported", "| 9 | gone |\n- Reported"))
    assert "no longer there: | 9 | gone |" == finding
    lines = page.splitlines()
    lines[6], lines[7] = lines[7], lines[6]
    assert ["the lines are in another order"] == markdown.stale(TABLE, "\n".join(lines) + "\n")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
@pytest.mark.slow
@pytest.mark.parametrize("wide", [False, True])
def test_latex_compiles(wide: bool, tmp_path: Path) -> None:
    columns = COLUMNS + COLUMNS[2:4] * 4 if wide else COLUMNS
    rows = tuple(
        Row(row.name, row.reported, row.cells + (row.cells[2:4] * 4 if wide else ()))
        for row in TABLE.rows
    )
    table = Table(TABLE.title, TABLE.note, columns, rows, (), TABLE.remarks)
    text = latex.render(table)
    head = "\\documentclass{article}\n\\usepackage{booktabs}\n\\usepackage{graphicx}\n\\begin{document}\n"
    (tmp_path / "table.tex").write_text(head + text + "\\end{document}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1000
