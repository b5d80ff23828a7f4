"""What the app reads: the checkpoints and datasets it finds, and the cache of what is computed for one history."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st

from app.jobs import Job
from surge.checkpoint import Checkpoint, load_checkpoint
from surge.checkpoint_files import PICKLES
from surge.data.store import DESCRIPTION_FILE, FILES, Dataset
from surge.errors import SurgeError
from surge.explanation.catalogue import Ranking, rank_catalogue
from surge.explanation.drift import measure_drift
from surge.explanation.explain import explain_history
from surge.explanation.faithfulness import measure_faithfulness
from surge.explanation.history import UserHistory, read_history
from surge.explanation.leave_one_out import Competitors, measure_competitors, measure_effects
from surge.explanation.measured import Drift, Effects, Faithfulness
from surge.explanation.plan import Plan
from surge.explanation.record import Explanation
from surge.explanation.what_if import change_history, made_up_history

PROJECT = Path(__file__).resolve().parent.parent
ROOTS_VARIABLE = "SURGE_ROOTS"
MOST_ENTRIES = 500  # of one root: a folder with more is hardly meant
LEAST_TELLING = 20  # items of a history to open with
TELLING_USERS = 12  # histories that are ranked, at most, to find one to open with
MOST_CELLS_AT_ONCE = 150_000_000  # attention entries: some five seconds; more is scored in the background
MOST_JOBS = 2  # scorings in the background, with their results
KEPT = {"effects": 64, "faithfulness": 64, "drift": 16, "figure": 96}  # values of each kind
Given = TypeVar("Given", Checkpoint, Dataset)
Made = TypeVar("Made")
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Library:
    """Checkpoint and dataset folders by the name that the page and the URL use, and what was refused and why."""

    checkpoints: dict[str, Path]
    datasets: dict[str, Path]
    refused: tuple[str, ...]


def given_roots() -> list[Path]:
    """Folders named in the environment variable or after `--` on the command line that started the app."""
    named = [part for part in os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep) if part]
    # under a test runner, or any other program, the arguments are not ours
    if Path(sys.argv[0]).name == "main.py" and Path(sys.argv[0]).resolve().parent.name == "app":
        named += sys.argv[1:]
    return [Path(name) for name in named]


def find_library() -> Library:
    """Look under checkpoints/, sample_data/ and the given roots: each is one folder, or holds some.

    The project's own come first, so that they keep their plain names; the first of each kind opens by itself.
    """
    checkpoints: dict[str, Path] = {}
    datasets: dict[str, Path] = {}
    refused: list[str] = []
    seen: set[Path] = set()
    own = [
        path
        for path in (PROJECT / "checkpoints" / "demo", PROJECT / "checkpoints", PROJECT / "sample_data")
        if path.is_dir()
    ]
    for path in _entries([*own, *given_roots()], refused):
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        if _is_checkpoint(path):
            checkpoints[_free_name(path, checkpoints)] = path
        elif (path / DESCRIPTION_FILE).is_file():
            datasets[_free_name(path, datasets)] = path
    return Library(checkpoints, datasets, tuple(dict.fromkeys(refused)))


def _entries(roots: list[Path], refused: list[str]) -> Iterator[Path]:
    """The roots that are a checkpoint or a dataset, and the folders directly in the others."""
    for root in roots:
        if not _accepted(root, refused, given=True):
            continue
        if _is_checkpoint(root) or (root / DESCRIPTION_FILE).is_file():
            yield root
            continue
        try:
            inside = sorted(root.iterdir())
        except OSError as problem:
            refused.append(f"The folder {root.name!r} can't be listed ({problem.strerror}).")
            continue
        if len(inside) > MOST_ENTRIES:
            refused.append(
                f"The folder {root.name!r} has {len(inside):,} entries; only the first {MOST_ENTRIES} count."
            )
        for path in inside[:MOST_ENTRIES]:
            if not path.name.startswith(".") and _accepted(path, refused, given=False):
                yield path


def _accepted(path: Path, refused: list[str], *, given: bool) -> bool:
    """Whether the path is a real folder; what looks like a mistake is refused with a sentence."""
    if path.is_symlink():
        refused.append(f"{path.name!r} is a symbolic link, which is not followed; give the folder itself.")
    elif path.suffix.lower() in PICKLES:
        refused.append(
            f"{path.name!r} looks like a pickle, which can run code when it is opened, so it is never read; "
            "the app reads checkpoint folders made by `python -m surge train`."
        )
    elif path.is_dir():
        return True
    elif given:
        refused.append(f"There is no folder {str(path)!r}; it was given as a place to look in.")
    return False


def _is_checkpoint(path: Path) -> bool:
    return (path / "manifest.json").is_file() or (path / "model.safetensors").is_file()


def _free_name(path: Path, taken: dict[str, Path]) -> str:
    name, number = path.name, 1
    if name in taken:
        name = f"{path.name} ({path.resolve().parent.name})"
    while name in taken:
        number += 1
        name = f"{path.name} ({number})"
    return name


def matching_dataset(library: Library, checkpoint: str) -> str | None:
    """The name of a listed dataset that the checkpoint's config says it was trained on, by the dataset's own name."""
    trained_on = _read_json(library.checkpoints[checkpoint] / "config.json").get("dataset")
    wanted = trained_on.get("name") if isinstance(trained_on, dict) else None
    if wanted is None:
        return None
    for name, path in library.datasets.items():
        if _read_json(path / DESCRIPTION_FILE).get("name") == wanted:
            return name
    return None


def _read_json(path: Path) -> dict[str, Any]:
    """A small description, or nothing: what is wrong with it is said when the folder is opened."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


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

    @property
    def cells(self) -> int:
        """What scoring the whole catalogue costs, in attention entries."""
        config = self.checkpoint.model_config
        return config.item_count * config.heads * len(self.history.rows) ** 2


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
    """Every item of the catalogue, scored; None where that takes long and hasn't been done: see `scoring`."""
    if subject.cells > MOST_CELLS_AT_ONCE:
        job = _jobs().get(subject.key)
        return job.result if job is not None else None
    return _ranking(subject.key, subject)


