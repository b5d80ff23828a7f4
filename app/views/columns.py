"""How the tables of a record show their columns, on the page and in the report: heads, units and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app.views.amounts import percent, signed
from app.views.html_parts import Column


def points_of(effect: float) -> str:
    """An effect in percentage points, as a number with its sign."""
    return signed(100 * effect, 1)


def three_digits(value: float) -> str:
    """A number of the model."""
    return signed(value, 3).removeprefix("+")


def day(moment: datetime) -> str:
    """The day in UTC."""
    return moment.strftime("%Y-%m-%d")


def whole(value: float) -> str:
    """A count, a place or a rank."""
    return f"{int(value):,}"


def about(value: float) -> str:
    """A rank that is estimated from a part of the catalogue."""
    return f"~{whole(value)}"


def one_digit(value: float) -> str:
    """A sum of shares."""
    return f"{value:.1f}"


def times(value: float) -> str:
    """A multiple of what would be even."""
    return f"{value:.2f}×"


def share_of(hundredths: float) -> str:
    """A share that is given in hundredths."""
    return f"{hundredths:.0f} %"


PREDICTIONS = {
    "rank": Column("#", whole, "Rank among all items that can be recommended.", number=True),
    "change": Column("Change", str, "Places gained or lost by the edits."),
    "rank before": Column("Was #", whole, "Rank before the edits.", number=True),
    "title": Column("Item", long=True),
    "probability": Column(
        "Score",
        percent,
        "Sigmoid of the logit. Compare it between items; it is no purchase rate, as training weighs every click "
        "against a few drawn negatives.",
        number=True,
    ),
    "note": Column("Note", str, "Marks the item that really came next, and items that the history holds already."),
    "category": Column("Category"),
    "logit": Column("Logit", three_digits, "The score before the sigmoid.", number=True),
    "item": Column("Id"),
}
EFFECT = Column(
    "Effect, points", points_of, "Score minus the score without it: above 0 it speaks for the candidate.", number=True
)
RANK_WITHOUT = Column("Rank without", whole, "The candidate's rank when it is left out.", number=True)
ESTIMATED_RANK = Column(
    "Rank without",
    about,
    "The candidate's rank when it is left out, estimated from a part of the catalogue.",
    number=True,
)
CLUSTERS = {
    "read": Column("#", whole, "The place of the cluster in the sequence.", number=True),
    "cluster": Column("Cluster"),
    "name": Column("Categories", long=True),
    "effect": EFFECT,
    "rank without": RANK_WITHOUT,
    "mass": Column("Mass", one_digit, "How many items the cluster holds, parts added up.", number=True),
    "items": Column("Items", whole, "Items whose first choice is this cluster.", number=True),
    "update gate": Column("Update gate", percent, "How much of it enters the model's memory.", number=True),
    "importance": Column("Importance γ*", percent, "Its share of the importance.", number=True),
    "strongest items": Column("Strongest items", long=True),
}
ITEMS = {
    "position": Column("#", whole, "Place in the history, the oldest first.", number=True),
    "title": Column("Item", long=True),
    "cluster": Column("Cluster"),
    "effect": EFFECT,
    "rank without": RANK_WITHOUT,
    "attention": Column(
        "Attention",
        times,
        "How much the other items listen to this one; 1× is what the graph alone would give it.",
        number=True,
    ),
    "gamma": Column("Importance γ", percent, "The item's share of what the model reads out.", number=True),
    "lambda": Column("λ", percent, "The item's share of what the user always wants, for any candidate.", number=True),
    "beta": Column("β", three_digits, "How well the item suits the candidate.", number=True),
    "alpha": Column("α", three_digits, "How well the item suits its neighbourhood.", number=True),
    "share": Column("In cluster", percent, "The part of the item that its cluster holds.", number=True),
    "degree": Column("Degree", whole, "Kept edges of the item, without the one to itself.", number=True),
    "weighted degree": Column("Similarity", three_digits, "Sum of the similarities of those edges.", number=True),
    "category": Column("Category"),
    "date": Column("Date", day, "Day of the interaction in UTC.", number=True),
    "true interest": Column("True interest", str, "Simulated truth; the model never sees it."),
    "item": Column("Id"),
}
ORDERS = {
    "order": Column("Order in which items are deleted or kept"),
    "deletion": Column("Deletion: area", percent, "Mean score while items are deleted; lower is better", number=True),
    "deletion beats": Column("beats random", share_of, "Share of the random orders that it beats", number=True),
    "insertion": Column("Keeping: area", percent, "Mean score while items are added; higher is better", number=True),
    "insertion beats": Column("beats random", share_of, "Share of the random orders that it beats", number=True),
}
DRIFT = {
    "items read": Column("Items read", whole, number=True),
    "date": Column("Date", day, "Day of the newest item in UTC", number=True),
    "newest item": Column("Newest item", long=True),
    "score": Column("Score", percent, "The candidate's score after these items", number=True),
    "rank": Column("Rank", whole, "The candidate's rank after these items", number=True),
}


def with_ranks(columns: Mapping[str, Column], exact: bool) -> dict[str, Column]:
    """The columns, with ranks called estimated where they are."""
    return dict(columns) if exact else {**columns, "rank without": ESTIMATED_RANK}
