"""Whether a probability can be taken at its word: how often what is held for so likely really comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 10
TEMPERATURES = 2.0 ** (np.arange(-16, 33) / 8)  # 0.25 to 16, the 1 among them exactly
CALIBRATED = 0.01  # an expected calibration error up to which no temperature is needed
SURE = 2.0  # standard errors by which a temperature must be likelier than none


@dataclass(frozen=True)
class Reliability:
    """Predictions sorted by their probability, in bins of equal numbers: of each bin the mean probability (b), the
    share that came true (b), and how many predictions it holds (b)."""

    probability: np.ndarray
    share: np.ndarray
    count: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: sum over bins of count / all * |share - probability| (Guo et al., ICML 2017,
        there with bins of equal width)."""
        return float((np.abs(self.share - self.probability) * self.count).sum() / self.count.sum())


def reliability(probability: np.ndarray, came: np.ndarray, bins: int = BINS) -> Reliability:
    """The bins of predictions: probability and whether it came true, of one shape. Fewer predictions than bins make
    fewer bins; none are a ValueError."""
    probability, came = np.ravel(probability).astype(np.float64), np.ravel(came).astype(np.float64)
    if not len(probability):
        raise ValueError("no prediction has no reliability")
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return Reliability(
        np.array([probability[part].mean() for part in parts]),
        np.array([came[part].mean() for part in parts]),
        np.array([len(part) for part in parts]),
    )


def log_normaliser(scores: np.ndarray, temperatures: np.ndarray) -> np.ndarray:
    """log sum_t exp(score_t / T) over the items (items) for each temperature T (g); -inf leaves an item out."""
    highest = scores.max()
    return highest / temperatures + np.log(np.exp((scores - highest) / temperatures[:, None]).sum(1))


def best_temperature(own: np.ndarray, normaliser: np.ndarray, temperatures: np.ndarray = TEMPERATURES) -> float:
    """The temperature under which what came next was likeliest: the largest mean over k of
    own_k / T - normaliser_kT (temperature scaling, Guo et al., ICML 2017). own (k), normaliser (k, g).

    1 where it is no likelier than 1 by SURE standard errors of the difference: a few positives tell nothing.
    """
    likely = own[:, None] / temperatures - normaliser
    best = int(np.argmax(likely.mean(0)))
    gain = likely[:, best] - likely[:, int(np.flatnonzero(temperatures == 1.0)[0])]
    error = float(gain.std(ddof=1)) / len(gain) ** 0.5 if len(gain) > 1 else np.inf
    return float(temperatures[best]) if gain.mean() > SURE * error else 1.0
