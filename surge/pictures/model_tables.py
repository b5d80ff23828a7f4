"""The tables of the model page: settings and metrics in plain words, metrics by length, comparisons from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from surge.errors import SurgeError
from surge.evaluation.words import negatives_told
from surge.pictures.amounts import LARGEST_LOG, chance, factor, lift
from surge.pictures.text import count, listed

LARGEST_SHOWN = 1e300  # of a metric
LARGEST_COMPARISON = 1_000_000  # bytes of a file that holds a few rows of metrics
MOST_ROWS, MOST_METRICS, LONGEST_NAME = 200, 40, 120
LENGTH_GROUPS = 4
PARTS = {"validation": "Validation", "test": "Test", "explanation": "Explanations"}
SPLITS = ("validation", "test")
# metric -> its name, what it says
MEANINGS: dict[str, tuple[str, str]] = {
    "auc": ("AUC", "How often a true next item scores above a drawn other item; 0.5 is guessing"),
    "gauc": ("GAUC", "The same within each user, weighted by the user's clicks"),
    "list_auc": ("Mean AUC of lists", "The same within each list of one true and several drawn items"),
    "mrr": ("MRR", "Mean of 1 / rank of the true next item in its list; 1 is perfect"),
    "ndcg@2": ("NDCG@2", "Credit for a rank of 1 or 2 in the list, more for 1"),
    "ndcg@10": ("NDCG@10", "Credit for a rank from 1 to 10 in the list, more for higher ones"),
    "hr@10": ("Hit rate@10", "Share of lists whose true item ranks in the top 10"),
    "catalogue_hr@10": ("Hit rate@10", "Share of true next items in the top 10 of all items"),
    "catalogue_ndcg@10": ("NDCG@10", "The same, with more credit for higher ranks"),
    "catalogue_median_rank": ("Median rank", "Half of the true next items rank higher; 1 is best"),
    "calibration_error": (
        "Calibration error",
        "How far the chances of the ten best items lie from the share that came next, in percentage points; 0 is "
        "perfect",
    ),
    "calibration_error_first": ("The same for the best item alone", "For the item that is ranked first"),
    "users": ("Users measured", "Drawn at random"),
    "faithfulness_users": (
        "Users whose items were deleted",
        "For the deletion and insertion figures below; some of those drawn",
    ),
    "effective_clusters": ("Effective clusters", "How many clusters a history uses, as if used evenly"),
    "assignment_entropy": (
        "Blur of the clusters",
        "0: each item in one cluster; 1: each item spread over all clusters",
    ),
    "attention_distance_from_uniform": ("Attention's distance from uniform", "0: flat; 1: the most"),
    "attention_change_between_candidates": ("Attention's change between candidates", "0: none; 1: the most"),
    "assignment_change_between_candidates": ("Clusters' change between candidates", "0: none; 1: the most"),
    "edges_per_item": ("Edges per item", "Neighbours in the interest graph, the item itself not counted"),
    "true_interests": ("True interests per history", "Simulated truth, noise not counted"),
    "nmi": ("Clusters against true interests (NMI)", "1: the same groups; 0: unrelated; noise left out"),
    "nmi_with_noise": ("The same with noise clicks", "Noise counts as an interest of its own"),
    "importance_noise_auc": ("Low importance marks noise (AUC)", "0.5 is guessing"),
    "degree_noise_auc": ("Few links mark noise (AUC)", "0.5 is guessing"),
    "importance_interest_auc": ("High importance marks the interest (AUC)", "0.5 is guessing"),
    "ari": ("Clusters against true interests (ARI)", "1: the same groups; 0: as good as a random grouping"),
    "effective_clusters_ratio": ("Effective clusters per true interest", "1: one cluster for each interest"),
    "order_time_correlation": ("Reading order against time", "1: clusters are read in the order of their items"),
    "noise_score_auc": ("Noise score marks noise (AUC)", "Items without similar ones nearby; 0.5 is guessing"),
    "attention_inside_interest": ("Attention inside the interest", "Share that stays in the candidate's true interest"),
    "uniform_inside_interest": ("The same if attention were flat", "What the graph alone does"),
    "category_purity": (
        "Category purity of the clusters",
        "Share of items that have their cluster's commonest category",
    ),
    "category_purity_kmeans": ("The same for k-means", "On the same embeddings, with as many clusters"),
    "category_purity_kmeans_own": (
        "The same on the items' own part",
        "k-means without the part of the embedding that stands for the category",
    ),
    "importance_share_of_leave_one_out": (
        "Importance against the measured effect",
        "Their gains at deletion, as a ratio of logarithms",
    ),
}
ORDERS = {
    "importance": "by importance",
    "attention": "by attention received",
    "leave_one_out": "by measured effect",
    "integrated_gradients": "by integrated gradients",
    "random": "in random order",
}
MEANINGS |= {
    f"{kind}_{name}": (f"{label} {word}", meaning)
    for kind, label, meaning in (
        ("deletion_area", "Lift as items are deleted", "Mean along the way; lower: the items deleted first mattered"),
        ("deletion_gain", "Deletion", "The lift compared with random order: ÷2.0 is half of it, and better than ÷1.5"),
        (
            "insertion_area",
            "Lift as items are inserted",
            "Mean along the way; higher: the items inserted first mattered",
        ),
        (
            "insertion_gain",
            "Insertion",
            "The lift compared with random order: ×2.0 is twice as high, and better than ×1.5",
        ),
    )
    for name, word in ORDERS.items()
}
ABOUT = (
    "Read from the checkpoint's own files, written when it was trained or last evaluated; nothing is measured now. "
    "Ranks among all items say what a recommendation is worth; lists of drawn items, as in the paper, have few rivals "
    "and give better figures. Validation decided when training stopped, so the test figures are the honest ones. The "
    "lift is how many times as likely an item is for this user as by popularity alone; × and ÷ are factors on it. "
    "Simulated data have a known truth to compare with."
)
AMONG_ALL = (
    "catalogue_hr@10", "catalogue_ndcg@10", "catalogue_median_rank", "calibration_error", "calibration_error_first",
)  # fmt: skip
AMONG_DRAWN = ("auc", "gauc", "list_auc", "mrr", "ndcg@2", "ndcg@10", "hr@10")
# what a split's sentences say, and the picture of the chances
LEFT_OUT = {
    "unknown_positives": "of an item that the model doesn't know",
    "positives_without_history": "without a history before it",
    "positives_without_negatives": "of a user who took all other items before",
}
TOLD = (
    "catalogue_instances", "users_without_last", "instances", "negatives", "fewest_negatives", "positives", *LEFT_OUT,
    "cold_positives",
)  # fmt: skip
MOST_COUNTED = 10**15


def flat_metrics(metrics: Mapping[str, Any], part: str = "") -> list[tuple[str, str, float | str]]:
    """(part, metric, value) of every number or word, at whatever depth; the parts' names are joined by a space."""
    rows: list[tuple[str, str, float | str]] = []
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            rows += flat_metrics(value, f"{part} {name}".strip())
        elif isinstance(value, int | float | str):
            rows.append((part, str(name), value))
    return rows


