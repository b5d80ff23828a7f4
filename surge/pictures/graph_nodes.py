"""The nodes of the interest graph: what each item's disc shows and says, and the items that edits removed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyvis.network import Network

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation, Item
from surge.pictures.edit_context import Before
from surge.pictures.palette import ClusterStyle, Theme, item_clusters
from surge.pictures.text import moment_of, shorten, title_of, without_it

LABELLED = 5  # the items that matter most carry their names
SMALLEST, MIDDLE, LARGEST = 11, 14, 27  # radii of nodes in canvas units; MIDDLE is that of an average item
LEAST_EFFECT = 0.005  # of the log of the lift; less has no sign, as it reads ×1.0


def add_nodes(
    network: Network,
    record: Explanation,
    theme: Theme,
    positions: np.ndarray,
    styles: Sequence[ClusterStyle],
    effects: Effects | None,
    before: Before | None,
) -> None:
    """One node an item, at `positions` (n x 2). Its area is its importance gamma or, with `effects`, the size of the
    measured effect; the few that weigh most are labelled."""
    n, importance = record.length, record.interest_extraction.importance
    total, clusters = record.interest_extraction.total_assignment(), item_clusters(record)
    origin = range(n) if before is None else before.origin
    signed = None if effects is None else np.nan_to_num(effects.item_effect)
    weight = importance if signed is None else np.abs(signed)
    mean = float(weight.mean())
    sizes = np.clip(MIDDLE * np.sqrt(weight / mean if mean > 0 else np.zeros(n)), SMALLEST, LARGEST)
    named: dict[str, int] = {}  # a repeated item is named once
    for i in np.lexsort((-importance, -weight)):
        named.setdefault(record.history[i].item, int(i))
    labelled = set(list(named.values())[:LABELLED])
    for i, item in enumerate(record.history):
        style = styles[clusters[i]]
        lines = [
            " · ".join(part for part in (moment_of(item), f"item {i + 1} of {n}") if part),
            f"cluster {style.letter} {style.name}".rstrip() + f" ({float(total[i, clusters[i]]):.0%})",
            f"importance γ {float(importance[i]):.2%}",
        ]
        if effects is not None:
            lines += _effect_lines(effects, i)
        if origin[i] is None:
            lines.append("new: it is not in the history before the edits")
        network.add_node(
            i,
            label=shorten(title_of(item)) if i in labelled else " ",  # pyvis shows the id where the label is empty
            shape="dot" if origin[i] is not None else "square",
            color={"background": style.colour, "border": theme.background},
            size=round(float(sizes[i]), 2),
            x=round(float(positions[i, 0]), 2),
            y=round(float(positions[i, 1]), 2),
            letter=style.letter if style.lettered else "",
            ink=style.ink,
            cluster=int(clusters[i]),
            weight=float(weight[i]),
            sign="" if signed is None or abs(signed[i]) < LEAST_EFFECT else "+" if signed[i] > 0 else "−",
            key=origin[i],
            ghost=False,
            **_words(item, lines),
        )


def add_ghosts(network: Network, n: int, before: Before, theme: Theme, positions: np.ndarray) -> None:
    """The items that are gone: hollow, where they stood."""
    for number, index in enumerate(before.removed):
        item = before.record.history[index]
        lines = [moment_of(item), "no longer in the history"]
        if before.effects is not None:
            lines += [f"before: {line}" for line in _effect_lines(before.effects, index) if line]
        network.add_node(
            n + number,
            label=" ",
            shape="dot",
            color={"background": theme.background, "border": theme.muted},
            shapeProperties={"borderDashes": [4, 3]},
            size=SMALLEST,
            x=round(float(positions[number, 0]), 2),
            y=round(float(positions[number, 1]), 2),
            letter="",
            ink=theme.muted,
            cluster=-1,
            weight=0.0,
            sign="",
            key=index,
            ghost=True,
            **_words(item, lines),
        )


def _words(item: Item, lines: Sequence[str]) -> dict[str, str]:
    """A node's name and tooltip, each line of which is one line."""
    every = [title_of(item), item.category or "no category", *lines]
    text = "\n".join(" ".join(line.split()) for line in every if line)
    return {"title": text, "name": shorten(title_of(item))}


def _effect_lines(effects: Effects, i: int) -> list[str]:
    """What the lift and the rank become without an item, and on which side it is."""
    signed = float(effects.item_effect[i])
    if not np.isfinite(signed):
        return ["without it: nothing would be left to read"]
    side = "it speaks for the candidate (+)" if signed > 0 else "it speaks against the candidate (−)"
    return [without_it(effects, i), side if abs(signed) >= LEAST_EFFECT else ""]
