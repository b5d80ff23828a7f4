"""Whether the ONNX model gives the model's own numbers: both score made-up histories, awkward ones among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surge.checkpoint import Checkpoint
from surge.data.history import Histories, History
from surge.deployment.onnx_model import NOTHING, fixed_length, inputs_of, open_session, run
from surge.errors import SurgeError
from surge.model.age import AGES
from surge.model.batches import read_batch

TOLERANCE = 1e-4  # of a logit, or this share of a large one
CANDIDATES = 40  # of a history
LONGEST = 200  # items of the histories that are read together; one is as long as any may be
NOW = 2.0e9


def check_onnx(checkpoint: Checkpoint, path: Path) -> dict[str, Any]:
    """Readings, the largest difference of a logit, and what was tolerated.

    A SurgeError where onnxruntime can't run the file, or gives other numbers.
    """
    rng = np.random.default_rng(0)
    longest = checkpoint.model_config.max_length
    batches = [
        (batch, CANDIDATES) for batch in _batches(min(longest, LONGEST), checkpoint.model_config.item_count, rng)
    ]
    batches.append(([_history(rng.integers(checkpoint.model_config.item_count, size=longest), rng)], 1))
    readings, largest = 0, 0.0
    try:
        session = open_session(path)
        for histories, count in batches:
            candidates = _candidates(histories, count, checkpoint.model_config.item_count, rng)
            given, expected = both_sides(checkpoint, histories, candidates)
            logits, scores = run(session, given)
            difference = np.abs(logits - expected) / np.maximum(1, np.abs(expected))
            ranked = np.abs(scores - logits - checkpoint.catalogue.log_popularity[candidates])
            largest = max(largest, float(np.max(difference)), float(np.max(ranked)))
            readings += candidates.size
    except Exception as error:  # whatever onnxruntime raises
        if isinstance(error, (MemoryError, OSError)):
            raise
        raise SurgeError(f"onnxruntime can't run it ({' '.join(str(error).split())})") from error
    if not largest <= TOLERANCE:  # NaN is none either
        raise SurgeError(
            f"onnxruntime's logits differ from the model's own by up to {largest:.2g}, more than {TOLERANCE:g}"
        )
    return {"readings": readings, "largest_difference": largest, "tolerance": TOLERANCE}


def both_sides(
    checkpoint: Checkpoint, histories: Sequence[History], candidates: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What the ONNX model is given for histories and candidates (B, T), and the model's own logits (B, T)."""
    sequences, context = read_batch(Histories.of(histories))
    with torch.inference_mode():
        logits = checkpoint.model(sequences, torch.from_numpy(candidates), context)
    mask = sequences.mask.numpy()
    items = np.where(mask, sequences.items.numpy(), NOTHING)
    ages = np.where(mask, context.ages().numpy(), np.nan)
    length = fixed_length(checkpoint.model)
    if length is not None:
        missing = ((0, 0), (0, length - items.shape[1]))
        items, ages = np.pad(items, missing, constant_values=NOTHING), np.pad(ages, missing, constant_values=np.nan)
    given = {"history": items, "candidates": candidates, "ages": ages}
    return {name: given[name] for name in inputs_of(checkpoint.model)}, logits.numpy()


def _batches(longest: int, items: int, rng: np.random.Generator) -> list[list[History]]:
    """Histories of one item and of many, full ones and padded ones; one item repeated, and two in turn; taken at one
    moment, in the future, at no known time, and at the edges of `age_bucket`."""
    lengths = [1, min(2, longest), (longest + 1) // 2, longest]
    drawn = [rng.integers(items, size=length) for length in lengths]
    once = [_history(rows, rng) for rows in drawn]
    awkward = [
        _history(np.full(longest, drawn[0][0]), rng),
        _history(np.resize(drawn[1], longest), rng),
        History(drawn[3], np.full(longest, NOW - 7), now=NOW),
        History(drawn[3], np.full(longest, NOW + 7), now=NOW),
        History.made_up(drawn[2]),
        History(np.resize(drawn[3], AGES)[-longest:], (NOW + 1 - 2.0 ** np.arange(AGES))[::-1][-longest:], now=NOW),
    ]
    return [once, awkward, [once[0]], [once[2], awkward[0]]]


def _history(rows: np.ndarray, rng: np.random.Generator) -> History:
    ages = np.sort(np.floor(2.0 ** rng.uniform(0, AGES, size=len(rows))))[::-1]
    return History(rows, NOW - ages, now=NOW)


def _candidates(histories: Sequence[History], count: int, items: int, rng: np.random.Generator) -> np.ndarray:
    """Rows (B, count) at random; the first one of several is of the history itself, and stands there twice."""
    rows = rng.integers(items, size=(len(histories), count))
    if count > 1:
        rows[:, :2] = [[history.rows[-1]] for history in histories]
    return rows
