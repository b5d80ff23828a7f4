"""Do a checkpoint's explanations mean something: figures computed from explanation records.

Structure says whether there is anything to explain (collapsed pooling and flat attention are pointless);
truth, on simulated data alone, says whether it is right; faithfulness says whether the candidate's lift depends on the
items that an explanation names; purity stands in for truth where there is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.evaluation.evaluate import evaluate_split
from surge.explanation.explain import explain_history
from surge.explanation.faithfulness import measure_faithfulness
from surge.explanation.ground_truth import truth
from surge.explanation.history import TitledHistory, read_history
from surge.explanation.leave_one_out import measure_effects
from surge.explanation.measurements import Faithfulness
from surge.explanation.ranking import rank_catalogue
from surge.explanation.record import Explanation
from surge.explanation.structure import (
    assignment_entropy,
    attention_distance,
    effective_clusters,
    has_attention,
    has_clusters,
    has_importance,
    order_time_correlation,
)

OTHER_CANDIDATE = 50  # rank of the candidate that the top one is compared with
RANDOM = "random"


def structure(first: Explanation, second: Explanation) -> dict[str, float]:
    """Figures of one history read with two candidates; those that the model or the history can't show are absent."""
    n = first.length
    figures = {"edges_per_item": float((first.graph_construction.adjacency.sum() - n) / n)}
    if has_attention(first) and figures["edges_per_item"] > 0:
        one, other = first.interest_fusion.attention, second.interest_fusion.attention
        figures["attention_distance_from_uniform"] = attention_distance(first)
        figures["attention_change_between_candidates"] = _mean_variation(one, other)
    if has_clusters(first):
        one, other = first.interest_extraction.assignment, second.interest_extraction.assignment
        figures["effective_clusters"] = effective_clusters(first)
        figures["assignment_entropy"] = assignment_entropy(first)
        figures["assignment_change_between_candidates"] = _mean_variation(one, other)
        correlation = order_time_correlation(first)
        if correlation is not None:
            figures["order_time_correlation"] = correlation
    return figures


def _mean_variation(first: np.ndarray, second: np.ndarray) -> float:
    """Total variation between rows of probabilities, mean over the rows."""
    return float(0.5 * np.abs(first - second).sum(-1).mean())


# -- without truth: categories ------------------------------------------------------------------------


def category_purity(record: Explanation, seed: int = 0) -> dict[str, float]:
    """How far items of one cluster are of one category, beside k-means; empty without clusters or categories.

    category_purity = sum over clusters of the number of items of its commonest category, by the number of items
    that have a category. Clusters are the first choices of S; "Action|Comedy" counts as "Action".
    category_purity_kmeans: the same for k-means on the items' embeddings h, with as many clusters as the history
    uses (or as it has distinct items, if those are fewer), so that purity by number alone favours neither. A part of h
    is the embedding of the category itself, which gives it away; category_purity_kmeans_own does without that part.
    """
    categories = [item.category.split("|")[0] if item.category else None for item in record.history]
    if not has_clusters(record) or not any(categories):
        return {}
    clusters = record.interest_extraction.first_choices()
    embedded = record.embeddings.history.astype(np.float64)

    def grouped(points: np.ndarray) -> np.ndarray:
        count = min(len(np.unique(clusters)), len(np.unique(points, axis=0)))
        return KMeans(count, n_init=3, random_state=seed).fit(points).labels_

    figures = {
        "category_purity": _purity(clusters, categories),
        "category_purity_kmeans": _purity(grouped(embedded), categories),
    }
    own = int(record.model.get("item_size", embedded.shape[1]))
    if own < embedded.shape[1]:
        figures["category_purity_kmeans_own"] = _purity(grouped(embedded[:, :own]), categories)
    return figures


def _purity(clusters: np.ndarray, categories: Sequence[str | None]) -> float:
    pairs = Counter((cluster, name) for cluster, name in zip(clusters.tolist(), categories, strict=True) if name)
    commonest: dict[int, int] = {}
    for (cluster, _), number in pairs.items():
        commonest[cluster] = max(number, commonest.get(cluster, 0))
    return sum(commonest.values()) / pairs.total()


# -- faithfulness -------------------------------------------------------------------------------------


def faithfulness_areas(measured: Faithfulness, names: Sequence[str]) -> dict[str, float]:
    """Areas under the deletion and insertion curves of these attributions, and what each gains on random orders.

    deletion_gain = random's area - its area; insertion_gain = its area - random's: above 0 the items that it names
    first matter more than any.
    """
    deletion, insertion = measured.random_deletion.mean(axis=0), measured.random_insertion.mean(axis=0)
    random_deletion, random_insertion = measured.area(deletion), measured.area(insertion)
    figures = {f"deletion_area_{RANDOM}": random_deletion, f"insertion_area_{RANDOM}": random_insertion}
    for name in names:
        deleted, inserted = measured.area(measured.deletion[name]), measured.area(measured.insertion[name])
        key = name.replace("-", "_").replace(" ", "_")
        figures |= {
            f"deletion_area_{key}": deleted,
            f"deletion_gain_{key}": random_deletion - deleted,
            f"insertion_area_{key}": inserted,
            f"insertion_gain_{key}": inserted - random_insertion,
        }
    return figures


