"""The report's tables: the frames behind the pictures, with heads and units that a reader on paper understands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.views import tables
from app.views.amounts import percent, signed
from app.views.assignment_matrix import shown_clusters
from app.views.drift import drift_table
from app.views.faithfulness import faithfulness_table
from app.views.html_parts import Column, table
from app.views.palette import ClusterStyle, item_clusters
from surge.explanation.measured import Faithfulness
from surge.explanation.story import Story

BEST = 20  # predicted items; the candidate and the true next item may come after them


def _points(effect: float) -> str:
    return signed(100 * effect, 1)


def _three_digits(value: float) -> str:
    return signed(value, 3).removeprefix("+")


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _whole(value: float) -> str:
    return f"{int(value):,}"


def _one_digit(value: float) -> str:
    return f"{value:.1f}"


def _times(value: float) -> str:
    return f"{value:.2f}×"


def _share(hundredths: float) -> str:
    return f"{hundredths:.0f} %"


PREDICTIONS = {
    "rank": Column("#", _whole, "Rank among all items that can be recommended", number=True),
    "title": Column("Item", long=True),
    "category": Column("Category"),
    "probability": Column("Score", percent, "Sigmoid of the logit; no purchase rate", number=True),
    "logit": Column("Logit", _three_digits, "The score before the sigmoid", number=True),
    "note": Column("Note"),
    "item": Column("Id"),
}
MEASURED = {
    "effect": Column("Effect", _points, "What the score loses without it, in percentage points", number=True),
    "score without": Column("Score without", percent, "The candidate's score when it is left out", number=True),
    "rank without": Column("Rank without", _whole, "The candidate's rank when it is left out", number=True),
}
CLUSTERS = {
    "read": Column("#", _whole, "The place of the cluster in the sequence", number=True),
    "cluster": Column("Cluster"),
    "name": Column("Categories"),
    "items": Column("Items", _whole, "Items whose first choice is this cluster", number=True),
    "mass": Column("Mass", _one_digit, "How many items it holds, parts added up", number=True),
    "update gate": Column("Update gate", percent, "How much of it enters the model's memory", number=True),
    "importance": Column("Importance γ*", percent, "Its share of the importance", number=True),
    **MEASURED,
    "strongest items": Column("Strongest items", long=True),
}
ITEMS = {
    "position": Column("#", _whole, "Place in the history, the oldest first", number=True),
    "title": Column("Item", long=True),
    "category": Column("Category"),
    "date": Column("Date", _day, "Day of the interaction in UTC", number=True),
    "cluster": Column("Cluster"),
    "share": Column("In cluster", percent, "The part of the item that its cluster holds", number=True),
    "effect": MEASURED["effect"],
    "rank without": MEASURED["rank without"],
    "gamma": Column("Importance γ", percent, "The item's share of what the model reads out", number=True),
    "attention": Column("Attention", _times, "How much the others listen to it; 1× is the average", number=True),
    "alpha": Column("α", _three_digits, "How well the item suits its neighbourhood", number=True),
    "beta": Column("β", _three_digits, "How well the item suits the candidate", number=True),
    "degree": Column("Links", _whole, "Kept links of the item, without the one to itself", number=True),
    "weighted degree": Column("Similarity", _three_digits, "Sum of the similarities of those links", number=True),
    "true interest": Column("True interest", str, "Simulated truth; the model never sees it"),
    "item": Column("Id"),
}

ORDERS = {
    "order": Column("Order in which items are deleted or kept"),
    "deletion": Column("Deletion: area", percent, "Mean score while items are deleted; lower is better", number=True),
    "deletion beats": Column("beats random", _share, "Share of the random orders that it beats", number=True),
    "insertion": Column("Keeping: area", percent, "Mean score while items are added; higher is better", number=True),
    "insertion beats": Column("beats random", _share, "Share of the random orders that it beats", number=True),
}

DRIFT = {
    "items read": Column("Items read", _whole, number=True),
    "date": Column("Date", _day, "Day of the newest item in UTC", number=True),
    "newest item": Column("Newest item", long=True),
    "score": Column("Score", percent, "The candidate's score after these items", number=True),
    "rank": Column("Rank", _whole, "The candidate's rank after these items", number=True),
}


def predictions(story: Story) -> str:
    """The best items, and the true next item and the candidate where they rank lower; the candidate stands out."""
    candidate = story.record.target.item
    frame = tables.prediction_table(story.predicted, story.next_item, candidate, story.record.history)
    marked = [row for row, item in enumerate(frame["item"]) if item == candidate]
    return table(frame, PREDICTIONS, "Predicted items, best first", marked)


def clusters(story: Story, styles: Sequence[ClusterStyle]) -> str:
    """The clusters that the matrix draws, in the order read."""
    frame = tables.cluster_table(story.record, effects=story.effects, styles=styles)
    frame = frame[frame["index"].isin(shown_clusters(story.record))].reset_index(drop=True)
    keys = [_key(styles[cluster]) for cluster in frame["index"]]
    return table(frame, CLUSTERS, "Clusters in the order they are read", colours={"cluster": keys})


def items(story: Story, styles: Sequence[ClusterStyle]) -> str:
    """Every item of the history in time order."""
    frame = tables.item_table(story.record, story.interests, effects=story.effects, styles=styles)
    keys = [_key(styles[cluster]) for cluster in item_clusters(story.record)]
    return table(frame, ITEMS, "Items of the history with what the model computed", colours={"cluster": keys})


def faithfulness(measured: Faithfulness) -> str:
    """The areas under the curves, and how many random orders each order beats."""
    return table(faithfulness_table(measured), ORDERS, "Areas under the deletion and insertion curves")


def drift(story: Story, styles: Sequence[ClusterStyle]) -> str:
    """What the curves of the drift draw, one row a step; empty where it was not measured."""
    if story.drift is None:
        return ""
    frame = drift_table(story.record, story.drift, styles=styles)
    masses = {name: Column(f"M{name[1:]}", _one_digit, number=True) for name in frame if name.startswith("mass ")}
    return table(frame, DRIFT | masses, "Score, rank and cluster masses after each part of the history")


def _key(style: ClusterStyle) -> tuple[str, str]:
    """A cluster's colour and the ink on it; the grey of those without a letter is the page theme's own."""
    return (style.colour, style.ink) if style.lettered else ("transparent", "inherit")
