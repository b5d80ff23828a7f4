"""How the tables show their columns, on the pages and in the report: heads, units and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import log

from surge.pictures.html_parts import Column
from surge.pictures.metric_words import metric_column
from surge.pictures.metrics_tables import PARTS
from surge.vocabulary import METRICS, entry
from surge.vocabulary.amounts import chance, factor, lift, percent, signed
from surge.vocabulary.prediction import series


def three_digits(value: float) -> str:
    """A number of the model."""
    return signed(value, 3).removeprefix("+")


def day(moment: datetime) -> str:
    """The day in UTC."""
    return moment.strftime("%Y-%m-%d")


def whole(value: float) -> str:
    """A count, a place or a rank."""
    return f"{int(value):,}"


def one_digit(value: float) -> str:
    """A sum of shares."""
    return f"{value:.1f}"


def factor_of(multiple: float) -> str:
    """An effect that is given as a multiple."""
    return factor(log(max(multiple, 1e-300)))


def places(number: float) -> str:
    """Places gained or lost."""
    return signed(number, 0)


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
    "chance": Column("Chance", chance, "How likely the item is to be the next one, among all items.", number=True),
    "lift": Column(
        "Lift",
        lift,
        "How many times as likely the item is for this user as by popularity alone, among what this user could take: "
        "over 1×, the history speaks for it.",
        number=True,
    ),
    "note": Column("Note", str, "Marks the item that really came next, and items that are in the history already."),
    "category": Column("Category"),
    "logit": Column("Logit", three_digits, "The model's raw score (Eq. 17), which the lift comes from.", number=True),
    "item": Column("Id"),
}
EFFECT = Column(
    "Effect",
    factor,
    "The factor by which it changes the candidate's lift: ×2 is twice as likely with it as without it, ÷2 half as "
    "likely.",
    number=True,
)
RANK_WITHOUT = Column("Rank without", whole, "The candidate's rank when it is left out.", number=True)
CLUSTERS = {
    "read": Column("#", whole, "The place of the cluster in the sequence.", number=True),
    "cluster": Column("Cluster"),
    "name": Column("Categories", long=True),
    "log effect": EFFECT,
    "rank without": RANK_WITHOUT,
    "mass": Column(
        "Mass", one_digit, "How many items belong to the cluster; parts of items are added up.", number=True
    ),
    "items": Column("Items", whole, "Items whose first choice is this cluster.", number=True),
    "update gate": Column("Update gate", percent, "How much of the cluster enters the model's memory.", number=True),
    "importance": Column("Importance γ*", percent, "The cluster's share of the importance of all items.", number=True),
    "strongest items": Column("Strongest items", long=True),
}
ITEMS = {
    "position": Column("#", whole, "Place in the history, the oldest first.", number=True),
    "title": Column("Item", long=True),
    "cluster": Column("Cluster"),
    "log effect": EFFECT,
    "rank without": RANK_WITHOUT,
    "attention": Column(
        "Attention",
        times,
        "How much the other items listen to this one; 1× is what the graph alone would give it.",
        number=True,
    ),
    "gamma": Column(
        "Importance γ", percent, "The item's weight in the readout, the model's sum of all items.", number=True
    ),
    "lambda": Column(
        "λ",
        percent,
        "The item's share in the long-term part: what the user always wants, for any candidate.",
        number=True,
    ),
    "beta": Column("β", three_digits, "How well the item suits the candidate.", number=True),
    "alpha": Column("α", three_digits, "How well the item suits its neighbourhood.", number=True),
    "share": Column("In cluster", percent, "The share of the item that belongs to its cluster.", number=True),
    "degree": Column("Degree", whole, "Kept edges of the item, without the one to itself.", number=True),
    "weighted degree": Column("Similarity", three_digits, "Sum of the similarities of those edges.", number=True),
    "category": Column("Category"),
    "date": Column("Date", day, "Day of the interaction in UTC.", number=True),
    "true interest": Column("True interest", str, "Simulated truth; the model never sees it."),
    "item": Column("Id"),
}
ORDERS = {
    "order": Column("Order in which items are deleted or kept"),
    "lift, deleting": Column("Deleting: lift", lift, "Mean lift while items are deleted; lower is better", number=True),
    "deleting beats": Column(
        "Deleting: beats random", share_of, "Share of the random orders that it beats", number=True
    ),
    "lift, keeping": Column("Keeping: lift", lift, "Mean lift while items are added; higher is better", number=True),
    "keeping beats": Column("Keeping: beats random", share_of, "Share of the random orders that it beats", number=True),
}
DRIFT = {
    "items read": Column("Items read", whole, number=True),
    "date": Column("Date", day, "Day of the newest item in UTC", number=True),
    "newest item": Column("Newest item", long=True),
    "lift": Column("Lift", lift, "The candidate's lift after these items", number=True),
    "rank": Column("Rank", whole, "The candidate's rank after these items", number=True),
}


LEDGER = {
    "position": ITEMS["position"],
    "title": Column("Item", long=True),
    "cluster": Column("Cluster"),
    "effect factor on ①": Column("Effect on ①", factor_of, EFFECT.meaning, number=True),
    "effect factor on ②": Column("Effect on ②", factor_of, EFFECT.meaning, number=True),
    "log difference": Column("① against ②", factor, "What the item adds to the lead of ① over ②.", number=True),
    **{
        f"{name} {mark}": Column(f"{head} {mark}", write, ITEMS[key].meaning, number=True)
        for name, head, write, key in (
            ("β for", "β for", three_digits, "beta"),
            ("importance for", "γ for", percent, "gamma"),
        )
        for mark in ("①", "②")
    },
    "item": Column("Id"),
}
EITHER = {
    "title": Column("Item", long=True),
    "rank, first": Column("#, first", whole, PREDICTIONS["rank"].meaning, number=True),
    "rank, second": Column("#, second", whole, PREDICTIONS["rank"].meaning, number=True),
    "change": Column("Change", places, "How many places higher the second ranks it than the first.", number=True),
    "chance, first": Column("Chance, first", chance, PREDICTIONS["chance"].meaning, number=True),
    "chance, second": Column("Chance, second", chance, PREDICTIONS["chance"].meaning, number=True),
    "note": Column("Note"),
    "category": Column("Category"),
    "item": Column("Id"),
}
PAIRS = {
    "first": Column("First", meaning="The cluster of the first checkpoint."),
    "first holds": Column("Categories", long=True),
    "items, first": Column("Items", whole, CLUSTERS["items"].meaning, number=True),
    "second": Column("Second", meaning="The cluster of the second checkpoint that is matched with it."),
    "second holds": Column("Categories", long=True),
    "items, second": Column("Items", whole, CLUSTERS["items"].meaning, number=True),
    "overlap": Column("Overlap", percent, "How much of the second's cluster the first's holds, too.", number=True),
}
LINKS = {
    "kept by": Column("Kept by"),
    "item": Column("Item", long=True),
    "other item": Column("Other item", long=True),
    "similarity, first": Column("Similarity, first", three_digits, number=True),
    "similarity, second": Column("Similarity, second", three_digits, number=True),
    "position": Column("#", whole, ITEMS["position"].meaning, number=True),
    "other position": Column("Other #", whole, ITEMS["position"].meaning, number=True),
}
USAGE = {
    "cluster": Column("Cluster", whole, number=True),
    "name": Column("Name", long=True),
    "share": Column("Share of a history", percent, number=True),
    "items": Column("Items", whole, "Items that lie mostly in this cluster.", number=True),
    "categories": Column("Commonest categories", long=True),
}
LENGTHS = {
    "length": Column(METRICS["length"].name),
    "users": Column("Users", whole, number=True),
    **{name: metric_column(name) for name in ("catalogue_hr@10", "catalogue_mrr", "catalogue_median_rank")},
}
HEALTH = {
    "figure": Column("Figure"),
    "value": Column("Value", number=True),
    "meaning": Column("What it says"),
}
SETTINGS = {"what": Column("Setting"), "value": Column("Here"), "meaning": Column("What it means")}
POPULATION = {
    name: Column(head)
    for name, head in (
        ("figure", "Figure"),
        ("this user", "This user"),
        ("among all users", "Among all users"),
        ("what it says", "What it says"),
    )
}


def metrics_columns(names: Iterable[str]) -> dict[str, Column]:
    """Those of a table of metrics, which has a column for each of its parts."""
    return {
        name: {"metric": Column("Metric"), "meaning": Column("What it says")}.get(
            name, Column(name.removeprefix("part "), number=True)
        )
        for name in names
    }


def curve_columns(names: Iterable[str]) -> dict[str, Column]:
    """Those of a training's losses and validation metrics."""
    return {"epoch": Column("Epoch", whole, number=True)} | {
        name: Column(series(name).name, three_digits, series(name).says, number=True)
        for name in names
        if name != "epoch"
    }