def _faithfulness(checkpoint: Checkpoint, history: TitledHistory, record: Explanation, seed: int) -> dict[str, float]:
    """The areas of one reading, without attributions that the model does not have."""
    effects = measure_effects(checkpoint, history, record)
    measured = measure_faithfulness(checkpoint, history, record, effects, seed=seed)
    absent = {"importance": not has_importance(record), "attention": not has_attention(record)}
    return faithfulness_areas(measured, [name for name in measured.attributions if not absent.get(name)])


# -- a checkpoint -------------------------------------------------------------------------------------


def explanation_quality(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    users: int = 300,
    faithfulness_users: int = 40,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> dict[str, float]:
    """Mean figures over at most `users` users drawn with `seed`; `progress` is called with the share done.

    Each is the mean over the users that can show it, and absent where none can: users of whose items the model
    knows none, histories of one item, models without attention, candidate or pooling, data without truth or categories.

    users: how many were read. Of the top predicted item, some against the one at rank 50:
    - edges_per_item: to other items of the history
    - attention_distance_from_uniform, attention_change_between_candidates: total variation, 0 to 1
    - effective_clusters, assignment_entropy (0 crisp, 1 says nothing), assignment_change_between_candidates
    - order_time_correlation: of the order in which clusters are read with their time, see `structure`
    - category_purity, category_purity_kmeans, category_purity_kmeans_own: see `category_purity`

    Of the true next item, where the data carry the simulated interests:
    - true_interests: of the history; effective_clusters_ratio: effective clusters / true interests
    - nmi, ari: argmax S against the interests, over items that are not noise (adjusted for chance: ari);
      nmi_with_noise: noise counts as one more interest
    - importance_noise_auc, degree_noise_auc, noise_score_auc: how well low gamma, a low weighted degree and the
      record's noise score tell noise clicks
    - importance_interest_auc: how well high gamma tells the interest of the next item
    - attention_inside_interest: share of the attention of the items of that interest that stays inside it;
      uniform_inside_interest: the same if attention were uniform over the graph's neighbours

    Of the top predicted item of the first `faithfulness_users` of them that have two items or more
    (`faithfulness_users`: how many), X being importance, attention, leave_one_out or integrated_gradients:
    - deletion_area_X, insertion_area_X, and _random: area under the curve of the log of the lift, see
      `measure_faithfulness`
    - deletion_gain_X, insertion_gain_X: what X gains on random orders; more is more faithful
    - importance_share_of_leave_one_out: deletion_gain_importance / deletion_gain_leave_one_out, of the means

    A dataset of whose items the model knows none is a SurgeError.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(dataset.users))[:users].tolist()
    planned = min(faithfulness_users, len(chosen))  # each takes about as long again as the rest of a user
    collected: dict[str, list[float]] = {}
    read = tested = 0
    for done, index in enumerate(chosen, start=1):
        try:
            history = read_history(checkpoint, dataset, dataset.users[index])
        except SurgeError:  # a user of whose items the model knows none has no explanation
            continue
        best = rank_catalogue(checkpoint, history).top(OTHER_CANDIDATE)
        if best:
            first = explain_history(checkpoint, history, best[0].item)
            figures = structure(first, explain_history(checkpoint, history, best[-1].item))
            figures |= category_purity(first, seed) | _truth(checkpoint, dataset, history, first)
            read += 1
            if tested < planned and first.length > 1:
                figures |= _faithfulness(checkpoint, history, first, seed)
                tested += 1
            for name, value in figures.items():
                collected.setdefault(name, []).append(value)
        if progress:
            progress((done + tested) / (len(chosen) + planned))
    if not read:
        raise SurgeError("The checkpoint knows no item of any of these users' histories; give the dataset it fits.")
    if progress:
        progress(1.0)
    means = {name: float(np.mean(values)) for name, values in collected.items()}
    counts = {"users": float(read)} | ({"faithfulness_users": float(tested)} if tested else {})
    if "deletion_gain_importance" in means and means["deletion_gain_leave_one_out"] > 0:
        share = means["deletion_gain_importance"] / means["deletion_gain_leave_one_out"]
        means["importance_share_of_leave_one_out"] = share
    return counts | means


def _truth(checkpoint: Checkpoint, dataset: Dataset, history: TitledHistory, top: Explanation) -> dict[str, float]:
    """The figures against the truth of the reading of the true next item, or of the top one where that is unknown."""
    if history.interests is None:
        return {}
    followed = history.next_item
    if followed is None or followed.item not in checkpoint.rows:
        return truth(top, history.interests, None)
    interest = dataset.history(history.user)["interest"][-1]
    return truth(explain_history(checkpoint, history, followed.item), history.interests, interest)


def measure(
    checkpoint: Checkpoint, dataset: Dataset, progress: Callable[[float], None] | None = None
) -> dict[str, dict[str, Any]]:
    """All that a checkpoint's metrics.json says of its best weights: `test` (how well it predicts on the test split)
    and `explanation` (whether its explanations mean something; see `explanation_quality`)."""
    tell = progress or (lambda share: None)
    return {
        "test": evaluate_split(checkpoint, dataset, "test", lambda share: tell(share / 2)),
        "explanation": explanation_quality(
            checkpoint, dataset, seed=checkpoint.training_config.seed, progress=lambda share: tell(0.5 + share / 2)
        ),
    }
