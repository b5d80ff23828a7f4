"""One user under two checkpoints: what the two predict, link and cluster alike, and what not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from surge.explanation.measurements import Match, Predicted
from surge.explanation.record import Explanation
from surge.pictures.palette import ClusterStyle, item_clusters
from surge.pictures.text import count, shorten, title_of
from surge.vocabulary.amounts import percent
from surge.vocabulary.explanation import GROUPINGS

Array = np.ndarray

NAMES = ("the first checkpoint", "the second checkpoint")
TOP = 10  # predictions whose overlap is told
MOST_LINKS = 10  # of each side in the table of links that only one keeps
HALF_HELD = 0.5  # of a cluster's mass: with less a match is only the best of bad ones

ABOUT = (
    "Two trained models read the same user. Numbers of clusters mean nothing across models, so each cluster of the "
    "second is matched with the cluster of the first that has most items in common with it (one to one); a matched "
    "pair shares its letter and colour. Links are the kept edges (Eq. 3) between items that both models know. Chances "
    "and lifts are each model's own estimates: compare ranks first. What the comparison does not say is which of the "
    "two is right."
)


def comparison_table(
    first: Explanation,
    second: Explanation,
    match: Match,
    predicted_first: Sequence[Predicted],
    predicted_second: Sequence[Predicted],
) -> pd.DataFrame:
    """One row an item that either checkpoint predicts, the best mean place first.

    Ranks count from 1 and are missing where an item isn't among those given for that checkpoint; `change` is how
    many places higher the second ranks it than the first. `note` says whether the item is the candidate or in the
    history that both read.
    """
    sides = [{entry.item: entry for entry in predicted} for predicted in (predicted_first, predicted_second)]
    beyond = [len(side) + 1 for side in sides]
    common = {first.history[place].item for place in match.places[:, 0].tolist()}
    candidates = {first.target.item, second.target.item}
    rows: list[dict[str, Any]] = []
    for item in dict.fromkeys([*sides[0], *sides[1]]):
        entries = [side.get(item) for side in sides]
        entry = next(entry for entry in entries if entry is not None)
        ranks = [None if entry is None else entry.rank for entry in entries]
        notes = [word for word, holds in (("candidate", item in candidates), ("in history", item in common)) if holds]
        rows.append(
            {
                "title": entry.title if entry.title.strip() else item,
                "category": entry.category or "",
                "rank, first": ranks[0],
                "rank, second": ranks[1],
                "change": None if ranks[0] is None or ranks[1] is None else ranks[0] - ranks[1],
                "chance, first": None if entries[0] is None else entries[0].next_probability,
                "chance, second": None if entries[1] is None else entries[1].next_probability,
                "note": ", ".join(notes),
                "item": item,
                "place": sum(rank or last for rank, last in zip(ranks, beyond, strict=True)),
            }
        )
    rows.sort(key=lambda row: row["place"])
    columns = ["title", "category", "rank, first", "rank, second", "change", "chance, first", "chance, second", "note"]
    frame = pd.DataFrame(rows, columns=[*columns, "item"])
    whole = dict.fromkeys(("rank, first", "rank, second", "change"), "Int64")
    return frame.astype(whole | dict.fromkeys(("chance, first", "chance, second"), "float64"))


def cluster_pairs_table(
    first: Explanation,
    second: Explanation,
    match: Match,
    styles_first: Sequence[ClusterStyle],
    styles_second: Sequence[ClusterStyle],
) -> pd.DataFrame:
    """One row a cluster that is some item's first choice in either record: matched pairs, in the order in which the
    first reads them, then what has no partner. `items` count first choices; `overlap` is the share of the second's
    cluster that its partner holds too.
    """
    sides = [(first, styles_first), (second, styles_second)]
    held = [np.bincount(item_clusters(record), minlength=len(styles)) for record, styles in sides]
    partner = np.asarray(match.partner)
    pairs: list[tuple[int | None, int | None]] = []
    for cluster in first.prediction.order.tolist():
        others = np.flatnonzero(partner == cluster).tolist()
        pairs += [(cluster, other) for other in others if held[0][cluster] or held[1][other]]
        if not others and held[0][cluster]:
            pairs.append((cluster, None))
    pairs.sort(key=lambda pair: pair[1] is None)
    pairs += [(None, other) for other in second.prediction.order.tolist() if partner[other] < 0 and held[1][other]]

    def named(side: int, cluster: int | None) -> dict[str, Any]:
        word = ("first", "second")[side]
        style = None if cluster is None else sides[side][1][cluster]
        return {
            word: "" if style is None else style.letter,
            f"{word} holds": "" if style is None else style.name,
            f"items, {word}": 0 if cluster is None else int(held[side][cluster]),
        }

    rows = [
        named(0, one) | named(1, other) | {"overlap": np.nan if one is None or other is None else match.overlap[other]}
        for one, other in pairs
    ]
    columns = ["first", "first holds", "items, first", "second", "second holds", "items, second", "overlap"]
    return pd.DataFrame(rows, columns=columns).astype({"overlap": "float64"})


def edge_difference(first: Explanation, second: Explanation, match: Match) -> pd.DataFrame:
    """Links between items that both read which only one of the two keeps (Eq. 3), the most similar first.

    `kept by` is "first" or "second"; `from` and `to` are indices in the first record.
    """
    places = np.asarray(match.places, dtype=np.int64).reshape(-1, 2)
    similarity, kept = zip(*_links(first, second, match), strict=True)
    one, other = np.nonzero(np.triu(kept[0] != kept[1], k=1))
    by_first = kept[0][one, other]
    strength = np.where(by_first, similarity[0][one, other], similarity[1][one, other])
    order = np.argsort(-strength, kind="stable")
    one, other, by_first = one[order], other[order], by_first[order]
    return pd.DataFrame(
        {
            "kept by": np.where(by_first, "first", "second"),
            "item": [title_of(first.history[place]) for place in places[one, 0]],
            "other item": [title_of(first.history[place]) for place in places[other, 0]],
            "similarity, first": similarity[0][one, other],
            "similarity, second": similarity[1][one, other],
            "from": places[one, 0],
            "to": places[other, 0],
        }
    )


def edge_sentence(first: Explanation, second: Explanation, match: Match, names: tuple[str, str] = NAMES) -> str | None:
    """How many links between common items both keep and each alone, as plain text; None where there is no link."""
    (_, ours), (_, theirs) = _links(first, second, match)
    ours, theirs = np.triu(ours, k=1), np.triu(theirs, k=1)
    either, both = int((ours | theirs).sum()), int((ours & theirs).sum())
    if not either:
        return None
    alone = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    told = f"Of the {count(either, 'link')} between items that both read, both models keep {both:,}"
    return f"{told}, only {names[0]} {alone[0]:,} and only {names[1]} {alone[1]:,}."


def edge_table(difference: pd.DataFrame, names: tuple[str, str] = NAMES, most: int = MOST_LINKS) -> pd.DataFrame:
    """The `most` strongest links of each side in an `edge_difference`, as a reader sees them: with the models' names,
    and with positions that count from 1."""
    strongest = difference.groupby("kept by", sort=False).head(most)
    named = dict(zip(("first", "second"), names, strict=True))
    told = {"kept by": strongest["kept by"].map(named).astype(object)}
    told |= {"position": strongest["from"] + 1, "other position": strongest["to"] + 1}
    return strongest.assign(**told).drop(columns=["from", "to"]).reset_index(drop=True)


def difference_sentence(
    first: Explanation,
    second: Explanation,
    match: Match,
    predicted_first: Sequence[Predicted],
    predicted_second: Sequence[Predicted],
    *,
    rank_first: int | None = None,
    rank_second: int | None = None,
    names: tuple[str, str] = NAMES,
) -> str:
    """How far the two agree on the candidate, the best predictions, the links and the clusters, as plain text.

    The ranks are those of each record's candidate, None where it is not ranked.
    """
    parts = [_candidates(first, second, (rank_first, rank_second), names)]
    tops = [
        [entry.item for entry in sorted(side, key=lambda entry: entry.rank)[:TOP]]
        for side in (predicted_first, predicted_second)
    ]
    if all(tops):
        size = min(len(tops[0]), len(tops[1]))
        shared = len(set(tops[0][:size]) & set(tops[1][:size]))
        parts.append(f"Of the top {size} they share {'none' if shared == 0 else 'all' if shared == size else shared}.")
    if len(match.places) < 2:
        parts.append("They read fewer than two items in common, so links and interests can't be compared.")
        return " ".join(parts)
    edges = f"They share {percent(match.shared_edges)} of the links between common items"
    if not any(np.triu(kept, k=1).any() for _, kept in _links(first, second, match)):
        edges = "Neither links any two of the common items"
    parts.append(f"{edges}, and {_grouping(match.agreement)}.")
    return " ".join(parts)


def caption(first: Explanation, second: Explanation, match: Match) -> str:
    """What is compared, and what only one of the two reads."""
    common = len(match.places)
    alone = [
        f"{count(record.length - common, 'item')} by the {word} alone"
        for record, word in ((first, "first"), (second, "second"))
        if record.length > common
    ]
    rest = f"; read {' and '.join(alone)}, left out here" if alone else ""
    weak = int(((np.asarray(match.partner) >= 0) & (np.asarray(match.overlap) < HALF_HELD)).sum())
    loose = (
        f" {count(weak, 'pair')} of clusters {'overlaps' if weak == 1 else 'overlap'} by less than half."
        if weak
        else ""
    )
    return (
        f"{count(common, 'item')} that both models read{rest}. Overlap: the part of the second's cluster that lies in "
        f"the matched cluster of the first, too.{loose}"
    )


# -- helpers ------------------------------------------------------------------------------------------


def _links(first: Explanation, second: Explanation, match: Match) -> list[tuple[Array, Array]]:
    """For each record: similarity M (k x k) and which links it keeps (k x k), between common items."""
    places = np.asarray(match.places, dtype=np.int64).reshape(-1, 2)
    links = []
    for side, record in enumerate((first, second)):
        chosen = np.ix_(places[:, side], places[:, side])
        graph = record.graph_construction
        links.append((graph.similarity[chosen].astype(np.float64), graph.adjacency[chosen] > 0))
    return links


def _candidates(
    first: Explanation, second: Explanation, ranks: tuple[int | None, int | None], names: tuple[str, str]
) -> str:
    words = ["is not ranked" if rank is None else f"ranks #{rank:,}" for rank in ranks]
    titles = [f"“{shorten(title_of(record.target), 60)}”" for record in (first, second)]
    if first.target.item == second.target.item:
        if ranks[0] == ranks[1]:
            same = "is ranked under neither checkpoint" if ranks[0] is None else f"{words[0]} under both checkpoints"
            return f"{titles[0]} {same}."
        then = words[1] if None in ranks else f"#{ranks[1]:,}"
        return f"{titles[0]} {words[0]} under {names[0]} and {then} under {names[1]}."
    return f"{titles[0]} {words[0]} under {names[0]}, {titles[1]} {words[1]} under {names[1]}."


def _grouping(agreement: float | None) -> str:
    if agreement is None:
        return "each puts all of them into one interest"
    return f"{GROUPINGS.reading(agreement)} (agreement {agreement:.2f}; 1 is the same grouping)"
