"""The words of a record's views: interest graph, assignment, pooled sequence and attention."""

from __future__ import annotations

from collections.abc import Sequence

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.assignment_matrix import shown_clusters
from surge.pictures.edit_context import Before
from surge.pictures.palette import cluster_mass, item_clusters
from surge.pictures.text import count, listed

ABOUT_GRAPH = (
    "The model links history items whose embeddings are alike (Eq. 1–2) and keeps only the strongest links of the "
    "whole history (Eq. 3). An item then listens to its kept neighbours, to some more than to others (Eq. 8): that is "
    "the attention. 1× means as much as to any neighbour. Where a node stands means little: linked items are placed "
    "side by side. Left out are the weaker links beyond the number on the slider, and the link of each item to itself."
)
ABOUT_ASSIGNMENT = (
    "The model sorts every history item into a few interest clusters, but softly: an item may belong to several. A row "
    "is an item and its shares add up to 100 %; a column is a cluster. The shares are a softmax over what an item and "
    "its neighbours in the graph look like (Eq. 11). The clusters were learned without names: the words are the "
    "commonest categories of their items. Almost empty clusters and shares below half a per cent aren't drawn."
)
ABOUT_SEQUENCE = (
    "The model shrinks the history to its clusters, one block each, and reads them in time order: by the mean position "
    "of their items. A block is as wide as the number of items it holds. A recurrent layer with an attentional update "
    "gate (Eq. 16) reads them; the fill is how far its gate opens, so how much of the cluster enters the memory. The "
    "dot is γ*, the sum of the items' importance by their shares (Eq. 10). Almost empty clusters aren't drawn."
)
ABOUT_ATTENTION = (
    "Before it sorts the items into interests, the model lets each item listen to its neighbours in the graph: a row "
    "is the listening item, its squares are those it listens to. How much depends on both neighbourhoods and on the "
    "candidate (Eq. 8). 1× is what each would get if the item listened to all neighbours alike. Pairs that the graph "
    "does not link weigh nothing and are left blank. Attention says where the model looks, not what the prediction "
    "depends on."
)


def graph_caption(
    record: Explanation,
    layer: str,
    drawn: int,
    total: int,
    effects: Effects | None,
    before: Before | None,
    *,
    own: bool,
) -> str:
    what = {
        "similarity": "Similarity M between items (−1 to 1), all pairs",
        "kept edge": "Edges kept by the sparsification (Eq. 3), as wide as their similarity",
        "attention": "Attention in multiples of uniform over an item's neighbours; arrows end at the item that attends",
    }[layer]
    size = "importance γ"
    if effects is not None:
        size = "measured effect, how many times as likely the item makes the candidate; + speaks for it, − against it"
    parts = [
        f"{what}: there is no edge between two items."
        if not total
        else f"{what}. {drawn:,} of {count(total, 'edge')}, the strongest of each item first.",
        f"Size: {size}. Colour and letter: cluster.",
    ]
    if before is not None:
        gone, added = len(before.removed), sum(origin is None for origin in before.origin)
        if gone:
            parts.append(f"Dashed: {count(gone, 'item')} that the edits removed.")
        if added:
            parts.append(f"{'Square' if added == 1 else 'Squares'}: {count(added, 'new item')}.")
    alone = int((record.graph_construction.adjacency.sum(axis=1) == 1).sum())
    if own and total and before is None and 0 < alone < record.length:
        parts.append(f"Bottom row: {count(alone, 'item')} without a kept edge.")
    return " ".join(parts)


def assignment_caption(record: Explanation, *, before: Before | None = None) -> str:
    """What the matrix draws, in which unit, and what it leaves out."""
    shown = shown_clusters(record, before)
    rest = _left_out(record, shown)
    deeper = " Shares are products over the pooling layers." if record.interest_extraction.layers else ""
    then = ""
    if before is not None:
        hollow = "; rows with a hollow head: items taken out" if before.removed else ""
        then = (
            f" Hollow squares: the share before the change, where it differs by more than 5 percentage points{hollow}."
        )
    idle = set(shown) - set(item_clusters(record).tolist())
    dot = " A dot in place of a letter: a cluster that is no item's first choice." if idle else ""
    return (
        "Soft assignment S: rows are items, the oldest on top; columns are clusters in the order read. "
        f"Colour: the share of the item that belongs to the cluster; shares below 0.5 % aren't "
        f"drawn.{dot}{rest}{deeper}{then}"
    )


def sequence_caption(record: Explanation, *, before: Before | None = None, effects: Effects | None = None) -> str:
    """What the sequence draws, in which unit, and what it leaves out."""
    columns, measured = shown_clusters(record, before), ""
    if effects is not None:
        measured = " Effect: how many times as likely the cluster's items make the candidate (measured)."
    then = " Hollow dots: γ* before the change; the thin row on top: the blocks before it." if before else ""
    parts = listed(["width is mass (number of items)", "fill is the mean update gate", "the dot is importance γ*"])
    shown = f"{count(len(columns), 'cluster')} in the order read: {parts}. Below: the strongest items."
    return f"{shown}{measured}{then}{_left_out(record, columns)}"


def attention_caption(record: Explanation, *, head: int | None = None, before: Before | None = None) -> str:
    """What the matrix draws, in which unit, and what it leaves out."""
    heads = len(record.interest_fusion.attention)
    which = f"head {head + 1} of {heads}" if head is not None else f"mean of {heads} heads" if heads > 1 else "one head"
    kept = int(record.graph_construction.adjacency.sum())
    then = ""
    if before is not None:
        if any(origin is None for origin in before.origin):
            then += " + marks items that were added."
        if gone := len(before.removed):
            then += f" {count(gone, 'item')} taken out {'has' if gone == 1 else 'have'} no row here."
    return (
        f"Attention, E in the paper ({which}): each row is an item, its cells the items it attends to, grouped by "
        "cluster. Colour: multiples of that row's uniform weight 1/|Nᵢ|. "
        f"{count(kept, 'cell')} of {record.length**2:,} {'is a kept edge' if kept == 1 else 'are kept edges'}, "
        f"both ways and each item's own; the others weigh 0.{then}"
    )


def _left_out(record: Explanation, shown: Sequence[int]) -> str:
    """How many clusters aren't drawn, and what they hold; empty where all are."""
    mass = cluster_mass(record)
    left_out, held = len(mass) - len(shown), float(mass.sum() - mass[list(shown)].sum())
    if not left_out:
        return ""
    amount = f"{held:.1f} items in all" if held >= 0.05 else "next to nothing"
    return f" {count(left_out, 'cluster')} with {amount} {'is' if left_out == 1 else 'are'} left out."


def graph_label(items: int, drawn: int, total: int) -> str:
    """What a screen reader says of the graph."""
    return (
        f"Interest graph: {count(items, 'item')}, {drawn:,} of {count(total, 'edge')}. Left and right "
        "arrow keys go through the items in time order, Enter selects. The table of items holds the same values."
    )
