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
from surge.pictures.text import count, date_of, listed, shorten, title_of
from surge.vocabulary.amounts import bound, chance, factor, times

FIRST, SECOND = "①", "②"
DIFFERS = 0.1  # of the log of the lift, as in the verdict
ROW_HEIGHT = 34  # pixels
NAMED = 2  # items on each side of the sentence

ABOUT = (
    "Why ① and not ②? Each item is left out of the history in turn, and the model is asked again for both. A bar "
    "to the right up to ×2: with the item the candidate is twice as likely as without it; to the left down to ÷2: half "
    "as likely. Equal factors are equally long, which makes a bar a change of the raw score (logit, Eq. 17). The gap "
    "between an item's two bars is what it adds to the lead of ① over ②."
)


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
    _check(first, second, first_effects, second_effects)
    styles = cluster_styles(first) if styles is None else styles
    return pd.DataFrame(
        {
            "position": np.arange(1, first.length + 1),
            "title": [title_of(item) for item in first.history],
            "cluster": [styles[cluster].letter for cluster in item_clusters(first)],
            f"effect factor on {FIRST}": np.exp(first_effects.item_effect),
            f"effect factor on {SECOND}": np.exp(second_effects.item_effect),
            "log difference": _difference(first_effects, second_effects),
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
    _check(first, second, first_effects, second_effects)
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
    difference = _difference(first_effects, second_effects)
    measured = np.flatnonzero(np.isfinite(difference))
    strongest = measured[np.argsort(-np.abs(difference[measured]), kind="stable")][:limit]
    return strongest[np.argsort(-difference[strongest], kind="stable")]


def ledger_sentence(
    first: Explanation, second: Explanation, first_effects: Effects, second_effects: Effects, *, length: int = 44
) -> str:
    """Which items speak more for ①, which for ②, as plain text; or that none makes a difference."""
    _check(first, second, first_effects, second_effects)
    names = [f"{mark} “{shorten(title_of(r.target), length)}”" for mark, r in ((FIRST, first), (SECOND, second))]
    start = _start(first, second, names)
    difference = _difference(first_effects, second_effects)
    measured = np.flatnonzero(np.isfinite(difference))
    if not len(measured):
        return f"{start} The history holds a single item: nothing can be left out to see what makes the difference."
    if first.target.item == second.target.item:
        return f"{start} They are the same item."
    sides: list[str] = []
    for mark, sign in ((FIRST, 1.0), (SECOND, -1.0)):
        order = measured[np.argsort(-sign * difference[measured], kind="stable")]
        speaking = dict.fromkeys(
            f"“{shorten(title_of(first.history[i]), length)}”" for i in order if sign * difference[i] >= DIFFERS
        )
        if speaking:
            named = list(speaking)[:NAMED]
            verb = "speaks" if len(named) == 1 else "speak"
            sides.append(f"{listed(named)} {verb} more for {mark}")
    if not sides:
        most = float(np.abs(difference[measured]).max())
        return (
            f"{start} No single item makes the difference: leaving out any one of them changes how the two compare by "
            f"less than a factor of {bound(most)}."
        )
    if len(sides) == 1:
        other = SECOND if sides[0].endswith(FIRST) else FIRST
        sides.append(f"no single item speaks clearly more for {other}")
    return f"{start} {'; '.join(sides)}."


def caption(
    first: Explanation, second: Explanation, first_effects: Effects, second_effects: Effects, *, limit: int = 16
) -> str:
    """What the ledger draws, in which unit, and what it leaves out."""
    shown = len(shown_items(first_effects, second_effects, limit))
    if not shown:
        return "Nothing is drawn: no item can be left out of this history."
    left_out = first.length - shown
    rest = f" {count(left_out, 'item')} with a smaller difference are not drawn." if left_out > 1 else ""
    rest = " 1 item with a smaller difference is not drawn." if left_out == 1 else rest
    moved = int((item_clusters(first) != item_clusters(second)).sum())
    elsewhere = (
        f" {count(moved, 'item')} of the history {'lies' if moved == 1 else 'lie'} in another cluster when read for "
        f"{SECOND}."
        if moved
        else ""
    )
    return (
        f"Filled: effect on {FIRST}; hollow: on {SECOND}, how many times as likely the item makes it, measured by "
        f"leaving it out. {count(shown, 'item')}, ordered by the difference; colour and letter: the cluster when read "
        f"for {FIRST}.{rest}{elsewhere}"
    )


# -- helpers ------------------------------------------------------------------------------------------


def _check(first: Explanation, second: Explanation, first_effects: Effects, second_effects: Effects) -> None:
    if [item.item for item in first.history] != [item.item for item in second.history]:
        raise ValueError("the two records are not of one history")
    if {len(first_effects.item_logit), len(second_effects.item_logit)} != {first.length}:
        raise ValueError("the effects are not of these records")


def _difference(first_effects: Effects, second_effects: Effects) -> np.ndarray:
    """What each item adds to the lead of ① over ②, in logs of factors (n)."""
    return first_effects.item_effect - second_effects.item_effect


def _start(first: Explanation, second: Explanation, names: Sequence[str]) -> str:
    """How likely the two are (or would be, of what is never recommended), as far as it is known of both."""
    one, other = first.prediction.next_probability, second.prediction.next_probability
    lifts = [times(record.lift) for record in (first, second)]
    left_out = [record.is_left_out() for record in (first, second)]
    subjects = [
        f"{name} (not ranked, {record.left_out_words})" if never else name
        for name, record, never in zip(names, (first, second), left_out, strict=True)
    ]
    unlike = left_out[0] != left_out[1]  # then the verb of the first doesn't hold for the second
    if one is None or other is None:
        verbs = ["would be " if never else "is " for never in left_out]
        return (
            f"{subjects[0]} {verbs[0]}{lifts[0]} as likely as by popularity alone, {subjects[1]} "
            f"{verbs[1] if unlike else ''}{lifts[1]}."
        )
    verbs = ["would have " if never else "has " for never in left_out]
    return (
        f"{subjects[0]} {verbs[0]}a chance of {chance(one)} of being the next item, {lifts[0]} as likely as by "
        f"popularity alone; {subjects[1]} {verbs[1] if unlike else ''}one of {chance(other)}, {lifts[1]} as likely."
    )


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
        factor(float(_difference(first_effects, second_effects)[index])),
    ]


def _key(first: Explanation, second: Explanation) -> str:
    return "     ".join(
        f"<b>{mark}</b> {square} {for_plotly(shorten(title_of(record.target), 36))}"
        for mark, square, record in ((FIRST, "■", first), (SECOND, "□", second))
    )