def scoring(subject: Subject) -> Job:
    """The scoring of a large catalogue, in the background; it begins when it is first asked for."""
    jobs = _jobs()
    if subject.key not in jobs:
        for old in list(jobs)[: max(0, len(jobs) - MOST_JOBS + 1)]:
            jobs.pop(old).stop()
        jobs[subject.key] = Job(lambda progress: rank_catalogue(subject.checkpoint, subject.history, progress))
    return jobs[subject.key]


def is_scoring(subject: Subject) -> bool:
    """Whether the scoring of a large catalogue has begun, or is done."""
    return subject.key in _jobs()


def stop_scoring(subject: Subject) -> None:
    """Leave the scoring of a large catalogue."""
    job = _jobs().pop(subject.key, None)
    if job is not None:
        job.stop()


@st.cache_resource(show_spinner=False)
def _jobs() -> dict[tuple[str, ...], Job]:
    return {}


def explanation(subject: Subject, candidate: str) -> Explanation:
    """Everything that the model computed for a history and a candidate."""
    return _explanation(subject.key, candidate, subject)


def effects(subject: Subject, candidate: str, progress: Progress | None = None) -> Effects:
    """What the candidate's score becomes without each item and each cluster."""
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
    """How the graph and the candidate's rank grew with the history."""
    return _kept(
        "drift",
        (*subject.key, candidate),
        lambda: measure_drift(
            subject.checkpoint,
            subject.history,
            explanation(subject, candidate),
            ranking=ranking(subject),
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
def _explanation(key: tuple[str, ...], candidate: str, _subject: Subject) -> Explanation:
    return explain_history(_subject.checkpoint, _subject.history, candidate)


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
