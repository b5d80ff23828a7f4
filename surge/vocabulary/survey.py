"""The figures of one user, which are the columns of a survey."""

from math import inf

from surge.vocabulary.explanation import SHAPE
from surge.vocabulary.metric import Metric, Step

USER = {
    "length": Metric(
        "History length", "How many items of the history the model reads.", "integer",
        extremes=("a longer history than", "a shorter history than"),
    ),
    "clusters_in_use": Metric(
        "Clusters in use", "Clusters that are the first choice of at least one item.", "integer",
        extremes=("more clusters in use than", "fewer clusters in use than"),
    ),
    "effective_clusters": SHAPE["effective_clusters"],
    "assignment_entropy": SHAPE["assignment_entropy"],
    "dominant_interest": Metric(
        "Share of the strongest cluster", "The importance γ* of the cluster that has most of it.", "percent",
        extremes=("a larger strongest cluster than", "a smaller strongest cluster than"),
    ),
    "noise_share": Metric(
        "Noise",
        "The share of items that resemble nothing else in the history: their similarity to the two items nearest to "
        "them is less than two thirds of the usual.",
        "percent",
        extremes=("more noise than", "less noise than"),
    ),
    "drift": Metric(
        "Drift",
        "How much of the history moved to other clusters from its older to its newer half. 0 %: nothing. 100 %: all.",
        "percent",
        extremes=("more drift than", "less drift than"),
    ),
    "next_rank": Metric(
        "Rank of the true next item", "Where the model ranks what the user really took next; 1 is best.",
        "integer", "high",
        extremes=("the true next item ranks worse than for", "the true next item ranks better than for"),
    ),
    "next_probability": Metric(
        "Chance of the true next item",
        "The chance that the model gave to the item that the user really took next, among all items that it can "
        "recommend.",
        "chance", "low",
        extremes=("the true next item is likelier than for", "the true next item is less likely than for"),
    ),
    "next_lift": Metric(
        "Lift of the true next item",
        "The lift of the item that the user really took next: how many times as likely it was for this user as by "
        "popularity alone. Below 1×, the history spoke against it.",
        "lift", "low",
        extremes=("the true next item has a higher lift than for", "the true next item has a lower lift than for"),
    ),
    "top_probability": Metric(
        "Chance of the top prediction",
        "The chance of the item that the model ranks first, among all items that it can recommend.", "chance",
        extremes=("the top prediction is likelier than for", "the top prediction is less likely than for"),
    ),
    "top_lift": Metric(
        "Lift of the top prediction",
        "The lift of the item that the model ranks first: how many times as likely it is for this user as by "
        "popularity alone. Near 1×, it ranks first because it is popular.",
        "lift",
        extremes=("the top prediction has a higher lift than for", "the top prediction has a lower lift than for"),
    ),
    "faithfulness": Metric(
        "Importance–effect correlation",
        "Rank correlation of importance γ with the size of each item's measured effect. 1: γ says which items matter. "
        "0: it says nothing.",
        "number", "low",
        (
            Step(-inf, "poor", "does not tell which single items matter here"),
            Step(0.2, "partly", "tells only in part which single items matter"),
            Step(0.6, "good", "tells which single items matter, for or against"),
        ),
        ("importance γ agrees with the effects better than for", "importance γ agrees with the effects worse than for"),
    ),
    "attention_faithfulness": Metric(
        "Attention–effect correlation",
        "Rank correlation of the attention that items receive with the size of their measured effect. 0: it says "
        "nothing.",
        "number", "low",
        (
            Step(-inf, "poor", "does not tell it"), Step(0.2, "partly", "tells it in part"),
            Step(0.6, "good", "tells it"),
        ),
        ("attention agrees with the effects better than for", "attention agrees with the effects worse than for"),
    ),
    "attention_distance": SHAPE["attention_distance"],
}  # fmt: skip
WHO = {
    "user": Metric("User", "The id in the dataset.", "text"),
    "next_item": Metric("Next item", "The item that really came next.", "text"),
    "next_period": Metric("Period", "The part of the data that the next item lies in.", "text"),
    "top_item": Metric("Top prediction", "What the model would recommend first.", "text"),
    "x": Metric("Place on the map", "From left to right; without a unit."),
    "y": Metric("Height on the map", "From bottom to top; without a unit."),
}
