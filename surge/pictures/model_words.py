"""The pictures of the model's page in words: reliability, training, use of the clusters, metric weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surge.pictures.cluster_usage import MOST_BARS
from surge.pictures.metric_weights import MOST_HEADS, PARTS, item_share
from surge.pictures.reliability import SPLITS, Bins
from surge.pictures.text import count, lower_first
from surge.pictures.training_curves import loss_series
from surge.vocabulary import METRICS
from surge.vocabulary.amounts import chance, number_in, percent, two_digits
from surge.vocabulary.prediction import series

ABOUT_RELIABILITY = (
    "When the model says that an item has a chance of 2 % to be the next, do 2 of 100 such items really come next? The "
    "ten best items of every user are sorted by their chances into ten groups of equal size. A dot is a group: its "
    "mean chance, and how many of its items came next. On the dashed line the chances are right; above it the model is "
    "too modest, below it promises too much. The line through a dot: where luck may move it."
)
ERROR = lower_first(METRICS["calibration_error"].name)
ABOUT_TRAINING = (
    "A training goes through its data in epochs and is measured after each. Losses are errors on the training data: "
    "lower is better. The prediction error is the paper's Equation 18; the others are its Equations 12 to 14 and the "
    "use of clusters, which keep the interest clusters meaningful. Validation metrics are measured on later "
    "interactions that were not learned from: higher is better. The kept model is that of the best epoch. "
    "Every panel has a scale of its own, which need not begin at 0."
)
ABOUT_USAGE = (
    "The model has a fixed number of interest clusters, shared by all users: a cluster means the same for everybody. "
    "Every item of a history is spread softly over them (the paper's Equations 9 to 11). A bar is the share of a "
    "user's history that belongs to the cluster, averaged over the users drawn; all bars add up to 100 %. Names are "
    "the commonest categories of the items that lie mostly in the cluster; the model doesn't know these names. Each "
    "user's last item was the candidate."
)
ABOUT_WEIGHTS = (
    "Two items are alike in the interest graph when their embeddings point the same way after each number was "
    "multiplied by a learned weight (the paper's Equations 1 and 2, one panel a metric head; the heads are averaged). "
    "Squared weights are what the cosine adds up, so they are drawn: as a multiple of an equal share, 1× counts as "
    "much as the average number. How large the embeddings themselves are counts too, and is left out here."
)


def reliability_sentence(bins: Bins) -> str:
    """What was promised and what came, how far the two differ, and whether the chances were softened."""
    first = "" if bins.error_first is None else f"; for the best item alone, {_points(bins.error_first)}"
    parts = [
        f"The ten best items of a user were given a chance of {chance(bins.held)} each, on average, and "
        f"{chance(bins.came)} of them came next.",
        f"Within a group the two differ by {_points(bins.error)} on average (the {ERROR}){first}.",
    ]
    if bins.temperature != 1:
        made = "softened" if bins.temperature > 1 else "sharpened"
        parts.append(
            f"The chances are {made}: scores are divided by a temperature of {two_digits(bins.temperature)}, chosen "
            "on the validation split."
        )
    return " ".join(parts)


def _points(share: float) -> str:
    if 0 < share < 0.0001:
        return "under 0.01 percentage points"
    return f"{two_digits(100 * share)} percentage points"


def reliability_caption(bins: Bins) -> str:
    """What was measured, and how it is drawn."""
    whose = f" of {count(bins.users, 'user')}" if bins.users else ""
    fewest, most = min(bins.number), max(bins.number)
    size = f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"
    parts = [
        f"{SPLITS[bins.split]}: {count(sum(bins.number), 'prediction')}{whose} in {count(len(bins.number), 'group')} "
        f"of {size}. Dashed: as promised. Both scales are logarithmic. The line through a dot: where its share may lie "
        "by luck alone, in 19 of 20 cases."
    ]
    if not all(bins.share):
        parts.append("Open triangles: none of the group came next.")
    if bins.split == "validation":
        parts.append("The validation split also decided when training stopped, and the temperature.")
    return " ".join(parts)


def training_caption(
    history: Sequence[Mapping[str, Any]],
    *,
    best_epoch: int | None = None,
    weights: Mapping[str, float] | None = None,
) -> str:
    """How long the training was, which epoch was kept, and which terms were only watched."""
    epochs = [record for record in history if isinstance(record, Mapping)]
    seconds = [value for record in epochs if (value := number_in(record.get("seconds"))) is not None]
    parts = [f"{count(len(epochs), 'epoch')}" + (f" in {_duration(sum(seconds))}." if seconds else ".")]
    measure = f"on validation ({METRICS['gauc'].name})"
    if best_epoch == 0:
        parts.append(f"No epoch was better {measure} than the checkpoint that it started from: its weights were kept.")
    elif best_epoch is not None:
        parts.append(f"The diamond marks epoch {best_epoch}, the best {measure}, whose weights were kept.")
    watched = [
        lower_first(series(name).name) for name in loss_series(history) if (weights or {}).get(f"{name}_weight") == 0
    ]
    if watched:
        verb = "was" if len(watched) == 1 else "were"
        parts.append(f"With weight 0, {' and '.join(watched)} {verb} only watched, not minimised.")
    return " ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def usage_caption(mass: np.ndarray, users: int, items: int) -> str:
    """How many users and items were read, how even the use is, and which clusters are idle."""
    positive = mass[mass > 0]
    effective = float(np.exp(-(positive * np.log(positive)).sum()))
    idle = int((mass < 0.1 / len(mass)).sum())
    rest = f" The {MOST_BARS} largest are drawn." if len(mass) > MOST_BARS else ""
    return (
        f"{count(len(mass), 'cluster')} over {count(users, 'user')} and {count(items, 'item')} of their histories; "
        f"their use is as even as that of {effective:.1f} equal clusters. Dashed: an even share; {idle or 'none'} of "
        f"them {'has' if idle in (0, 1) else 'have'} less than a tenth of it. "
        f"The number after a name is the number of the cluster.{rest}"
    )


def weights_sentence(weights: np.ndarray, item_size: int) -> str:
    """Which part of the embedding the metric uses most, for its size."""
    size = weights.shape[1]
    if item_size >= size:
        return "The embedding has no category part: the metric compares the items' own numbers alone."
    share, even = item_share(weights, item_size), item_size / size
    by_size = share / even, (1 - share) / (1 - even)
    more = int(by_size[1] > by_size[0])
    if max(by_size) < 1.05 * min(by_size):
        verdict = "It uses both parts about as much as their sizes suggest"
    else:
        verdict = (
            f"For its size, the {PARTS[more]} part counts more: {max(by_size):.1f}× an equal share against "
            f"{min(by_size):.1f}×"
        )
    return (
        f"The item part holds {percent(share)} of the squared weights with {percent(even)} of the numbers, the "
        f"category part {percent(1 - share)} with {percent(1 - even)}. {verdict}."
    )


def weights_caption(weights: np.ndarray) -> str:
    """What is drawn, and what is left out."""
    heads, size = weights.shape
    rest = f" The first {MOST_HEADS} of {heads} metric heads are drawn." if heads > MOST_HEADS else ""
    return (
        f"Squared weights of {count(heads, 'metric head')} over the {size} numbers of an embedding, as multiples of an "
        f"equal share.{rest}"
    )
