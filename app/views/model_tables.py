"""The tables of the model page: settings and metrics in plain words, metrics by length, comparisons from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from surge.errors import SurgeError

LARGEST_COMPARISON = 1_000_000  # bytes of a file that holds a few rows of metrics
MOST_ROWS, MOST_METRICS, LONGEST_NAME = 200, 40, 120
LENGTH_GROUPS = 4
PARTS = {"validation": "Validation", "test": "Test", "explanation": "Explanations"}
# metric -> its name, what it says
MEANINGS: dict[str, tuple[str, str]] = {
    "auc": ("AUC", "Chance that a true next item scores above a drawn other item; 0.5 is guessing"),
    "gauc": ("GAUC", "The same within each user, weighted by the user's clicks"),
    "list_auc": ("Mean AUC of lists", "The same within each list of one true and several drawn items"),
    "mrr": ("MRR", "Mean of 1 / rank of the true next item in its list; 1 is perfect"),
    "ndcg@2": ("NDCG@2", "Credit for a rank of 1 or 2 in the list, more for 1"),
    "ndcg@10": ("NDCG@10", "Credit for a rank from 1 to 10 in the list, more for higher ones"),
    "hr@10": ("Hit rate@10", "Share of lists whose true item ranks in the top 10"),
    "catalogue_hr@10": ("Hit rate@10, whole catalogue", "Share of true next items in the top 10 of all items"),
    "catalogue_ndcg@10": ("NDCG@10, whole catalogue", "The same, with more credit for higher ranks"),
    "instances": ("Lists measured", "True next items, each with its list"),
    "negatives": ("Drawn items a list", "Other items, drawn by popularity, that the true one must beat"),
    "catalogue_instances": ("Histories ranked against all items", ""),
    "users": ("Users measured", "Drawn at random"),
    "faithfulness_users": ("Users whose items were deleted", "For the areas below; some of those drawn"),
    "effective_clusters": ("Effective clusters", "How many clusters a history uses, as if used evenly"),
    "assignment_entropy": ("Blur of the clusters", "0: each item in one cluster; 1: spread over all"),
    "attention_distance_from_uniform": ("Attention's distance from uniform", "0: flat; 1: the most"),
    "attention_change_between_candidates": ("Attention's change between candidates", "0: none; 1: the most"),
    "assignment_change_between_candidates": ("Clusters' change between candidates", "0: none; 1: the most"),
    "edges_per_item": ("Edges an item", "Neighbours in the interest graph, the item itself not counted"),
    "true_interests": ("True interests a history", "Simulated truth, noise not counted"),
    "nmi": ("Clusters against true interests (NMI)", "1: the same groups; 0: unrelated; noise left out"),
    "nmi_with_noise": ("The same with noise clicks", "Noise counts as an interest of its own"),
    "importance_noise_auc": ("Low importance marks noise (AUC)", "0.5 is guessing"),
    "degree_noise_auc": ("Few links mark noise (AUC)", "0.5 is guessing"),
    "importance_interest_auc": ("High importance marks the interest (AUC)", "0.5 is guessing"),
    "ari": ("Clusters against true interests (ARI)", "The same, 0 where a random grouping stands"),
    "effective_clusters_ratio": ("Effective clusters a true interest", "1 is one cluster for each interest"),
    "order_time_correlation": ("Reading order against time", "1: clusters are read in the order of their items"),
    "noise_score_auc": ("Noise score marks noise (AUC)", "Items without similar ones nearby; 0.5 is guessing"),
    "attention_inside_interest": ("Attention inside the interest", "Share that stays in the candidate's true interest"),
    "uniform_inside_interest": ("The same if attention were flat", "What the graph alone does"),
    "category_purity": ("Purity of the clusters in category", "Share of items in their cluster's commonest category"),
    "category_purity_kmeans": ("The same for k-means", "On the same embeddings, as many clusters"),
    "category_purity_kmeans_own": ("The same without the category's embedding", "Which names the category"),
    "importance_share_of_leave_one_out": ("Importance against the measured effect", "Gain at deletion, as a ratio"),
}
ORDERS = {
    "importance": "importance",
    "attention": "attention received",
    "leave_one_out": "measured effect",
    "integrated_gradients": "integrated gradients",
    "random": "chance",
}
MEANINGS |= {
    f"{kind}_{name}": (f"{label} by {word}", meaning)
    for kind, label, meaning in (
        ("deletion_area", "Score as items are deleted", "Mean along the way; lower: the first ones mattered"),
        ("deletion_gain", "Deletion", "How much lower than at random; higher is better"),
        ("insertion_area", "Score as items are inserted", "Mean along the way; higher: the first ones mattered"),
        ("insertion_gain", "Insertion", "How much higher than at random; higher is better"),
    )
    for name, word in ORDERS.items()
}
ABOUT = (
    "Everything here is read from the checkpoint's own files, written when it was trained or last evaluated; nothing "
    "is measured now. "
    "Sampled lists rank one true next item against items drawn by popularity, as the paper does, and look better than "
    "ranks among the whole catalogue. Validation decided when training stopped, so the test figures are the honest "
    "ones. Figures on simulated data compare with the truth that the simulator wrote down; the model never sees it."
)


def flat_metrics(metrics: Mapping[str, Any], part: str = "") -> list[tuple[str, str, float | str]]:
    """(part, metric, value) of every number or word, at whatever depth; the parts' names are joined by a space."""
    rows: list[tuple[str, str, float | str]] = []
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            rows += flat_metrics(value, f"{part} {name}".strip())
        elif isinstance(value, int | float | str):
            rows.append((part, str(name), value))
    return rows


