"""What the app reads: opened checkpoints and datasets, and the cache of what is computed for one history."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
import streamlit as st

from app import library
from app.jobs import Jobs, Standing
from app.library import ROOTS_VARIABLE, Library, given_roots, matching_dataset
from surge.backends.reader import kernel_for
from surge.checkpoint import Checkpoint, load_checkpoint
from surge.data.store import FILES, Dataset
from surge.errors import SurgeError
from surge.explanation.catalogue import Ranking, rank_catalogue
from surge.explanation.drift import measure_drift
from surge.explanation.explain import candidate_row, explain_history
from surge.explanation.faithfulness import measure_faithfulness
from surge.explanation.history import UserHistory, read_history
from surge.explanation.leave_one_out import Competitors, measure_competitors, measure_effects
from surge.explanation.measured import Drift, Effects, Faithfulness
from surge.explanation.plan import Plan
from surge.explanation.record import Explanation
from surge.explanation.search import TYPICAL, Found, find_best
from surge.explanation.what_if import change_history, made_up_history
from surge.native.library import library as compiled

__all__ = ["ROOTS_VARIABLE", "Library", "find_library", "given_roots", "matching_dataset"]  # beside what is below
PROJECT = Path(__file__).resolve().parent.parent
LEAST_TELLING = 20  # items of a history to open with
TELLING_USERS = 12  # histories that are ranked, at most, to find one to open with
MOST_CELLS_AT_ONCE = 150_000_000  # attention entries: some five seconds; more is scored in the background
KERNEL_GAIN = 3  # how many times as many the kernel reads in that time, at least
MOST_JOBS = 2  # scorings in the background at once; more wait in line
KEPT_SCORINGS = 8  # their results: some 12 bytes an item each
KEPT = {"effects": 64, "faithfulness": 64, "drift": 16, "figure": 96}  # values of each kind
Given = TypeVar("Given", Checkpoint, Dataset)
Made = TypeVar("Made")
Progress = Callable[[float], None]


def find_library() -> Library:
    """The project's own checkpoints and datasets, and those of the given roots."""
    return library.find_library(PROJECT, given_roots())


# -- files ----------------------------------------------------------------------------------------------


def open_checkpoint(folder: Path) -> Checkpoint:
    """A checked checkpoint in eval mode; kept until its manifest changes, two at most."""
    try:
        manifest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    except OSError:
        manifest = ""
    return _open(lambda: _checkpoint(str(folder), manifest), "checkpoint", folder)


def open_dataset(folder: Path) -> Dataset:
    """A checked dataset; kept until one of its files changes."""
    try:
        stamp = tuple((stat.st_mtime_ns, stat.st_size) for stat in ((folder / name).stat() for name in FILES))
    except OSError:
        stamp = ()
    return _open(lambda: _dataset(str(folder), stamp), "dataset", folder)


def _open(read: Callable[[], Given], kind: str, folder: Path) -> Given:
    try:
        return read()
    except SurgeError:
        raise
    except Exception as error:  # a damaged file can fail in as many ways as its libraries have
        raise SurgeError(f"The {kind} {folder.name!r} can't be read ({type(error).__name__}).") from error


@st.cache_resource(max_entries=2, show_spinner="Reading and checking the model …")
def _checkpoint(folder: str, manifest: str) -> Checkpoint:
    # the first time on a machine it takes some seconds, and scoring waits
    Thread(target=compiled, args=("reading",), daemon=True).start()
    return load_checkpoint(folder)


@st.cache_resource(max_entries=2, show_spinner="Reading and checking the dataset …")
def _dataset(folder: str, stamp: tuple) -> Dataset:
    return Dataset.load(folder)


# -- one history ----------------------------------------------------------------------------------------
# Objects are shared, not copied: nobody changes them. Keys are digests and ids, never arrays or tensors.


