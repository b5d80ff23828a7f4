"""What a page of Streamlit's own test runner drew with the app's components."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from streamlit.testing.v1 import AppTest


def _drawn(page: AppTest, name: str) -> dict[str, dict[str, Any]]:
    found = (json.loads(part.proto.json) for part in page.get("bidi_component") if part.proto.component_name == name)
    return {data["key"]: data for data in found}


def charts(page: AppTest) -> dict[str, dict[str, Any]]:
    """The figures of the charts, as the browser gets them, by key."""
    return {key: json.loads(data["figure"]) for key, data in _drawn(page, "surge_chart").items()}


def tables(page: AppTest) -> dict[str, list[dict[str, str]]]:
    """The rows of the tables that select, by key: the text of each cell by the name of its column."""
    return {
        key: [dict(zip([head[0] for head in data["heads"]], row, strict=True)) for row in data["rows"]]
        for key, data in _drawn(page, "surge_linked_table").items()
    }


def written(page: AppTest) -> str:
    """What the page's own HTML says, as it is read: headings with their notes, and captions."""
    bodies = (part.proto.body for part in page.get("html") if not part.proto.body.startswith("<style>"))
    return html.unescape(re.sub(r"<[^>]*>", " ", " ".join(bodies)))


def said(page: AppTest) -> str:
    """Every sentence on the page, as it is read."""
    elements = [*page.caption, *page.markdown, *page.info, *page.warning, *page.error]
    words = " ".join(element.value for element in elements).replace("\\", "").replace("\u2060", "")
    return f"{words} {written(page)}"