def metrics_tables(metrics: Mapping[str, Any]) -> list[pd.DataFrame]:
    """The metrics in plain words, parts that measure the same side by side: columns metric, one a part, meaning.

    A part joins the first table that has a metric of its own; a metric that isn't known keeps its own name.
    """
    groups: list[tuple[list[str], dict[str, dict[str, str]]]] = []
    for part, metric, value in flat_metrics(metrics):
        title = PARTS.get(part, part.replace("_", " ") or "All")
        group = next((group for group in groups if title in group[0]), None)
        if group is None:
            own = {name for other, name, _ in flat_metrics(metrics) if other == part}
            group = next((group for group in groups if own & group[1].keys()), None)
        if group is None:
            groups.append(group := ([], {}))
        if title not in group[0]:
            group[0].append(title)
        group[1].setdefault(metric, {})[title] = _number_text(value)
    tables = []
    for titles, values in groups:
        rows = []
        for metric, by_part in values.items():
            label, meaning = MEANINGS.get(metric, (metric.replace("_", " "), ""))
            rows.append((label, *(by_part.get(title, "") for title in titles), meaning))
        tables.append(pd.DataFrame(rows, columns=["metric", *(f"part {title}" for title in titles), "meaning"]))
    return tables


def _number_text(value: float | str) -> str:
    if isinstance(value, str | bool):
        return str(value)
    whole = isinstance(value, int) or (isfinite(value) and value == int(value) and abs(value) >= 10)
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
        ("Trained on", _counted(data), "The dataset that it learned from"),
        ("Trained with", str(description.get("trained_on", "not said")), "The device"),
        ("Catalogue", f"{model['item_count']:,} items in {model['category_count']:,} categories", "What it predicts"),
        ("Reads", f"the last {model['max_length']:,} interactions", "Older ones are left out"),
        ("Embedding", f"{size} numbers an item", f"{model['item_size']} of its own and {model['category_size']} of its "
         "category"),
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
        ("Learning rate", f"{training['learning_rate']:g}", "AdamW, with batches of "
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
    "without_query": "even: the surroundings cancel, as Equation 8 is printed",
}
FLATTEN = {"time": "by their mean place in the history", "index": "by their number, as in the paper"}
POSITION = {
    "recency": "learned, by steps ago",
    "message": "learned, by steps ago; γ doesn't see it",
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


def _counted(data: Mapping[str, Any]) -> str:
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
    """The users whose next item ranks; those of the test period alone where there are any."""
    ranked = frame[np.isfinite(frame["next_rank"].to_numpy(dtype=np.float64))]
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
        "catalogue. Hit@10: share of users whose next item ranks in the top 10."
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
