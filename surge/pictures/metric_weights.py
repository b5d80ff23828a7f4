"""The learned metric of the interest graph: how much each number of an item's embedding counts for similarity."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from surge.pictures.figure import bare_axis, legend_above, new_figure
from surge.pictures.palette import Theme
from surge.pictures.text import count
from surge.vocabulary.amounts import percent

MOST_HEADS = 8
ROW_HEIGHT = 110
PARTS = ("item", "category")
ABOUT = (
    "Two items are alike in the interest graph when their embeddings point the same way after each number was "
    "multiplied by a learned weight (the paper's Equations 1 and 2, one panel a metric head; the heads are averaged). "
    "Squared weights are what the cosine adds up, so they are drawn: as a multiple of an equal share, 1× counts as "
    "much as the average number. How large the embeddings themselves are counts too, and is left out here."
)


def metric_weights_figure(weights: np.ndarray, item_size: int, theme: Theme | str) -> go.Figure:
    """Bars of w^2 over its mean (heads x d, one row a head, at most eight): first `item_size` numbers of the item's
    own part, then the category's; trace 2h is head h's item part, trace 2h + 1 its category part."""
    theme = Theme(theme)
    lift = _lift(weights)[:MOST_HEADS]
    heads, size = lift.shape
    height = heads * ROW_HEIGHT + 50
    figure = make_subplots(
        heads,
        1,
        shared_xaxes=True,
        vertical_spacing=min(0.3 / heads, 24 / height),
        figure=new_figure(theme, height, margin={"l": 70, "r": 12, "t": 26, "b": 24}, bargap=0.15),
    )
    places = np.arange(1, size + 1)
    colours = (theme.edge, theme.positive)
    for head in range(heads):
        for part, (low, high) in enumerate(((0, item_size), (item_size, size))):
            figure.add_bar(
                x=places[low:high],
                y=lift[head, low:high],
                name=f"{PARTS[part]} part",
                marker={"color": colours[part], "line": {"width": 0}},
                showlegend=head == 0 and high > low,
                legendgroup=PARTS[part],
                hovertemplate=f"number %{{x}}, {PARTS[part]} part<br>%{{y:.2f}}× an equal share<extra></extra>",
                row=head + 1,
                col=1,
            )
        figure.update_yaxes(
            bare_axis(
                showgrid=True,
                gridcolor=theme.grid,
                nticks=4,
                ticksuffix="×",
                rangemode="tozero",
                title={"text": f"metric {head + 1}", "font": {"size": 11}, "standoff": 6},
            ),
            row=head + 1,
            col=1,
        )
    figure.update_xaxes(bare_axis(nticks=10))
    figure.update_layout(legend_above(theme, 1.0))
    return figure


def item_share(weights: np.ndarray, item_size: int) -> float:
    """The item part's share of all squared weights, from 0 to 1; a head that is 0 throughout counts as even."""
    return float(_lift(weights)[:, :item_size].sum() / max(weights.size, 1))


def sentence(weights: np.ndarray, item_size: int) -> str:
    """Which part of the embedding the metric uses most, for its size."""
    size = weights.shape[1]
    if item_size >= size:
        return "The embedding has no category part: the metric compares the items' own numbers alone."
    share, even = item_share(weights, item_size), item_size / size
    by_size = share / even, (1 - share) / (1 - even)
    more = int(by_size[1] > by_size[0])
    if max(by_size) < 1.05 * min(by_size):
        verdict = "It uses both parts about as much as their sizes suggest"
    else:
        verdict = (
            f"For its size, the {PARTS[more]} part counts more: {max(by_size):.1f}× an equal share against "
            f"{min(by_size):.1f}×"
        )
    return (
        f"The item part holds {percent(share)} of the squared weights with {percent(even)} of the numbers, the "
        f"category part {percent(1 - share)} with {percent(1 - even)}. {verdict}."
    )


def caption(weights: np.ndarray) -> str:
    """What is drawn, and what is left out."""
    heads, size = weights.shape
    rest = f" The first {MOST_HEADS} of {heads} metric heads are drawn." if heads > MOST_HEADS else ""
    return (
        f"Squared weights of {count(heads, 'metric head')} over the {size} numbers of an embedding, as multiples of an "
        f"equal share.{rest}"
    )


def _lift(weights: np.ndarray) -> np.ndarray:
    """w^2 over the head's mean (heads x d); a head that is 0 throughout gets 1 everywhere."""
    squared = np.square(np.asarray(weights, dtype=np.float64))
    mean = squared.mean(axis=1, keepdims=True)
    return np.divide(squared, mean, out=np.ones_like(squared), where=mean > 0)
