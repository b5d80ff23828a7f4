"""The map of a survey: two coordinates a user, from the mean embedding of each history."""

from __future__ import annotations

import numpy as np

from surge.errors import SurgeError

Array = np.ndarray
METHODS = ("pca", "umap")


def check_method(method: str) -> None:
    """A SurgeError unless the map can be made this way here; asked before the work."""
    if method not in METHODS:
        raise SurgeError(f"The map is made by {' or '.join(METHODS)}, not by {method!r}.")
    if method == "umap":
        try:
            import umap  # noqa: F401
        except ImportError as error:
            raise SurgeError(
                "A map by umap needs the package umap-learn, which is not installed: pip install umap-learn, or take "
                "pca, which needs nothing."
            ) from error


def place(vectors: Array, method: str = "pca", seed: int = 0) -> Array:
    """Two coordinates a user (users x 2) of vectors (users x d).

    pca: the two directions of largest variance, each signed so that its largest weight is positive. umap: neighbours
    stay neighbours, and `seed` decides what it looks like.
    """
    vectors = vectors.astype(np.float64)
    if method == "umap":
        import umap

        reducer = umap.UMAP(n_neighbors=max(2, min(15, len(vectors) - 1)), random_state=seed, n_jobs=1)
        return np.asarray(reducer.fit_transform(vectors), dtype=np.float64)
    from sklearn.decomposition import PCA

    places = np.zeros((len(vectors), 2))
    if (vectors != vectors[0]).any():  # alike, they have no direction
        axes = PCA(min(2, *vectors.shape), svd_solver="full").fit(vectors)
        largest = np.abs(axes.components_).argmax(axis=1)
        sign = np.sign(axes.components_[np.arange(len(largest)), largest])
        places[:, : len(sign)] = axes.transform(vectors) * sign
    return places
