"""Why ① and not ②: how much more likely each item of one history makes either of two candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.factor_axis import factor_ticks
from surge.pictures.figure import LEAST_CONTRAST, bare_axis, new_figure, paper_note, places
from surge.pictures.palette import ClusterStyle, Theme, cluster_styles, contrast, item_clusters, rgba
from surge.pictures.text import date_of, shorten, title_of
from surge.vocabulary.amounts import factor

FIRST, SECOND = "①", "②"
DIFFERS = 0.1  # of the log of the lift, as in the verdict
ROW_HEIGHT = 34  # pixels


def ledger_table(
    first: Explanation,
    second: Explanation,
    first_effects: Effects,
    second_effects: Effects,
    *,
    styles: Sequence[ClusterStyle] | None = None,
) -> pd.DataFrame:
    """One row an item, in time order. `effect factor`: how many times as likely it makes a candidate, NaN where
    nothing would be left; `log difference`: the log of that for ① less that for ②; β is the mean over heads.

    `cluster` is the item's first choice when it is read for ①. Records of two histories are a ValueError.
    """
    check_pair(first, second, first_effects, second_effects)
    styles = cluster_styles(first) if styles is None else styles
    return pd.DataFrame(
        {
            "position": np.arange(1, first.length + 1),
            "title": [title_of(item) for item in first.history],
            "cluster": [styles[cluster].letter for cluster in item_clusters(first)],
            f"effect factor on {FIRST}": np.exp(first_effects.item_effect),
            f"effect factor on {SECOND}": np.exp(second_effects.item_effect),
            "log difference": difference_of(first_effects, second_effects),
            f"β for {FIRST}": first.interest_fusion.query_score.mean(axis=0),
            f"β for {SECOND}": second.interest_fusion.query_score.mean(axis=0),
            f"importance for {FIRST}": first.interest_extraction.importance,
            f"importance for {SECOND}": second.interest_extraction.importance,
            "item": [item.item for item in first.history],
        }
    )


def ledger_figure(
    first: Explanation,
    second: Explanation,
    first_effects: Effects,
    second_effects: Effects,
    theme: Theme | str,
    *,
    limit: int = 16,
    styles: Sequence[ClusterStyle] | None = None,
) -> go.Figure:
    """The `limit` items with the largest |difference|, the strongest for ① at the top, for ② at the bottom.

    Trace 0 holds the bars for ① (filled), trace 1 those for ② (hollow): x = log effect, y = row.
    customdata is (index, title, cluster, day, effect on ①, effect on ②, difference), the last three as text.
    """
    theme = Theme(theme)
    check_pair(first, second, first_effects, second_effects)
    styles = cluster_styles(first, theme) if styles is None else styles
    clusters = item_clusters(first)
    shown = shown_items(first_effects, second_effects, limit)
    colours = [styles[clusters[i]].colour for i in shown]
    # a yellow outline alone can't be seen on white
    lines = [colour if contrast(colour, theme.background) >= LEAST_CONTRAST else theme.muted for colour in colours]
    rows = np.arange(len(shown))
    effects = (first_effects, second_effects)
    reach = max(*(float(np.abs(side.item_effect[shown]).max(initial=0)) for side in effects), DIFFERS)
    customdata = [_told(first, first_effects, second_effects, i, styles[clusters[i]]) for i in shown]
    shared: dict[str, Any] = {
        "orientation": "h",
        "customdata": customdata,
        "width": 0.36,
        "hovertemplate": (
            "<b>%{customdata[1]}</b><br>cluster %{customdata[2]}<br>%{customdata[3]}"
            f"<br>{FIRST} %{{customdata[4]}}<br>{SECOND} %{{customdata[5]}}"
            f"<br>{FIRST} against {SECOND} %{{customdata[6]}}<extra></extra>"
        ),
    }
    figure = new_figure(theme, ROW_HEIGHT * max(len(shown), 1) + 74, barmode="overlay")
    for side, offset, fills, width in (
        (first_effects, -0.38, colours, 1.0),
        (second_effects, 0.02, [rgba(colour, 0.12) for colour in colours], 2.0),
    ):
        figure.add_bar(
            x=side.item_effect[shown],
            y=rows,
            offset=offset,
            marker={"color": fills, "line": {"color": lines, "width": width}},
            **shared,
        )
    frame = [-1.12 * reach, 1.12 * reach]
    ticks, words = factor_ticks(*frame)
    rectangles: list[list[list[float]]] = [[] for _ in range(first.length)]
    by_cluster: dict[int, list[list[float]]] = {}
    for row, index in enumerate(shown.tolist()):
        rectangles[index] = [[*frame, row - 0.48, row + 0.48]]
        by_cluster.setdefault(int(clusters[index]), []).extend(rectangles[index])
    figure.update_layout(
        meta=places(rectangles, by_cluster),
        # the two candidates above the bars, as the key of filled and hollow
        annotations=[paper_note(_key(first, second), 0.5, 1, theme, xanchor="auto", yshift=10)],
        margin={"l": 236, "r": 10, "t": 34, "b": 34},
    )
    figure.add_vline(x=0, line={"color": theme.muted, "width": 1})
    figure.update_xaxes(
        bare_axis(
            range=frame,
            showgrid=True,
            gridcolor=theme.grid,
            tickvals=ticks,
            ticktext=words,
            title={
                "text": "speaks against it   ←   effect of the item   →   speaks for it",
                "standoff": 6,
            },
        )
    )
    titles = [for_plotly(shorten(title_of(item), 32)) for item in first.history]
    figure.update_yaxes(
        bare_axis(
            range=[len(shown) - 0.5, -0.5],
            tickvals=rows.tolist(),
            ticktext=[f"{titles[i]}  <b>{styles[clusters[i]].letter}</b>" for i in shown],
            tickfont={"size": 13, "color": theme.text},
        )
    )
    return figure


def shown_items(first_effects: Effects, second_effects: Effects, limit: int) -> np.ndarray:
    """Indices of the items with the largest measured |difference|, in order from the strongest for ① to ②."""
    difference = difference_of(first_effects, second_effects)
    measured = np.flatnonzero(np.isfinite(difference))
    strongest = measured[np.argsort(-np.abs(difference[measured]), kind="stable")][:limit]
    return strongest[np.argsort(-difference[strongest], kind="stable")]


# -- helpers ------------------------------------------------------------------------------------------


def check_pair(first: Explanation, second: Explanation, first_effects: Effects, second_effects: Effects) -> None:
    if [item.item for item in first.history] != [item.item for item in second.history]:
        raise ValueError("the two records are not of one history")
    if {len(first_effects.item_logit), len(second_effects.item_logit)} != {first.length}:
        raise ValueError("the effects are not of these records")


def difference_of(first_effects: Effects, second_effects: Effects) -> np.ndarray:
    """What each item adds to the lead of ① over ②, in logs of factors (n)."""
    return first_effects.item_effect - second_effects.item_effect


def _told(
    record: Explanation, first_effects: Effects, second_effects: Effects, index: int, style: ClusterStyle
) -> list[Any]:
    item = record.history[index]
    words = [f"effect {factor(float(side.item_effect[index]))}" for side in (first_effects, second_effects)]
    return [
        int(index),
        for_plotly(title_of(item)),
        for_plotly(f"{style.letter} {style.name}".strip()),
        date_of(item) or "day not known",
        *words,
        factor(float(difference_of(first_effects, second_effects)[index])),
    ]


def _key(first: Explanation, second: Explanation) -> str:
    return "     ".join(
        f"<b>{mark}</b> {square} {for_plotly(shorten(title_of(record.target), 36))}"
        for mark, square, record in ((FIRST, "■", first), (SECOND, "□", second))
    )
