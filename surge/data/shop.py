"""The simulated shop: its items, and the interests that span its shelves, from the word lists in shop.toml."""

import tomllib
from pathlib import Path
from typing import Any

import polars as pl

ITEMS_PER_CATEGORY = 50
WORDS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("shop.toml").read_text(encoding="utf-8"))
CATEGORIES: dict[str, dict[str, Any]] = WORDS["shelves"]
INTERESTS: dict[str, tuple[str, ...]] = {name: tuple(kinds) for name, kinds in WORDS["interests"].items()}


def catalogue() -> pl.DataFrame:
    """All items in shop order: item, title, category and kind; titles are unique."""
    rows: list[tuple[str, str, str]] = []
    for name, shelf in CATEGORIES.items():
        is_work = shelf["by"] in WORDS["titles"]  # a book, a record or a game: its own name first, the kind in brackets
        prefixes = WORDS["titles" if is_work else "makers"][shelf["by"]]
        kinds = {kind: qualifiers for kind, qualifiers in shelf.items() if kind != "by"}
        for position, (kind, qualifiers) in enumerate(kinds.items()):
            share = ITEMS_PER_CATEGORY * (position + 1) // len(kinds) - ITEMS_PER_CATEGORY * position // len(kinds)
            pairs = [
                (prefix, qualifiers[(place + shift) % len(qualifiers)])
                for shift in range(len(qualifiers))
                for place, prefix in enumerate(prefixes)
            ]
            for prefix, qualifier in pairs[:share]:
                title = f"{prefix} {qualifier} ({kind})" if is_work else f"{prefix} {qualifier} {kind}"
                rows.append((title, name, kind))
    frame = pl.DataFrame(rows, schema=["title", "category", "kind"], orient="row")
    width = max(4, len(str(len(rows))))
    items = [f"i{number:0{width}d}" for number in range(1, len(rows) + 1)]
    return frame.select(pl.Series("item", items), "title", "category", "kind")
