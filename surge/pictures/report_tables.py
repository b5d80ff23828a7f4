"""The report's tables: the frames behind the pictures, with heads and units that a reader on paper understands."""

from __future__ import annotations

from collections.abc import Sequence

from surge.explanation.story import Story
from surge.pictures import columns, tables
from surge.pictures.assignment_matrix import shown_clusters
from surge.pictures.drift import drift_table
from surge.pictures.faithfulness import faithfulness_table
from surge.pictures.html_parts import table
from surge.pictures.palette import ClusterStyle, item_clusters

BEST = 20  # predicted items; the candidate and the true next item may come after them


def predictions(story: Story) -> str:
    """The best items, and the true next item and the candidate where they rank lower; the candidate stands out."""
    candidate = story.record.target.item
    frame = tables.prediction_table(story.predicted, story.next_item, candidate, story.record.history)
    marked = [row for row, item in enumerate(frame["item"]) if item == candidate]
    heads = columns.with_chances(columns.PREDICTIONS, any(entry.about for entry in story.predicted))
    return table(frame, heads, "Predicted items, best first", marked)


def clusters(story: Story, styles: Sequence[ClusterStyle]) -> str:
    """The clusters that the matrix draws, in the order read."""
    frame = tables.cluster_table(story.record, effects=story.effects, styles=styles)
    frame = frame[frame["index"].isin(shown_clusters(story.record))].reset_index(drop=True)
    keys = [styles[cluster].key for cluster in frame["index"]]
    heads = columns.with_ranks(columns.CLUSTERS, story.effects is None or story.effects.clusters_exact)
    return table(frame, heads, "Clusters in the order they are read", colours={"cluster": keys})


def items(story: Story, styles: Sequence[ClusterStyle]) -> str:
    """Every item of the history in time order."""
    frame = tables.item_table(story.record, story.interests, effects=story.effects, styles=styles)
    keys = [styles[cluster].key for cluster in item_clusters(story.record)]
    heads = columns.with_ranks(columns.ITEMS, story.effects is None or story.effects.exact)
    return table(frame, heads, "Items of the history with what the model computed", colours={"cluster": keys})


def faithfulness(story: Story) -> str:
    """The areas under the curves, and how many random orders each order beats; empty where it was not measured."""
    if story.faithfulness is None:
        return ""
    return table(
        faithfulness_table(story.faithfulness), columns.ORDERS, "Mean lift along the deletion and insertion curves"
    )


def drift(story: Story, styles: Sequence[ClusterStyle]) -> str:
    """What the curves of the drift draw, one row a step; empty where it was not measured."""
    if story.drift is None:
        return ""
    frame = drift_table(story.record, story.drift, styles=styles)
    return table(frame, columns.drift_columns(frame), "Lift, rank and cluster masses after each part of the history")