@dataclass(frozen=True)
class MetricsTable:
    """Metrics of one kind: columns metric, one a part ("part Test"), meaning. `says` is how they were measured."""

    title: str
    says: str
    frame: pd.DataFrame


def metrics_tables(
    metrics: Mapping[str, Any], *, items: int, negatives: int, seen_left_out: bool = False
) -> list[MetricsTable]:
    """The metrics in plain words: how the splits rank among all items, then among drawn ones, then all the rest.

    Parts that measure the same stand side by side. `items`: of the catalogue; `negatives`: drawn for a list where the
    metrics don't say it; `seen_left_out`: whether what a user took is no candidate.
    """
    flat = flat_metrics(metrics)
    kinds = (
        ("Among all items", AMONG_ALL, _among_all(metrics, items, seen_left_out)),
        ("Among drawn items", AMONG_DRAWN, _among_drawn(metrics, negatives)),
    )
    tables = []
    for title, names, says in kinds:
        rows = [row for row in flat if row[0] in SPLITS and row[1] in names]
        rows.sort(key=lambda row: names.index(row[1]))
        if rows:
            tables.append(MetricsTable(title, says, _frame(rows)))
    known = {*AMONG_ALL, *AMONG_DRAWN, *TOLD}
    rest = [row for row in flat if row[0] not in SPLITS or row[1] not in known]
    return tables + [MetricsTable(" and ".join(_titles(rows)), "", _frame(rows)) for rows in _alike(rest)]


