"""The documents of the repository lead somewhere: every relative link, and every heading that a
link names.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for folder in (".", "docs", "docs/decisions", "datasets", "leaderboards", "examples")
    for path in (ROOT / folder).glob("*.md")
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")


def headings(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(page: Path, text: str) -> list[str]:
    """The links of a page that lead nowhere."""
    dead = []
    for link in LINK.findall(text):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (
            anchor and anchor not in headings(target.read_text(encoding="utf-8"))
        ):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert [] == dead_links(page, page.read_text(encoding="utf-8"))


def test_dead_links_are_found() -> None:
    text = (
        "[a](docs/nothing.md) [b](README.md#no-such-heading) [c](CONTRIBUTING.md#style) "
        "[d](https://example.org)"
    )
    assert ["docs/nothing.md", "README.md#no-such-heading"] == dead_links(ROOT / "page.md", text)


def test_the_index_names_every_page() -> None:
    index = set(LINK.findall((ROOT / "docs" / "README.md").read_text(encoding="utf-8")))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= index
