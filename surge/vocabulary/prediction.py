"""The figures of how well a model predicts, what was counted for them, and the losses of its training."""

from surge.vocabulary.metric import Metric

DRAWN = {
    "auc": Metric("AUC", "How often a true next item scores above a drawn other item. 0.5: guessing.", "score", "low"),
    "gauc": Metric("GAUC", "The AUC within each user, weighted by the user's clicks.", "score", "low"),
    "list_auc": Metric(
        "Mean AUC of lists", "The AUC within each list of one true and several drawn items.", "score", "low"
    ),
    "one_negative_gauc": Metric(
        "GAUC against one negative", "The GAUC with one drawn item a list, as the paper measures short videos.",
        "score", "low",
    ),
    "mrr": Metric("MRR", "Mean of 1 / rank of the true next item in its list. 1: perfect.", "score", "low"),
    "ndcg@2": Metric("NDCG@2", "Credit for a rank of 1 or 2 in the list, more for 1.", "score", "low"),
    "ndcg@10": Metric("NDCG@10", "Credit for a rank from 1 to 10 in the list, more for higher ones.", "score", "low"),
    "hr@10": Metric("HR@10", "Hit rate: the share of lists whose true item ranks in the top 10.", "score", "low"),
}  # fmt: skip
AMONG_ALL = {
    "catalogue_hr@10": Metric(
        "HR@10 among all items", "Hit rate: the share of true next items in the top 10 of all items.", "score", "low"
    ),
    "catalogue_ndcg@10": Metric(
        "NDCG@10 among all items", "Credit for a rank from 1 to 10 among all items, more for higher ones.",
        "score", "low",
    ),
    "catalogue_mrr": Metric(
        "MRR among all items", "Mean of 1 / rank of the true next item among all items. 1: perfect.", "score", "low"
    ),
    "catalogue_median_rank": Metric(
        "Median rank among all items", "Half of the true next items rank higher. 1: best.", "integer", "high"
    ),
    "calibration_error": Metric(
        "Expected calibration error",
        "How far the chances of the ten best items lie from the share that came next, in percentage points. 0 %: they "
        "can be taken at their word.",
        "chance", "high",
    ),
    "calibration_error_first": Metric(
        "Calibration error of the best item", "The same distance for the item that is ranked first alone.",
        "chance", "high",
    ),
}  # fmt: skip
# counts of a split that stand in sentences; of true next items that it left out, `says` ends "12 true next items ..."
LEFT_OUT = {
    "unknown_positives": Metric("Unknown true items", "of items that the model doesn't know", "integer"),
    "positives_without_history": Metric("True items without history", "with no known item before them", "integer"),
    "positives_without_negatives": Metric(
        "True items without others", "of users who took all other items before", "integer"
    ),
}
TOLD = {
    "instances": Metric("Lists", "Lists of one true and several drawn items.", "integer"),
    "negatives": Metric("Drawn items in a list", "In the longest list.", "integer"),
    "fewest_negatives": Metric("Fewest drawn items in a list", "In the shortest list.", "integer"),
    "lists_left_out": Metric("Lists left out", "Lists of your own that the model can't measure.", "integer"),
    **{
        f"{split}_positives": Metric(
            f"True items of the {words} split", f"Of your own lists: in the {words} split of the dataset.", "integer"
        )
        for split, words in (("train", "training"), ("valid", "validation"), ("test", "test"))
    },
    "short_lists": Metric("Short lists", "Of at most ten candidates: HR@10 is 1 there for any model.", "integer"),
    "taken_negatives": Metric(
        "Other items taken before", "By the user of their list, who is not recommended them.", "integer"
    ),
    "trained_positives": Metric("True items trained on", "Of your own lists: the model learned from them.", "integer"),
    "unknown_negatives": Metric("Unknown other items", "Left out of the lists that hold them.", "integer"),
    "catalogue_instances": Metric("True items ranked", "Among all items: each user's last, or all.", "integer"),
    "users_without_last": Metric("Users not ranked", "Users whose last item can't be ranked.", "integer"),
    "positives": Metric("True next items", "All of the split, those that were left out among them.", "integer"),
    **LEFT_OUT,
    "cold_positives": Metric("Cold true items", "True next items that were never one in training.", "integer"),
    "reliability_probability": Metric("Chance given", "Mean chance of each group of predictions.", "chance"),
    "reliability_share": Metric("Share that came next", "Of each group of predictions.", "chance"),
    "reliability_count": Metric("Predictions", "In each group, from the least likely to the likeliest.", "integer"),
}
# the terms of what training minimises: named as in history.json, and weighed by the setting NAME_weight
LOSSES: dict[str, Metric] = {
    "total": Metric(
        "Total loss", "What a step minimises: the other terms but L2, each by its weight.", "score", "high"
    ),
    "log_loss": Metric("Prediction error (log loss)", "Equation 18 of the paper.", "score", "high"),
    "balance": Metric("Uneven use of clusters (L_B)", "0: all clusters are used alike.", "score", "high"),
    "single_affiliation": Metric("Blur of the clusters (L_A)", "Equation 13 of the paper.", "score", "high"),
    "same_mapping": Metric("Neighbours kept apart (L_M)", "Equation 12 of the paper.", "score", "high"),
    "relative_position": Metric("Clusters out of time order (L_P)", "Equation 14 of the paper.", "score", "high"),
    "next_item": Metric("Next items not recognised (L_N)", "Of the layer that learns what follows.", "score", "high"),
    "l2": Metric(
        "Size of the weights (L2)",
        "Their squares, added up, times the weight of L2; not a part of the total.",
        "score",
        "high",
    ),
}
VALIDATION = "valid_"  # before the name of a metric in history.json


def series(name: str) -> Metric:
    """The loss term or validation metric of a training; one that isn't known keeps its own name."""
    bare = name.removeprefix(VALIDATION)
    if name == bare:
        return LOSSES.get(name) or Metric(bare.replace("_", " "), "", "score", "high")
    return DRAWN.get(bare) or Metric(bare.replace("_", " "), "", "score", "low")