def _among_all(metrics: Mapping[str, Any], items: int, seen_left_out: bool) -> str:
    users = _of_splits(metrics, "catalogue_instances", "user")
    told = f"Each user's last item of the split, ranked by chance among all {items:,} items{users}."
    unranked = _counted(_part(metrics, "test"), "users_without_last")
    if unranked:
        told += f" {count(unranked, 'user')} of the test split had a last item that can't be ranked."
    return told + (" What the user took before is left out." if seen_left_out else "")


def _among_drawn(metrics: Mapping[str, Any], negatives: int) -> str:
    test = _part(metrics, "test")
    drawn, fewest = (_counted(test, name) for name in ("negatives", "fewest_negatives"))
    drawn = drawn or negatives
    others = negatives_told(drawn, fewest or drawn)
    lists = _of_splits(metrics, "instances", "list")
    return (
        f"Each true next item against {others} others{lists}. These others were drawn by popularity, so they are "
        "ranked by the raw score: the chance includes popularity, which would count twice."
    )


def unmeasured(metrics: Mapping[str, Any], place: str = "") -> str:
    """Which of the test split and the explanations was not measured yet, before the command that measures both, to be
    typed in `place`; empty where both were."""
    missing = [
        words
        for part, words in (("test", "the test split"), ("explanation", "the explanations"))
        if not _part(metrics, part)
    ]
    if not missing:
        return ""
    which = f"Neither {' nor '.join(missing)}" if len(missing) > 1 else missing[0].capitalize()
    verb = "has" if missing == ["the test split"] else "have"
    until = "; until then, the figures are those of the validation split" if "the test split" in missing else ""
    return (
        f"{which} of this checkpoint {verb} {'' if len(missing) > 1 else 'not '}been measured yet. This "
        f"command{place and f', {place},'} measures both and stores the figures with the checkpoint{until}:"
    )


def left_out(metrics: Mapping[str, Any]) -> str:
    """What of the test split could not be measured, and what of it the model never met; empty where there is nothing
    of that kind."""
    test = _part(metrics, "test")
    whole, cold = (_counted(test, name) for name in ("positives", "cold_positives"))
    reasons = [f"{left:,} {words}" for name, words in LEFT_OUT.items() if (left := _counted(test, name))]
    told = []
    if reasons:
        of_all = f" of the {whole:,}" if whole else ""
        told.append(f"Left out are true next items{of_all} in the test split: {listed(reasons)}.")
    if cold:
        one = cold == 1
        told.append(
            f"{count(cold, 'true next item')} of the test split {'is' if one else 'are'} measured though the model met "
            f"{'it' if one else 'them'} in no training example."
        )
    return " ".join(told)


def _of_splits(metrics: Mapping[str, Any], name: str, noun: str) -> str:
    """How many were measured: ": 3,000 users", or with the split's names where their numbers differ."""
    found = {split: number for split in SPLITS if (number := _counted(_part(metrics, split), name))}
    if not found:
        return ""
    if len(set(found.values())) == 1 and len(found) == len([split for split in SPLITS if _part(metrics, split)]):
        return f": {count(next(iter(found.values())), noun)}"
    return ": " + listed(f"{count(number, noun)} in {split}" for split, number in found.items())


