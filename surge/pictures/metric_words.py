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
        "How far the chances of the ten best items lie from the share that came true; 0 % is perfect",
    ),
    "calibration_error_first": ("The same of the best item alone", "The item that is ranked first"),
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
    "importance": "by importance",
    "attention": "by attention received",
    "leave_one_out": "by measured effect",
    "integrated_gradients": "by integrated gradients",
    "random": "in random order",
}
MEANINGS |= {
    f"{kind}_{name}": (f"{label} {word}", meaning)
    for kind, label, meaning in (
        ("deletion_area", "Lift as items are deleted", "Mean along the way; lower: the first ones mattered"),
        ("deletion_gain", "Deletion", "The lift against that in random order; ÷2.0 halves it, and is better than ÷1.5"),
        ("insertion_area", "Lift as items are inserted", "Mean along the way; higher: the first ones mattered"),
        ("insertion_gain", "Insertion", "The lift against that in random order; ×2.0 doubles it"),
    )
    for name, word in ORDERS.items()
}
ABOUT = (
    "Read from the checkpoint's own files, written when it was trained or last evaluated; nothing is measured now. "
    "Ranks among all items say what a recommendation is worth; lists of drawn items, as in the paper, hold few rivals "
    "and look better. Validation decided when training stopped, so the test figures are the honest ones. The lift is "
    "how many times as likely an item is for this user as by popularity alone; × and ÷ say what multiplies it. "
    "Simulated data bring a truth to compare with."
)
AMONG_ALL = (
    "catalogue_hr@10", "catalogue_ndcg@10", "catalogue_median_rank", "calibration_error", "calibration_error_first",
)  # fmt: skip
AMONG_DRAWN = ("auc", "gauc", "list_auc", "mrr", "ndcg@2", "ndcg@10", "hr@10")
TOLD = (
    "catalogue_instances", "users_without_last", "instances", "negatives", "fewest_negatives", "positives", *LEFT_OUT,
    "cold_positives",
)  # fmt: skip
