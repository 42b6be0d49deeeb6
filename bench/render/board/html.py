"""A board as one self-contained HTML page, for screens, phones and paper, light and dark.

It computes nothing.
"""

from __future__ import annotations

import re
from html import escape

from bench.boards.board_table import Column, Row, Score, Table
from bench.render import cells
from bench.render.board import TableFormat

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: color-mix(in srgb, currentColor 62%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; }
body { min-width: min(75rem, 100% - 2rem); max-width: calc(100% - 2rem); width: fit-content; }
p, li { max-width: 70rem; }
h1 { font-size: 1.5rem; line-height: 1.2; }
.table { overflow-x: auto; }
table { border-collapse: collapse; border-bottom: 2px solid; border-top: 2px solid; width: 100%; }
th, td { padding: .35rem .7rem; text-align: left; vertical-align: top; }
thead th { border-bottom: 1px solid var(--line); vertical-align: bottom; }
tbody + tbody tr:first-child > * { border-top: 1px solid var(--line); }
.score, .cost { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
.score small, tbody th[colspan], footer, .text { color: var(--soft); }
.score small { display: block; font-size: .75rem; font-weight: normal; line-height: 1.2; }
.name { white-space: nowrap; }
tbody .name { font-weight: normal; }
tbody th[colspan] { font-size: .85rem; font-weight: normal; padding-top: .7rem; }
.text { font-size: .85rem; min-width: 10rem; }
footer { font-size: .85rem; margin-top: 1.5rem; }
"""


def render(table: Table) -> str:
    """The whole page."""
    head = "".join(
        f'<th scope="col" class="{column.kind}">{escape(column.title)}</th>'
        for column in table.columns
    )
    blocks = cells.blocks(table)
    bodies = "\n".join(
        _body(title if len(blocks) > 1 else "", rows, table.columns) for title, rows in blocks
    )
    remarks = "\n".join(
        f"<li>{escape(remark)}</li>" for remark in (*cells.reasons(table), *table.remarks)
    )
    note = f"<p>{_code(escape(table.note))}</p>\n" if table.note else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(table.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(table.title)}</h1>
{note}<div class="table">
<table>
<thead>
<tr>{head}</tr>
</thead>
{bodies or "<tbody></tbody>"}
</table>
</div>
<footer>
<ul>
{remarks}
</ul>
</footer>
</body>
</html>
"""


def _body(title: str, rows: tuple[Row, ...], columns: tuple[Column, ...]) -> str:
    heading = (
        f'<tr><th colspan="{len(columns)}" scope="rowgroup">{escape(title)}</th></tr>\n'
        if title
        else ""
    )
    lines = [
        "<tr>"
        + "".join(_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True))
        + "</tr>"
        for row in rows
    ]
    return "<tbody>\n" + heading + "\n".join(lines) + "\n</tbody>"


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def _cell(cell: str | Score, column: Column) -> str:
    if isinstance(cell, str):
        tag, scope = ("th", ' scope="row"') if column.kind == "name" else ("td", "")
        return f'<{tag}{scope} class="{column.kind}">{escape(cell)}</{tag}>'
    number = f"<strong>{cells.number(cell)}</strong>" if cell.bold else cells.number(cell)
    interval = cells.interval(cell)
    small = f"<small>{interval}</small>" if interval else ""
    return f'<td class="score">{number}{small}</td>'


FORMAT: TableFormat = render