def _part(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = metrics.get(name)
    return part if isinstance(part, Mapping) else {}


def _counted(part: Mapping[str, Any], name: str) -> int | None:
    """A count, None where the part holds none."""
    value = part.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_COUNTED:
        return None
    return int(value) if value == int(value) else None


def _alike(rows: list[tuple[str, str, float | str]]) -> list[list[tuple[str, str, float | str]]]:
    """The rows of parts that measure the same together: a part joins the first group that has a metric of its own."""
    groups: list[list[tuple[str, str, float | str]]] = []
    for part in dict.fromkeys(part for part, _, _ in rows):
        own = [row for row in rows if row[0] == part]
        names = {name for _, name, _ in own}
        group = next((group for group in groups if names & {name for _, name, _ in group}), None)
        if group is None:
            groups.append(group := [])
        group += own
    return groups


def _titles(rows: list[tuple[str, str, float | str]]) -> list[str]:
    return list(dict.fromkeys(_title(part) for part, _, _ in rows))


def _title(part: str) -> str:
    return PARTS.get(part, part.replace("_", " ") or "All")


def _frame(rows: list[tuple[str, str, float | str]]) -> pd.DataFrame:
    """One row a metric, in the order in which they come; a metric that isn't known keeps its own name."""
    titles = _titles(rows)
    values: dict[str, dict[str, str]] = {name: {} for _, name, _ in rows}
    for part, name, value in rows:
        values[name][_title(part)] = _metric_value(name, value)
    words = [
        (MEANINGS.get(name, (name.replace("_", " "), "")), [by_part.get(title, "") for title in titles])
        for name, by_part in values.items()
    ]
    return pd.DataFrame(
        [(label, *texts, meaning) for (label, meaning), texts in words],
        columns=["metric", *(f"part {title}" for title in titles), "meaning"],
    )


def _metric_value(name: str, value: float | str) -> str:
    """A metric in its unit: errors in per cent, areas in the log of the lift as a lift, gains as a factor."""
    if isinstance(value, str | bool) or not abs(value) <= LARGEST_LOG:  # NaN too
        return _number_text(value)
    if name.startswith("calibration_error") and value >= 0:
        return chance(value)
    if name == "catalogue_median_rank":
        return f"{value:,.1f}".removesuffix(".0")
    kind = name.partition("_area_" if "_area_" in name else "_gain_")
    if kind[2] in ORDERS and kind[0] in ("deletion", "insertion"):
        if kind[1] == "_area_":
            return lift(exp(value))
        return factor(-value if kind[0] == "deletion" else value)
    return _number_text(value)


def _number_text(value: float | str) -> str:
    if isinstance(value, str | bool):
        return str(value)
    if not abs(value) <= LARGEST_SHOWN:  # NaN, and what can't be a metric
        return "–"
    whole = isinstance(value, int) or (value == int(value) and abs(value) >= 10)
    return f"{value:,.0f}" if whole else f"{value:.4f}"


# -- settings -------------------------------------------------------------------------------------------


def settings_table(
    model: Mapping[str, Any], training: Mapping[str, Any], description: Mapping[str, Any]
) -> pd.DataFrame:
    """The model card: what the checkpoint is, in plain words. `model`, `training`: settings as JSON values."""
    data = description.get("dataset")
    data = data if isinstance(data, Mapping) else {}
    clusters = [int(size) for size in model["clusters"]]
    heads, metric_heads = int(model["heads"]), int(model["metric_heads"])
    soft = model["extraction"] == "soft"
    size = int(model["item_size"]) + int(model["category_size"])
    rows = [
        ("Trained on", _learned_from(data), "The dataset that it learned from"),
        ("Trained with", str(description.get("trained_on", "not said")), "The device"),
        ("Catalogue", f"{model['item_count']:,} items in {model['category_count']:,} categories", "What it predicts"),
        ("Reads", f"the last {model['max_length']:,} interactions", "Older ones are left out"),
        ("Embedding", f"{size} numbers per item", f"{model['item_size']} of its own and {model['category_size']} of "
         "its category"),
        ("Graph", f"the strongest {_percent(model['sparsity'])} of item pairs", f"Similarity is the mean of "
         f"{metric_heads} learned metric{_plural(metric_heads)} (Equations 1 to 3)"),
        ("Attention", _attention(model), f"{heads} attention head{_plural(heads)}, an item's "
         f"surroundings reach {model['hops']} step{_plural(int(model['hops']))} (Equations 4 to 8)"),
        ("Interest clusters", " then ".join(map(str, clusters)) if soft else "none: every item by itself",
         "Every item is spread softly over them (Equations 9 to 11)" if soft else "Pooling is switched off"),
        ("Order of clusters", _choice(FLATTEN, model["flatten"]), "How the pooled graph becomes a sequence"),
        ("Order of items", _choice(POSITION, model["position"]), "Whether the model knows what came when"),
        ("Age of items", _choice(TIME, model["time"]), "Whether the model knows how long ago an item was taken"),
        ("Memory", _choice(EVOLUTION, model["evolution"]), "What reads the sequence of clusters (Equation 16)"),
        ("Readout", "used" if model["readout"] else "not used", "The importance-weighted sum of all items "
         "(Equation 15)"),
        ("Long-term part", "used" if model["long_term"] else "not used, as in the paper", "What a user always wants, "
         "whatever the candidate: a sum of all items by weights λ of their own"),
        ("Chances", _softened(description), "A softmax of score + log popularity over all items"),
        ("Learning rate", f"{training['learning_rate']:g}", "Adam, with batches of "
         f"{training['batch_size']:,} true next items and {training['negatives']} drawn others each"),
        ("Seed", str(training["seed"]), "The same seed gives the same model on one machine"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["what", "value", "meaning"])


FUSION = {
    "full": "by the candidate and by the surroundings",
    "without_query": "by the surroundings alone",
    "without_cluster": "by the candidate alone",
    "none": "switched off",
}
FUSION_AS_PRINTED = {  # without LeakyReLU in Eq. 8, what the surroundings say cancels
    "full": "by the candidate alone: the surroundings cancel, as Equation 8 is printed",
    "without_query": "all neighbours alike: the surroundings cancel, as Equation 8 is printed",
}
FLATTEN = {"time": "by their mean place in the history", "index": "by their number, as in the paper"}
POSITION = {
    "recency": "learned from how many steps ago an item was",
    "message": "learned from how many steps ago an item was; γ doesn't use it",
    "none": "not known to the model, as in the paper",
}
TIME = {
    "age": "learned, on a scale from seconds to years",
    "none": "not known to the model, as in the paper",
}
EVOLUTION = {
    "augru": "a recurrent layer gated by importance (AUGRU)",
    "gru": "a plain recurrent layer (GRU)",
    "time_lstm": "a recurrent layer that knows how many items lie between (time-aware LSTM)",
    "attention": "attention to the candidate, without order",
    "none": "none",
}


def _attention(model: Mapping[str, Any]) -> str:
    """What decides how items listen to one another."""
    words = FUSION | FUSION_AS_PRINTED if model["attention_nonlinearity"] == "none" else FUSION
    return _choice(words, model["fusion"])


def _choice(words: Mapping[str, str], value: Any) -> str:
    return words.get(str(value), str(value))


def _softened(description: Mapping[str, Any]) -> str:
    temperature = description.get("temperature", 1.0)
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or temperature == 1:
        return "from the scores as they are"
    return f"scores divided by a temperature of {temperature:.3g}, chosen on the validation split"


def _learned_from(data: Mapping[str, Any]) -> str:
    counts = [
        f"{number:,} {name}"
        for name in ("interactions", "users")
        if isinstance(number := data.get(name), int) and not isinstance(number, bool)
    ]
    return ", ".join([str(data.get("name", "a dataset without a name")), *counts])


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _plural(number: int) -> str:
    return "" if number == 1 else "s"


# -- by length of the history ---------------------------------------------------------------------------


def length_table(frame: pd.DataFrame) -> pd.DataFrame:
    """How well the true next item ranks, by how long the history is: up to four groups, as even as they can be
    while users of one length stay together.

    `frame` is a survey. Counted are users whose next item ranks at all, of the test period where there are any.
    hit@10: share of ranks within 10; mrr: mean of 1 / rank.
    """
    used = counted_users(frame)
    if not len(used):
        return pd.DataFrame(columns=["length", "users", "hit@10", "mrr", "median rank"])
    lengths = used["length"].to_numpy(dtype=np.float64)
    known, sizes = np.unique(lengths, return_counts=True)
    group = _even_groups(sizes, LENGTH_GROUPS)[np.searchsorted(known, lengths)]
    rows = []
    for number in np.unique(group):
        inside = group == number
        ranks = used["next_rank"].to_numpy(dtype=np.float64)[inside]
        low, high = int(lengths[inside].min()), int(lengths[inside].max())
        words = f"{low:,} to {high:,} items" if low < high else f"{low:,} item{_plural(low)}"
        rows.append(
            (words, len(ranks), float((ranks <= 10).mean()), float((1 / ranks).mean()), float(np.median(ranks)))
        )
    return pd.DataFrame(rows, columns=["length", "users", "hit@10", "mrr", "median rank"])


def _even_groups(sizes: np.ndarray, most: int) -> np.ndarray:
    """The group of each of several bins (n), whose order they keep: of all ways to part them into at most `most` runs,
    the one with the least sum of squared sizes."""
    below = np.concatenate([[0], np.cumsum(sizes, dtype=np.float64)])
    groups = min(most, len(sizes))
    cost = np.full((groups + 1, len(sizes) + 1), np.inf)  # of the first bins, in so many groups
    start = np.zeros(cost.shape, dtype=np.int64)  # of the last of these groups
    cost[0, 0] = 0
    for number in range(1, groups + 1):
        for end in range(1, len(sizes) + 1):
            tried = cost[number - 1, :end] + (below[end] - below[:end]) ** 2
            start[number, end] = int(tried.argmin())
            cost[number, end] = tried[start[number, end]]
    group, end = np.zeros(len(sizes), dtype=np.int64), len(sizes)
    for number in range(groups, 0, -1):
        first = int(start[number, end])
        group[first:end] = number - 1
        end = first
    return group


def counted_users(frame: pd.DataFrame) -> pd.DataFrame:
    """The users whose next item's rank and history's length are known; those of the test period alone where there are
    any."""
    ranked = frame[np.isfinite(frame[["next_rank", "length"]].to_numpy(dtype=np.float64)).all(axis=1)]
    test = ranked[ranked["next_period"] == "test"]
    return test if len(test) else ranked


def length_caption(frame: pd.DataFrame) -> str:
    """Whom the table by length counts."""
    used = counted_users(frame)
    honest = bool(len(used)) and bool((used["next_period"] == "test").all())
    period = (
        "whose next item lies in the test period"
        if honest
        else "with a known next item; none lies in the test period, so the model may have learned from them"
    )
    return (
        f"From the survey: {len(used):,} of {len(frame):,} users, those {period}. Users of one length stay "
        "in one group; apart from that the groups are as even as can be. The rank is among all items of the "
        "catalogue. Hit rate@10: share of users whose next item ranks in the top 10."
    )


# -- comparisons from a file ----------------------------------------------------------------------------


def comparison_table(content: bytes, name: str) -> pd.DataFrame:
    """A list of {"name": ..., metrics ...} as a table, one row a variant; metrics inside a part are found too. So is
    the JSON of `python -m surge compare`, with the means over its seeds.

    Numbers alone are shown; other values are left out. What isn't such a list is a SurgeError that calls the
    file `name`.
    """
    if len(content) > LARGEST_COMPARISON:
        raise SurgeError(f"{name} is larger than {LARGEST_COMPARISON:,} bytes, too large for a table of metrics.")
    try:
        values = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SurgeError(f"{name} is not readable JSON, so it is left out; write it again.") from error
    if isinstance(values, dict) and isinstance(values.get("runs"), list):
        values = _means_of_runs(values["runs"])
    wanted = f'a list of objects, each with a "name" and metrics, at most {MOST_ROWS}'
    if not isinstance(values, list) or not 0 < len(values) <= MOST_ROWS:
        raise SurgeError(f"{name} is not {wanted}; it is left out.")
    rows: list[dict[str, Any]] = []
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"].strip():
            raise SurgeError(f"{name} is not {wanted}; it is left out.")
        row: dict[str, Any] = {"name": " ".join(value["name"].split())[:LONGEST_NAME]}
        row |= _numbers({key: entry for key, entry in value.items() if key != "name"})
        rows.append(row)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if len(columns) < 2:
        raise SurgeError(f"{name} holds no metric that is a number; it is left out.")
    return pd.DataFrame(rows, columns=columns[: MOST_METRICS + 1])


def _means_of_runs(runs: list[Any]) -> list[dict[str, Any]]:
    """One object a model, with the means of its test metrics over all runs; what isn't a run is left out."""
    tests: dict[str, list[dict[str, float]]] = {}
    for run in runs:
        if isinstance(run, dict) and isinstance(run.get("label"), str) and isinstance(run.get("test"), dict):
            tests.setdefault(run["label"], []).append(_numbers(run["test"]))
    return [
        {"name": label, **{key: fmean(one[key] for one in found if key in one) for key in found[0]}}
        for label, found in tests.items()
    ]


def _numbers(values: Mapping[str, Any], part: str = "", depth: int = 0) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in values.items():
        label = f"{part} {' '.join(str(key).split())}".strip()[:LONGEST_NAME]
        if isinstance(value, dict) and depth < 3:
            found |= _numbers(value, label, depth + 1)
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e300:
            found.setdefault(label, float(value))  # NaN fails the comparison and is left out
    return {label: value for label, value in found.items() if label != "name"}