def variant_columns(names: Iterable[str]) -> dict[str, Column]:
    """Those of a comparison's file: the variant, and metrics, whose part stands before their name."""
    columns = {"name": Column("Variant")}
    for name in names:
        part, _, key = name.rpartition(" ")
        if name in columns:
            continue
        label = f"{PARTS.get(part, part)} {entry(key).name}".strip()
        columns[name] = metric_column(key)._replace(label=label, number=True)
    return columns


def drift_columns(names: Iterable[str]) -> dict[str, Column]:
    """Those of the drift, which has a column for each cluster's mass."""
    return DRIFT | {name: Column(f"M{name[1:]}", one_digit, number=True) for name in names if name.startswith("mass ")}


def with_ranks(columns: Mapping[str, Column], exact: bool) -> dict[str, Column]:
    """The columns, with ranks called estimated where they are."""
    return dict(columns) if exact else _estimated(columns, "rank without", "the catalogue")


def with_chances(columns: Mapping[str, Column], about: bool) -> dict[str, Column]:
    """The columns, with chances called estimated where they are."""
    return _estimated(columns, "chance", "them") if about else dict(columns)


def _estimated(columns: Mapping[str, Column], name: str, whole: str) -> dict[str, Column]:
    column = columns[name]
    meaning = f"{column.meaning.removesuffix('.')}; estimated from a part of {whole}."
    return {**columns, name: column._replace(write=lambda value: f"~{column.write(value)}", meaning=meaning)}
