"""Does the order that an explanation gives the items matter: deletion and insertion curves against random orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.explanation.measured import Faithfulness
from surge.pictures.amounts import bound, factor, lift
from surge.pictures.factor_axis import lift_range, lift_ticks
from surge.pictures.figure import bare_axis, new_figure
from surge.pictures.palette import Theme, rgba
from surge.pictures.text import count

Array = np.ndarray

LABELS = {
    "leave-one-out": "measured effect (leave one out)",
    "importance": "importance γ",
    "attention": "attention received",
    "integrated gradients": "integrated gradients",
}
IN_WORDS = LABELS | {"leave-one-out": "the measured effect"}
DASHES = ("solid", "dash", "dashdot", "dot")
MANY_ORDERS = 20  # from here on the band leaves out the outer tenths
LEAST_MOVED = 0.05  # of the log of the lift: with less no order can be told from another
TIE = 1e-9
OTHER_TEST = (
    "Another test than the verdict's, which compares each item's weight with that item's own effect: here items are "
    "deleted one after another and stay deleted. "
)

ABOUT = (
    "A test of the explanation itself. Left: items are deleted, those said to matter most first; the better the order, "
    "the faster the candidate's lift falls. Right: only the items said to matter most are kept; the better the order, "
    "the sooner the lift is there. Each line is one way to order the items, the grey band is what random orders reach: "
    "an order inside it explains nothing. The measured effect sees what one item does alone, not what two do together."
)


def faithfulness_figure(faithfulness: Faithfulness, theme: Theme | str) -> go.Figure:
    """Two panels: deletion (x = share of the items deleted) and insertion (x = share kept); y = log lift.

    A line a method in each panel (named, customdata = number of items deleted or kept, and the lift), the deletion
    panel's first; before them, where random orders were measured, the band and the mean of these ("band", "mean").
    """
    theme = Theme(theme)
    n, deleted = _items(faithfulness), faithfulness.deleted.astype(np.int64)
    curves = [*faithfulness.deletion.values(), *faithfulness.insertion.values()]
    values = np.concatenate(
        [*curves, faithfulness.random_deletion.ravel(), faithfulness.random_insertion.ravel()], dtype=np.float64
    )
    low, high = lift_range(values)
    figure = new_figure(
        theme,
        360,
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.12,
            "yanchor": "bottom",
            "font": {"size": 13, "color": theme.text},
            "itemclick": False,
            "itemdoubleclick": False,
        },
    )
    colours = _colours(theme)
    panels = (
        ("x", "y", deleted, faithfulness.deletion, faithfulness.random_deletion, "deleted"),
        ("x2", "y2", deleted + 1, faithfulness.insertion, faithfulness.random_insertion, "kept"),
    )
    for x_axis, y_axis, items, lines, random, word in panels:
        share = items / n
        shared: dict[str, Any] = {"xaxis": x_axis, "yaxis": y_axis, "mode": "lines"}
        if len(random):
            lower, upper = _band(random)
            figure.add_scatter(
                x=np.concatenate([share, share[::-1]]),
                y=np.concatenate([upper, lower[::-1]]),
                name="band",
                fill="toself",
                fillcolor=rgba(theme.edge, 0.24),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                **shared,
            )
            figure.add_scatter(
                x=share,
                y=random.mean(axis=0),
                name="mean",
                line={"color": theme.muted, "width": 1},
                hoverinfo="skip",
                showlegend=False,
                **shared,
            )
        for index, (name, curve) in enumerate(lines.items()):
            figure.add_scatter(
                x=share,
                y=curve,
                customdata=[[int(k), lift(value)] for k, value in zip(items, np.exp(curve).tolist(), strict=True)],
                name=for_plotly(LABELS.get(name, name)),
                line={
                    "color": colours[index % len(colours)],
                    "dash": DASHES[index % len(DASHES)],
                    "width": 3 if index == 0 else 2.5,
                },
                marker={"size": 7 if len(share) == 1 else 5},
                hovertemplate=(
                    f"<b>{for_plotly(LABELS.get(name, name))}</b><br>{word}: %{{customdata[0]}} of {count(n, 'item')}"
                    "<br>lift %{customdata[1]}<extra></extra>"
                ),
                showlegend=x_axis == "x",
                **(shared | {"mode": "lines+markers"}),
            )
    if len(faithfulness.random_deletion):
        figure.add_scatter(
            x=[None],
            y=[None],
            name="random orders",
            mode="markers",
            marker={"symbol": "square", "size": 14, "color": rgba(theme.edge, 0.4)},
        )
    axis = {"range": [-0.02, 1.02], "tickformat": ".0%", "showgrid": True, "gridcolor": theme.grid, "nticks": 6}
    places, words = lift_ticks(low, high)
    shown = {"range": [low, high], "showgrid": True, "gridcolor": theme.grid, "tickvals": places, "ticktext": words}
    figure.update_layout(
        xaxis=bare_axis(**axis, domain=[0, 0.475], title={"text": "share of the items deleted", "standoff": 6}),
        xaxis2=bare_axis(
            **axis, domain=[0.525, 1], anchor="y2", title={"text": "share of the items kept", "standoff": 6}
        ),
        yaxis=bare_axis(**shown, title={"text": "lift", "standoff": 6}),
        yaxis2=bare_axis(**shown, anchor="x2", showticklabels=False),
        annotations=[
            _heading(theme, 0, "Delete what is said to matter most", "lower is better"),
            _heading(theme, 0.525, "Keep only what is said to matter most", "higher is better"),
        ],
        margin={"l": 58, "r": 22, "t": 70, "b": 44},
    )
    return figure


def faithfulness_table(faithfulness: Faithfulness) -> pd.DataFrame:
    """The mean lift along each curve (geometric: exp of the area under the log lift): one row a method, then the random
    orders' mean, lowest and highest; the share of random orders in per cent that the method beats.
    """
    rows = []
    random = _random_areas(faithfulness)
    for name in faithfulness.attributions:
        areas = _areas(faithfulness, name)
        rows.append(
            {
                "order": LABELS.get(name, name),
                "lift, deleting": float(np.exp(areas[0])),
                "lift, keeping": float(np.exp(areas[1])),
                "deleting beats": 100 * float(np.mean(random[0] > areas[0] + TIE)) if len(random[0]) else np.nan,
                "keeping beats": 100 * float(np.mean(random[1] < areas[1] - TIE)) if len(random[1]) else np.nan,
            }
        )
    if len(random[0]):
        for word, reduce in (("mean", np.mean), ("lowest", np.min), ("highest", np.max)):
            deleting, keeping = (float(np.exp(reduce(areas))) for areas in random)
            rows.append({"order": f"random orders, {word}", "lift, deleting": deleting, "lift, keeping": keeping})
    columns = ["order", "lift, deleting", "lift, keeping", "deleting beats", "keeping beats"]
    return pd.DataFrame(rows, columns=columns)


def faithfulness_sentence(faithfulness: Faithfulness, name: str = "importance") -> str:
    """Whether the order of an attribution is a faithful account for this user, as plain text."""
    name = name if name in faithfulness.attributions else next(iter(faithfulness.attributions))
    if _items(faithfulness) == 1:
        return "The history holds a single item: there is no order to test."
    random = _random_areas(faithfulness)
    if not len(random[0]):
        return "No random order was measured, so there is nothing to compare the orders with."
    moved = [
        float(np.ptp(curve))
        for curve in (
            *faithfulness.deletion.values(),
            *faithfulness.insertion.values(),
            faithfulness.random_deletion,
            faithfulness.random_insertion,
        )
    ]
    if max(moved) < LEAST_MOVED:
        return (
            f"The candidate's lift stays within a factor of {bound(max(moved))} whatever is deleted, so no order can "
            "be told from another."
        )
    areas = _areas(faithfulness, name)
    good, bad = areas[0] < random[0].min() - TIE, areas[0] > random[0].max() + TIE
    kept_good = areas[1] > random[1].max() + TIE
    words = IN_WORDS.get(name, name)
    order = f"Deleting items in the order of {words} lowers the lift "
    orders = f"the {len(random[0])} random orders" if len(random[0]) > 1 else "the random order"
    order += (
        f"faster than {orders}" if good else f"more slowly than {orders}" if bad else "no faster than random orders"
    )
    order += f" (on average {_against(areas[0], random[0], ' against their mean')})"
    keeping = f"keeping only its first items {{}} faster than chance ({_against(areas[1], random[1])})"
    short = "γ" if name == "importance" else words
    alone = _measured_alone(faithfulness, random[0], named=name == "leave-one-out")
    if good and kept_good:
        faithful = f"{short} is a faithful account for this user"
        return f"{OTHER_TEST}{order}, and {keeping.format('restores it')}: {faithful}.{alone}"
    if good or kept_good:
        but = f"but {keeping.format('restores it' if kept_good else 'does not restore it')}"
        return f"{OTHER_TEST}{order}, {but}: {short} is a faithful account only in part.{alone}"
    rest = ""
    if name != "leave-one-out" and "leave-one-out" in faithfulness.attributions:
        measured = _areas(faithfulness, "leave-one-out")[0]
        better = factor(measured - float(random[0].mean()))
        rest = f"; the measured effect does better ({better})" if measured < random[0].min() - TIE else ""
    return f"{OTHER_TEST}{order}: {short} is not a faithful account for this user{rest}.{alone}"


def _measured_alone(faithfulness: Faithfulness, random: Array, *, named: bool) -> str:
    """Why the measured order, which elsewhere counts as the truth, may delete no better than chance; empty where it
    does better. `named`: whether the sentence before has told its area."""
    if "leave-one-out" not in faithfulness.attributions:
        return ""
    area = _areas(faithfulness, "leave-one-out")[0]
    if area < random.min() - TIE:
        return ""
    against = factor(area - float(random.mean()))
    told = "" if named else f" Deleting in the order of the measured effect is no faster than chance ({against}):"
    why = "leaving out one item at a time undervalues items that can stand in for one another, so look at whole "
    return f"{told} {why[0].upper() + why[1:] if named else why}interests."


def caption(faithfulness: Faithfulness) -> str:
    """What the curves are, in which unit, and what they leave out."""
    n, orders = _items(faithfulness), len(faithfulness.random_deletion)
    if n == 1:
        return "A single item: nothing can be deleted, so each curve is one point."
    points = len(faithfulness.deleted)
    every = "after each item" if points == n else f"at {points} of {n:,} numbers of items"
    start = lift(float(np.exp(next(iter(faithfulness.deletion.values()))[0])))
    band = ""
    if orders:
        reach = "the middle 80 % of" if orders >= MANY_ORDERS else "lowest to highest of"
        band = f" Grey: {reach} {count(orders, 'random order')}, the thin line their mean."
    return (
        f"The candidate's lift, how many times as likely it is as by popularity alone (with all items {start}), "
        f"measured {every}; items stay in time order.{band}"
    )


# -- helpers ------------------------------------------------------------------------------------------


def _items(faithfulness: Faithfulness) -> int:
    return len(next(iter(faithfulness.attributions.values())))


def _areas(faithfulness: Faithfulness, name: str) -> tuple[float, float]:
    return faithfulness.area(faithfulness.deletion[name]), faithfulness.area(faithfulness.insertion[name])


def _random_areas(faithfulness: Faithfulness) -> tuple[Array, Array]:
    """The area of each random order (r), deletion and insertion."""
    deletion = [faithfulness.area(curve) for curve in faithfulness.random_deletion]
    insertion = [faithfulness.area(curve) for curve in faithfulness.random_insertion]
    return np.array(deletion, dtype=np.float64), np.array(insertion, dtype=np.float64)


def _band(random: Array) -> tuple[Array, Array]:
    """The lower and the upper edge of the random orders' log lifts at each point."""
    if len(random) >= MANY_ORDERS:
        lower, upper = np.percentile(random, (10, 90), axis=0)
        return lower, upper
    return random.min(axis=0), random.max(axis=0)


def _against(area: float, random: Array, against: str = "") -> str:
    """A mean log lift against those of random orders (r): "÷2.1; they reach from ÷1.3 to ×1.4"."""
    mean = float(random.mean())
    low, high = factor(float(random.min()) - mean), factor(float(random.max()) - mean)
    return f"{factor(area - mean)}{against}" + (f"; they reach from {low} to {high}" if low != high else "")


def _colours(theme: Theme) -> tuple[str, ...]:
    return (theme.text, theme.positive, theme.negative, "#009E73")


def _heading(theme: Theme, x: float, text: str, better: str) -> dict[str, Any]:
    return {
        "x": x,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 6,
        "showarrow": False,
        "text": f'<b>{text}</b>  <span style="color:{theme.muted}">{better}</span>',
        "font": {"size": 13, "color": theme.text},
    }
