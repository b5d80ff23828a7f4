"""The metrics of metrics.json in words: what each is called and says, and which of them belong together."""

from __future__ import annotations

from surge.evaluation.words import LEFT_OUT

PARTS = {"validation": "Validation", "test": "Test", "explanation": "Explanations"}
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
TOLD = (
    "catalogue_instances", "users_without_last", "instances", "negatives", "fewest_negatives", "positives", *LEFT_OUT,
    "cold_positives",
)  # fmt: skip
