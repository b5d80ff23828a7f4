"""The verdict: why this item, in one to three sentences computed from the record and the measured effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.explanation.story import Whose
from surge.pictures.palette import ClusterStyle, cluster_styles, item_clusters
from surge.pictures.text import count, shorten, title_of
from surge.pictures.trust import MATTERS, NEARLY_ALL, collapsed, notes
from surge.vocabulary.amounts import a_chance, as_likely, bound, makes_it

LITTLE = 0.4  # of the log of the lift, 1.5 times as likely: with less no interest carries it by itself
ALONE = 0.25  # of an interest's effect: where no single item of it has as much, they stand in for one another
CLEARLY = 2.0  # times the effect of the next interest: then it is "mainly" the first one
WELL_PLACED = 20  # a rank up to which "because" is the right word
LIKELY = 2.0  # a lift from which it is the right word too
HARDLY_PERSONAL = 1.5  # a lift up to which a well placed item owes its place to what everybody likes
POPULAR = 2.0  # times as much as what is personal counts, the popularity in those of an average item

ABOUT = (
    "The chance is how likely the item is to be the next one, among all items. The second number, the lift, is what is "
    "personal in it: how many times as likely the item is for this user as by popularity alone. Each interest and item "
    "is then left out in turn, and the model is asked again: the factors say what becomes of the lift. Two items that "
    "can replace each other both look weak. At the end: whether the model's own importance γ (Eq. 7) agrees."
)


@dataclass(frozen=True)
class Piece:
    """A stretch of plain text (no markup: escape it where it is shown), set strong or not."""

    text: str
    strong: bool = False


def verdict(
    record: Explanation,
    effects: Effects | None,
    rank: int | None,
    ranked: int | None,
    *,
    next_probability: float | None = None,
    about: bool = False,
    styles: Sequence[ClusterStyle] | None = None,
    interests: Sequence[str] | None = None,
    whose: Whose = "user",
    weights: bool = True,
) -> list[Piece]:
    """One to three sentences as pieces of plain text.

    `rank` of the candidate among `ranked` items: `rank` is None where it is left out of the ranking, both where nothing
    is ranked yet; see `Explanation.is_left_out`. `next_probability`: how likely the candidate is to be next (the
    record's own, where it has one), `about` so where only a part of the catalogue was scored. `effects` is None where
    they aren't measured yet. `interests` is the simulated truth of each item. `whose` says whether the history is the
    user's own, was changed, or is made up. Without `weights` it doesn't say whether importance agrees with the effects,
    for places where the sentence of `trust` stands beside.
    """
    styles = cluster_styles(record) if styles is None else styles
    likely = record.prediction.next_probability if next_probability is None else next_probability
    pieces = _place(
        record, rank, ranked, whose, None if likely is None else f"{'about ' if about else ''}{a_chance(likely)}"
    )
    if effects is not None and record.length == 1:
        pieces += [
            Piece(". The history holds a single item, "),
            _quoted(title_of(record.history[0]), 48),
            Piece(": nothing can be left out to see what matters"),
        ]
    elif effects is not None:
        pieces += _interest(record, effects, rank, ranked, styles, interests)
        items = _items(record, effects)
        pieces += [Piece(". "), *items] if items else []
    said = notes(record, effects if weights else None)
    if said:
        words = "; ".join(said)
        pieces.append(Piece(f". {words[0].upper()}{words[1:]}"))
    return _joined([*pieces, Piece(".")])


# -- the sentences ------------------------------------------------------------------------------------


def _place(record: Explanation, rank: int | None, ranked: int | None, whose: Whose, likely: str | None) -> list[Piece]:
    """Where the candidate stands, how likely it is to be next, and how much of that is personal; without a full stop.

    `likely`: "a 3.6 % chance", None where it is not known.
    """
    user = f"user {shorten(record.user, 40)}"
    who = {
        "user": user,
        "changed": f"the changed history of {user}",
        "made-up": f"a made-up history of {count(record.length, 'item')}",
    }[whose]
    known = record.target.item in {item.item for item in record.history}
    title, personal = _quoted(title_of(record.target), 70), _personal(record.lift)
    chances = [] if likely is None else [Piece(likely, strong=True), Piece(" of being the next item, ")]
    if rank is not None:
        place = f"#{rank:,}" + (f" of {ranked:,}" if ranked is not None else "")
        repeat = ", which the history holds already, ranks " if known else " ranks "
        start = [title, Piece(repeat), Piece(place, strong=True), Piece(f" for {who}{': ' if chances else ', '}")]
        popular = _is_popular(record, rank, ranked)
        why = ": it ranks high mostly because it is popular with everybody" if popular else ""
        return [*start, *chances, *personal, Piece(why)]
    left_out = record.is_left_out(rank, ranked)
    if not left_out and not chances:
        unknown = Piece(" (its rank and its chance of being the next item are not known yet)")
        return [title, Piece(" is "), *_personal(record.lift, f" to be next for {who}"), unknown]
    if not left_out:
        return [title, Piece(f" has for {who} "), *chances, *personal, Piece(" (its rank is not known yet)")]
    would = [Piece("it would have "), *chances] if chances else [Piece("it would be ")]
    return [title, Piece(f" is not ranked for {who}, {record.left_out_words}; "), *would, *personal]


def _personal(lift: float, what: str = "") -> list[Piece]:
    """ "9.1 times as likely as by popularity alone", the number strong."""
    number, times_, rest = as_likely(lift, what).partition(" times ")
    return [Piece(f"{number} times", strong=True), Piece(f" {rest}")] if times_ else [Piece(number)]


def _is_popular(record: Explanation, rank: int | None, ranked: int | None) -> bool:
    """Whether a candidate ranks high for how popular it is, and not for what this user does."""
    popularity = record.prediction.log_popularity
    if popularity is None or rank is None or rank > WELL_PLACED or record.lift >= HARDLY_PERSONAL:
        return False
    share = float(np.exp(popularity))
    personal = max(record.lift, (record.prediction.next_probability or 0) / share, 1.0)
    return share * (ranked or 0) >= POPULAR * personal


def _interest(
    record: Explanation,
    effects: Effects,
    rank: int | None,
    ranked: int | None,
    styles: Sequence[ClusterStyle],
    interests: Sequence[str] | None,
) -> list[Piece]:
    """The interest that carries the prediction: goes on from `_place`, in its sentence."""
    clusters = item_clusters(record)
    used = np.unique(clusters)
    if collapsed(record):
        return [
            Piece("; the pooling has collapsed: all items are spread over the clusters alike, so the interests can't "),
            Piece("be distinguished"),
        ]
    if len(used) == 1:
        name = styles[int(used[0])].name
        return [
            Piece(f"; all {count(record.length, 'item')} lie in one interest{f' ({name})' if name else ''}, "),
            Piece("so leaving out interests can't show what matters"),
        ]
    effect = effects.cluster_effect
    measured = np.flatnonzero(np.isfinite(effect))
    if not len(measured):
        return []
    order = measured[np.argsort(-effect[measured], kind="stable")]
    first, last = int(order[0]), int(order[-1])

    def told(cluster: int) -> list[Piece]:
        held = int((clusters == cluster).sum())
        those = "that item" if held == 1 else f"those {held:,} items"
        return [
            *_named(styles[cluster], clusters == cluster, interests),
            Piece(f": without {those} it would be {_without(effects, cluster)}"),
        ]

    if effect[first] < MATTERS and effect[last] > -MATTERS:
        within = bound(float(np.abs(effect[measured]).max()))
        return [
            Piece("; no single interest decides this: leaving one out changes it by less than a "),
            Piece(f"factor of {within}"),
        ]
    if effect[first] < MATTERS:
        return [Piece("; no interest speaks for it, and one speaks against it, "), *told(last)]
    second = float(effect[order[1]]) if len(order) > 1 else 0.0
    mainly = "mainly" if effect[first] >= CLEARLY * second else "most of all"
    if effect[first] < LITTLE:
        pieces = [Piece("; no single interest decides this, the one with the largest effect is "), *told(first)]
    elif _is_popular(record, rank, ranked):
        pieces = [Piece(f"; in the history, what speaks for it is {mainly} "), *told(first)]
    elif record.lift >= LIKELY or (rank is not None and rank <= WELL_PLACED):
        pieces = [Piece(f", {mainly} because of "), *told(first)]
    else:
        pieces = [Piece(f"; what speaks for it is {mainly} "), *told(first)]
    if (clusters == first).mean() >= NEARLY_ALL:
        pieces.append(Piece(", but then hardly any history is left"))
    if -effect[last] > effect[first]:
        pieces += [Piece("; even more speaks against it: "), *told(last)]
    return pieces


def _named(style: ClusterStyle, members: np.ndarray, interests: Sequence[str] | None) -> list[Piece]:
    """interest B (Camping, 11 of 42 items; in the simulated truth 9 belong to “camping”)."""
    inside = [style.name] if style.name else []
    held = int(members.sum())
    inside.append(f"{held:,} of {count(len(members), 'item')}")
    truth = ""
    if interests is not None:
        name, number = Counter(interests[i] for i in np.flatnonzero(members).tolist()).most_common(1)[0]
        those = "all" if number == held > 1 else "it" if held == 1 else f"{number:,}"
        verb = "belongs" if number == 1 else "belong"
        truth = f"; in the simulated truth {those} {verb} to “{shorten(name, 40)}”" if name else ""
    name = f"interest {style.letter}" if style.lettered else "an interest without a letter"
    return [Piece(name, strong=True), Piece(f" ({', '.join(inside)}{truth})")]


def _without(effects: Effects, cluster: int) -> str:
    """How much less or more likely it is without a cluster, and its rank then."""
    place = ""
    if cluster < len(effects.cluster_rank) and np.isfinite(effects.cluster_rank[cluster]):
        place = f" ({'' if effects.clusters_exact else 'about '}rank #{int(effects.cluster_rank[cluster]):,})"
    return f"{makes_it(-float(effects.cluster_effect[cluster]))}{place}"


def _items(record: Explanation, effects: Effects) -> list[Piece]:
    """The single items that carry the prediction, or that none does; without a full stop."""
    effect = effects.item_effect
    measured = np.flatnonzero(np.isfinite(effect))
    if not len(measured):
        return []
    order = measured[np.argsort(-effect[measured], kind="stable")]
    last = int(order[-1])

    def told(index: int, start: str = " makes it ", short: bool = False) -> list[Piece]:
        words = makes_it(float(effect[index]))
        words = words.removesuffix(" as likely") if short else words
        return [_quoted(title_of(record.history[index]), 48), Piece(f"{start}{words}")]

    carrying: dict[str, int] = {}  # an item that the history holds twice is named once
    for index in order[effect[order] >= MATTERS].tolist():
        carrying.setdefault(record.history[index].item, index)
    against = -effect[last] >= MATTERS
    if carrying:
        first, *others = list(carrying.values())[:2]
        pieces = [Piece("The items that matter most: " if others else "The item that matters most: "), *told(first)]
        for other in others:
            pieces += [Piece(", "), *told(other, " ", short=True)]
        if against and -effect[last] > effect[first]:
            pieces += [Piece("; "), *told(last, " speaks against it even more and makes it ")]
        return pieces + _stand_ins(record, effects)
    if against:
        return [Piece("No single item speaks clearly for it; "), *told(last, " speaks most against it and makes it ")]
    within = bound(float(np.abs(effect[measured]).max()))
    pieces = [
        Piece("No single item matters alone: leaving one out changes it by less than a "),
        Piece(f"factor of {within}"),
    ]
    return pieces + _stand_ins(record, effects)


def _stand_ins(record: Explanation, effects: Effects) -> list[Piece]:
    """Why leaving out an interest changes much and leaving out any one of its items little; empty where it isn't so."""
    effect, clusters = effects.cluster_effect, item_clusters(record)
    if len(np.unique(clusters)) < 2 or not np.isfinite(effect).any() or collapsed(record):
        return []
    first = int(np.nanargmax(effect))
    alone = effects.item_effect[clusters == first]
    if effect[first] < LITTLE or len(alone) < 2 or not np.isfinite(alone).all() or alone.max() > ALONE * effect[first]:
        return []
    words = ". The items of that interest can replace one another: one can be left out, but not all of them"
    if (alone < 0).mean() > 0.5:
        words += "; for most of them, leaving out that one alone even makes it likelier"
    return [Piece(words)]


# -- helpers ------------------------------------------------------------------------------------------


def _quoted(title: str, length: int) -> Piece:
    return Piece(f"“{shorten(title, length)}”", strong=True)


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbours of one setting as one piece."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1].strong == piece.strong:
            joined[-1] = Piece(joined[-1].text + piece.text, piece.strong)
        else:
            joined.append(piece)
    return joined