@dataclass(frozen=True)
class Subject:
    """One history under one checkpoint, as the user left it or as edits made it; `key` tells it from all others."""

    key: tuple[str, ...]
    checkpoint: Checkpoint
    history: UserHistory

    def at_once(self, readings: int) -> bool:
        """Whether one can wait for so many readings of the history."""
        cells = readings * self.checkpoint.model_config.heads * len(self.history.rows) ** 2
        if cells <= MOST_CELLS_AT_ONCE:
            return True
        return cells <= KERNEL_GAIN * MOST_CELLS_AT_ONCE and kernel_for(self.checkpoint.model) is not None


def subject(checkpoint: Checkpoint, dataset: Dataset, user: str) -> Subject:
    """What the model reads of a user."""
    key = (checkpoint.digest, dataset.digest, user)
    return Subject(key, checkpoint, _history(key, checkpoint, dataset))


def made_up(checkpoint: Checkpoint) -> Subject:
    """A user without a history, to be filled by edits."""
    return Subject((checkpoint.digest, "", ""), checkpoint, made_up_history())


def edited(base: Subject, plan: Plan) -> Subject:
    """The same user with a changed history; a plan that can't be read is a SurgeError."""
    if plan.is_whole(len(base.history.items)):
        return base
    return Subject((*base.key, plan.to_text()), base.checkpoint, change_history(base.checkpoint, base.history, plan))


def ranking(subject: Subject) -> Ranking | None:
    """Every item of the catalogue, scored; None where that takes long and hasn't been done: see `start_scoring`."""
    if not subject.at_once(subject.checkpoint.model_config.item_count):
        return _scorings().result(subject.key)
    return _ranking(subject.key, subject)


def best(subject: Subject) -> Ranking | Found | None:
    """The best items: of every item scored, else what a search finds that reads a part; None where that takes long."""
    ranked = ranking(subject)
    if ranked is not None or not subject.at_once(TYPICAL):
        return ranked
    return _found(subject.key, subject)


def start_scoring(subject: Subject) -> None:
    """Score a large catalogue in the background, for this visitor; where others are scored it waits in line."""
    _scorings().ask(
        subject.key, lambda progress: rank_catalogue(subject.checkpoint, subject.history, progress), _visitor()
    )


def scoring(subject: Subject) -> Standing:
    """How far the scoring of a large catalogue is."""
    return _scorings().standing(subject.key)


def stop_scoring(subject: Subject) -> None:
    """This visitor no longer waits for the scoring of a large catalogue; others may."""
    _scorings().leave(subject.key, _visitor())


@st.cache_resource(show_spinner=False)
def _scorings() -> Jobs:
    return Jobs(MOST_JOBS, KEPT_SCORINGS)


def _visitor() -> str:
    return st.session_state.setdefault("visitor", uuid4().hex)


def explanation(subject: Subject, candidate: str) -> Explanation:
    """Everything that the model computed for a history and a candidate."""
    ranked = ranking(subject)
    return _explanation((*subject.key, "ranked" if ranked is not None else ""), candidate, subject, ranked)


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
    """What the candidate's lift becomes without each item and each cluster."""
    ranked = ranking(subject)
    return _kept(
        "effects",
        (*subject.key, candidate, ranked is not None),
        lambda: _measured(subject, candidate, ranked, progress),
    )


def _measured(subject: Subject, candidate: str, ranked: Ranking | None, progress: Progress | None) -> Effects:
    record, others = explanation(subject, candidate), None
    if ranked is not None:
        clusters = record.interest_extraction.first_choices()
        others = _competitors(subject.key, clusters, subject, ranked)
    return measure_effects(subject.checkpoint, subject.history, record, ranked, others, progress)


def faithfulness(subject: Subject, candidate: str, progress: Progress) -> Faithfulness:
    """Deletion and insertion curves."""
    return _kept(
        "faithfulness",
        (*subject.key, candidate),
        lambda: measure_faithfulness(
            subject.checkpoint,
            subject.history,
            explanation(subject, candidate),
            effects(subject, candidate),
            progress=progress,
        ),
    )


