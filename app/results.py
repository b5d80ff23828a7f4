"""What the app computes for one history, kept for all visitors. Nothing here but a spinner needs a page: downloads run
without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.background import SCORINGS, Progress, computed, with_spinner
from app.cache import CACHE
from app.opening import with_model
from app.subjects import Subject, subject
from app.surveys import LEAST_ITEMS, shows_much
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.explanation.drift import measure_drift
from surge.explanation.explain import candidate_row, explain_history
from surge.explanation.faithfulness import measure_faithfulness
from surge.explanation.leave_one_out import measure_competitors, measure_effects
from surge.explanation.measurements import Drift, Effects, Faithfulness
from surge.explanation.ranking import Ranking, rank_catalogue
from surge.explanation.record import Explanation
from surge.explanation.search import TYPICAL, Found, find_best

TELLING_USERS = 12  # histories that are ranked, at most, to find one to open with
Made = TypeVar("Made")


def ranking(subject: Subject) -> Ranking | None:
    """Every item of the catalogue, scored; None where that takes long and hasn't been done: see `start_scoring`."""
    if not subject.at_once(subject.checkpoint.model_config.item_count):
        return SCORINGS.result(subject.key)
    return CACHE.get("ranking", subject.key, lambda: rank_catalogue(with_model(subject.checkpoint), subject.history))


def best(subject: Subject) -> Ranking | Found | None:
    """The best items: of every item scored, else what a search finds that reads a part; None where that takes long."""
    ranked = ranking(subject)
    if ranked is not None or not subject.at_once(TYPICAL):
        return ranked
    return CACHE.get("found", subject.key, lambda: find_best(with_model(subject.checkpoint), subject.history))


def explanation(subject: Subject, candidate: str) -> Explanation:
    """Everything that the model computed for a history and a candidate."""
    ranked = ranking(subject)
    return CACHE.get(
        "explanation",
        (subject.key, candidate, ranked is not None),
        lambda: explain_history(with_model(subject.checkpoint), subject.history, candidate, ranked),
    )


def chance(subject: Subject, record: Explanation) -> tuple[float, bool] | None:
    """How likely the candidate is to be the next of all items (or would be: see `Prediction`), and whether that is an
    estimate, as where only a search was made; None where neither was, or nothing is left to be next."""
    if record.prediction.next_probability is not None:
        return record.prediction.next_probability, False
    known = best(subject)
    if not isinstance(known, Found) or not known.size:
        return None
    row = candidate_row(subject.checkpoint, record.target.item)
    likely = float(known.next_probability(row, record.prediction.logit))
    if record.prediction.left_out:
        likely /= 1 + likely  # beside those that can be recommended
    return min(likely, 1.0), known.about


def effects(subject: Subject, candidate: str, progress: Progress | None = None) -> Effects:
    """What the candidate's lift becomes without each item and each cluster; with a `progress` see `computed`."""
    ranked = ranking(subject)

    def measure(progress: Progress | None) -> Effects:
        checkpoint, others = with_model(subject.checkpoint), None
        if ranked is not None:
            # without items alone, which is the same for all candidates: without their clusters is scored on the way
            others = CACHE.get(
                "competitors", subject.key, lambda: measure_competitors(checkpoint, subject.history, None, ranked)
            )
        return measure_effects(
            checkpoint, subject.history, explanation(subject, candidate), ranked, others, progress=progress
        )

    return computed("effects", (subject.key, candidate, ranked is not None), measure, progress)


def faithfulness(subject: Subject, candidate: str, progress: Progress | None = None) -> Faithfulness:
    """Deletion and insertion curves; with a `progress` see `computed`."""
    return computed(
        "faithfulness",
        (subject.key, candidate),
        lambda progress: measure_faithfulness(
            with_model(subject.checkpoint),
            subject.history,
            explanation(subject, candidate),
            effects(subject, candidate),
            progress=progress,
        ),
        progress,
    )


def drift(subject: Subject, candidate: str, progress: Progress | None = None) -> Drift:
    """How the graph and the candidate's rank grew with the history; no ranks before a large catalogue is scored. With a
    `progress` see `computed`."""
    ranked = ranking(subject)
    return computed(
        "drift",
        (subject.key, candidate, ranked is not None),
        lambda progress: measure_drift(
            with_model(subject.checkpoint),
            subject.history,
            explanation(subject, candidate),
            ranks=ranked is not None,
            ranking=ranked,
            progress=progress,
        ),
        progress,
    )


def figure(key: tuple[Any, ...], build: Callable[[], Made]) -> Made:
    """A picture that is drawn again unchanged when only the selection changes; `key` names all that it shows."""
    return CACHE.get("figure", key, build)


def telling_user(checkpoint: Checkpoint, dataset: Dataset) -> str | None:
    """A user to open with where no survey names one: of a few, the first with much to see (`shows_much`) whose history
    doesn't hold the top prediction already.

    Else the one of them whose next item ranks best; None where the checkpoint knows no item of any of them.
    """
    key = (checkpoint.digest, dataset.digest)
    return with_spinner(
        "telling user", key, lambda: _telling_user(checkpoint, dataset), "Looking for a user to open with …"
    )


def _telling_user(checkpoint: Checkpoint, dataset: Dataset) -> str | None:
    users = dataset.users
    best, best_rank = None, checkpoint.model_config.item_count + 1
    for user in users[:: max(1, len(users) // TELLING_USERS)][:TELLING_USERS]:
        try:
            found = subject(checkpoint, dataset, user)
        except SurgeError:
            continue
        best = best or user
        history = found.history
        row = checkpoint.rows.get(history.next_item.item) if history.next_item else None
        if row is None or len(history) < LEAST_ITEMS:
            continue
        ranked = ranking(found)
        if ranked is None:  # a catalogue too large to look around in
            return user
        rank = ranked.rank_of(row)
        if rank is None or rank >= best_rank:
            continue
        best, best_rank = user, rank
        first = ranked.top(1)[0]
        clusters = len(set(explanation(found, first.item).interest_extraction.first_choices().tolist()))
        fresh = all(item.item != first.item for item in history.items)
        if fresh and shows_much(len(history), rank, history.next_period, clusters, first.lift):
            return user
    return best
