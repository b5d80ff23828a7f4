"""The figures of whether a model's explanations say anything, and whether they are right."""

from math import inf

from surge.vocabulary.metric import Metric, Step

SHAPE = {
    "users": Metric("Users measured", "Drawn at random.", "integer"),
    "faithfulness_users": Metric(
        "Users whose items were deleted", "For the deletion and insertion figures; some of those drawn.", "integer"
    ),
    "edges_per_item": Metric("Edges per item", "Neighbours in the interest graph, the item itself not counted."),
    "effective_clusters": Metric(
        "Effective clusters",
        "How many equally large clusters would be as varied as those of a history (exp of the entropy of their "
        "shares); means little where S is nearly uniform. 1: all items share one.",
        "number", "low",
        (Step(-inf, "collapsed", "collapsed: nearly all items of a history share one cluster"), Step(1.5, "used")),
        ("more effective clusters than", "fewer effective clusters than"),
    ),
    "assignment_entropy": Metric(
        "Blur of the clusters",
        "How far items are spread over several clusters (entropy of S, as a share of the largest possible). 0 %: each "
        "item lies in one cluster. 100 %: each is spread evenly over all, and the clusters say nothing.",
        "percent", "high",
        (
            Step(-inf, "crisp", "crisp: each item lies mostly in one cluster"),
            Step(0.35, "soft", "soft: items are spread over clusters"),
            Step(0.75, "blurred", "nearly uniform: S says little"),
        ),
        ("clusters more blurred than for", "clusters less blurred than for"),
    ),
    "attention_distance": Metric(
        "Attention's distance from uniform",
        "How far attention is from listening to all neighbours alike (total variation). 0 %: it adds nothing.",
        "percent", "low",
        (Step(-inf, "flat", "flat: adds nothing to the graph"), Step(0.02, "sharp")),
        ("attention farther from uniform than for", "attention nearer to uniform than for"),
    ),
    "attention_change_between_candidates": Metric(
        "Attention's change between candidates",
        "How much attention differs between the items at rank 1 and at rank 50 (total variation). 0 %: not at all.",
        "percent", "low",
        (Step(-inf, "fixed", "hardly depends on the candidate"), Step(0.005, "moved")),
    ),
    "assignment_change_between_candidates": Metric(
        "Clusters' change between candidates",
        "How much the assignment S differs between the items at rank 1 and at rank 50. 0 %: not at all.",
        "percent",
    ),
    "order_time_correlation": Metric(
        "Reading order against time", "Rank correlation. 1: clusters are read in the order of their items."
    ),
    "category_purity": Metric(
        "Category purity of the clusters", "The share of items that have their cluster's commonest category.", "percent"
    ),
    "category_purity_kmeans": Metric(
        "Category purity of k-means", "The same for k-means on the items' embeddings, with as many clusters.", "percent"
    ),
    "category_purity_kmeans_own": Metric(
        "Category purity of k-means on the items' own part",
        "k-means without the part of the embedding that stands for the category.", "percent",
    ),
}  # fmt: skip
TRUTH = {
    "true_interests": Metric("True interests per history", "Simulated truth, noise not counted."),
    "effective_clusters_ratio": Metric("Effective clusters per true interest", "1: one cluster for each interest."),
    "nmi": Metric(
        "Clusters against true interests (NMI)", "1: the same groups. 0: unrelated. Noise is left out.", "number", "low"
    ),
    "nmi_with_noise": Metric(
        "Clusters against true interests and noise (NMI)", "Noise counts as an interest of its own.", "number", "low"
    ),
    "ari": Metric(
        "Clusters against true interests (ARI)", "1: the same groups. 0: as good as a random grouping.", "number", "low"
    ),
    "importance_noise_auc": Metric(
        "Low importance marks noise (AUC)", "Low γ against true noise clicks. 0.5: guessing.", "number", "low"
    ),
    "degree_noise_auc": Metric(
        "Few links mark noise (AUC)", "Low weighted degree against true noise clicks. 0.5: guessing.", "number", "low"
    ),
    "noise_score_auc": Metric(
        "Noise score marks noise (AUC)",
        "Clicks with no similar click nearby against true noise clicks. 0.5: guessing.", "number", "low",
    ),
    "importance_interest_auc": Metric(
        "High importance marks the interest (AUC)", "High γ against the candidate's true interest. 0.5: guessing.",
        "number", "low",
    ),
    "attention_inside_interest": Metric(
        "Attention inside the interest", "The share that stays in the candidate's true interest.", "percent", "low"
    ),
    "uniform_inside_interest": Metric(
        "Flat attention inside the interest", "The share that would stay there by the graph alone.", "percent"
    ),
}  # fmt: skip
# the ways to order the items of a history, by how much each is said to matter
ORDERS = {
    "leave-one-out": "measured effect",
    "importance": "importance γ",
    "attention": "attention received",
    "integrated gradients": "integrated gradients",
}


def _curves(suffix: str, words: str) -> dict[str, Metric]:
    """The deletion and insertion figures of one order of the items."""
    return {
        f"deletion_area_{suffix}": Metric(
            f"Lift as items are deleted {words}",
            f"Mean along the way, deleting {words}. Lower: the items deleted first mattered.", "log lift",
        ),
        f"deletion_gain_{suffix}": Metric(
            f"Deletion {words}",
            f"The lift, deleting {words}, compared with random order. ÷2.0 is half of it, and better than ÷1.5.",
            "loss", "low",
        ),
        f"insertion_area_{suffix}": Metric(
            f"Lift as items are inserted {words}",
            f"Mean along the way, inserting {words}. Higher: the items inserted first mattered.", "log lift",
        ),
        f"insertion_gain_{suffix}": Metric(
            f"Insertion {words}",
            f"The lift, inserting {words}, compared with random order. ×2.0 is twice it, and better than ×1.5.",
            "gain", "low",
        ),
    }  # fmt: skip


CURVES = _curves("random", "in random order")
for order, name in ORDERS.items():
    CURVES |= _curves(order.replace("-", "_").replace(" ", "_"), f"by {name}")
CURVES["importance_share_of_leave_one_out"] = Metric(
    "Importance against the measured effect", "Their gains at deletion, as a ratio of logarithms.", "number", "low"
)
# of two checkpoints
GROUPINGS = Metric(
    "Agreement of two groupings", "Normalised mutual information of the clusters; 1 is the same grouping.", "number",
    steps=(
        Step(-inf, "other", "they group the items differently"),
        Step(0.4, "alike", "they group the items alike in part"),
        Step(0.8, "same", "they group the items much alike"),
    ),
)  # fmt: skip