def drift(subject: Subject, candidate: str, progress: Progress) -> Drift:
    """How the graph and the candidate's rank grew with the history; no ranks before a large catalogue is scored."""
    ranked = ranking(subject)
    return _kept(
        "drift",
        (*subject.key, candidate, ranked is not None),
        lambda: measure_drift(
            subject.checkpoint,
            subject.history,
            explanation(subject, candidate),
            ranks=ranked is not None,
            ranking=ranked,
            progress=progress,
        ),
    )


def figure(key: tuple[Any, ...], build: Callable[[], Made]) -> Made:
    """A picture that is drawn again unchanged when only the selection changes; `key` names all that it shows."""
    return _kept("figure", key, build)


def telling_user(checkpoint: Checkpoint, dataset: Dataset) -> str | None:
    """A user to open with: of a few, the first in whose top 10 is the next item, of the test period, with 3 clusters
    and a top prediction that the history doesn't hold already.

    Else the one of them whose next item ranks best; None where the checkpoint knows no item of any of them.
    """
    return _telling_user(checkpoint.digest, dataset.digest, checkpoint, dataset)


def _kept(kind: str, key: tuple[Any, ...], compute: Callable[[], Made]) -> Made:
    """The value under a key, computed once; the oldest go first. Not a cached function of Streamlit's, as those may
    draw no progress."""
    store = _stores(kind)
    value = store.get(key)
    if value is None:
        value = compute()  # first: an interrupted run leaves nothing
        while len(store) >= KEPT[kind]:
            store.pop(next(iter(store)), None)
        store[key] = value
    return value  # not what the store holds by now: a download runs in a thread of its own and may have emptied it


@st.cache_resource(max_entries=8, show_spinner=False)
def _stores(kind: str) -> dict[tuple[Any, ...], Any]:
    return {}


@st.cache_resource(max_entries=256, show_spinner=False)
def _history(key: tuple[str, ...], _checkpoint: Checkpoint, _dataset: Dataset) -> UserHistory:
    return read_history(_checkpoint, _dataset, key[2])


@st.cache_resource(max_entries=64, show_spinner=False)
def _ranking(key: tuple[str, ...], _subject: Subject) -> Ranking:
    return rank_catalogue(_subject.checkpoint, _subject.history)


@st.cache_resource(max_entries=64, show_spinner=False)
def _found(key: tuple[str, ...], _subject: Subject) -> Found:
    return find_best(_subject.checkpoint, _subject.history)


@st.cache_resource(max_entries=64, show_spinner=False)
def _explanation(key: tuple[str, ...], candidate: str, _subject: Subject, _ranking: Ranking | None) -> Explanation:
    return explain_history(_subject.checkpoint, _subject.history, candidate, _ranking)


@st.cache_resource(max_entries=64, show_spinner=False)
def _competitors(key: tuple[str, ...], _clusters: np.ndarray, _subject: Subject, _ranking: Ranking) -> Competitors:
    # the same for all candidates: what another candidate's clusters leave out otherwise is scored on the way
    return measure_competitors(_subject.checkpoint, _subject.history, _clusters, _ranking)


@st.cache_resource(max_entries=16, show_spinner="Looking for a telling user …")
def _telling_user(key: str, data_key: str, _checkpoint: Checkpoint, _dataset: Dataset) -> str | None:
    users = _dataset.users
    best, best_rank = None, _checkpoint.model_config.item_count + 1
    for user in users[:: max(1, len(users) // TELLING_USERS)][:TELLING_USERS]:
        try:
            found = subject(_checkpoint, _dataset, user)
        except SurgeError:
            continue
        best = best or user
        history = found.history
        row = _checkpoint.rows.get(history.next_item.item) if history.next_item else None
        if row is None or len(history.rows) < LEAST_TELLING:
            continue
        ranked = ranking(found)
        if ranked is None:  # a catalogue too large to look around in
            return user
        rank = ranked.rank_of(row)
        if rank is None or rank >= best_rank:
            continue
        best, best_rank = user, rank
        first = ranked.top(1)[0].item
        record = explanation(found, first)
        clusters = record.interest_extraction.first_choices()
        fresh = all(item.item != first for item in history.items)
        if rank <= 10 and fresh and len(set(clusters.tolist())) >= 3 and history.next_period == "test":
            return user
    return best
