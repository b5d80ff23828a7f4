"""What the app keeps: bounded, each value computed once, and never more than two models."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app import opening, results, subjects
from app.cache import CACHE, Cache, Interrupted
from app.opening import open_checkpoint, open_dataset, with_model
from surge.checkpoint import load_checkpoint, save_checkpoint, store_metrics
from surge.errors import SurgeError
from surge.model.surge import SurgeModel
from tests.app.conftest import World

# -- the store ------------------------------------------------------------------------------------------


def test_the_one_asked_for_longest_ago_goes_first() -> None:
    store = Cache({"few": 2, "other": 1})
    store.get("other", "a", lambda: "kept apart")
    for key in ("a", "b", "a", "c"):
        store.get("few", key, lambda: None)  # nothing is a value, too
    assert store.keys("few") == ["a", "c"] and store.peek("other", "a") == "kept apart"
    store.forget("few", "a", "never there")
    assert store.keys("few") == ["c"] and not store.has("few", "a")
    store.forget("few")
    assert store.keys("few") == []


def test_what_is_computed_of_another_kind_takes_no_room() -> None:
    store = Cache({"graph": 2, "page": 1})
    store.get("graph", 1, str)
    store.get("page", 1, lambda: store.get("graph", 2, str))
    assert store.keys("graph") == [1, 2]


class Computing:
    """A computation that many ask for at once, held until all of them have asked; each call has an end of its own."""

    def __init__(self, *ends: BaseException | str) -> None:
        self.ends, self.begun, self.let_go, self.lock = ends, threading.Event(), threading.Event(), threading.Lock()
        self.calls = 0

    def __call__(self) -> str:
        with self.lock:
            end = self.ends[min(self.calls, len(self.ends) - 1)]
            self.calls += 1
        self.begun.set()
        assert self.let_go.wait(10)
        if isinstance(end, BaseException):
            raise end
        return end


def _asked_by_many(store: Cache, computing: Computing) -> list[object]:
    """What each of eight threads got."""
    asked = threading.Semaphore(0)

    def ask() -> object:
        asked.release()
        try:
            return store.get("one", "key", computing)
        except BaseException as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(ask)
        assert computing.begun.wait(10)
        others = [pool.submit(ask) for _ in range(7)]
        for _ in range(8):
            asked.acquire()
        computing.let_go.set()
        return [future.result(10) for future in (first, *others)]


def test_many_who_ask_at_once_share_one_computation() -> None:
    store, computing = Cache({"one": 1}), Computing("value", "another")
    assert _asked_by_many(store, computing) == ["value"] * 8 and computing.calls == 1


def test_they_share_its_error_which_is_not_kept() -> None:
    store, error = Cache({"one": 1}), SurgeError("No such thing.")
    got = _asked_by_many(store, Computing(error, "value"))
    assert got[0] is error and all(each in (error, "value") for each in got)
    assert store.get("one", "key", lambda: "value") == "value"


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted()])
def test_an_interruption_of_one_is_not_that_of_the_others(stop: BaseException) -> None:
    computing = Computing(stop, "value")
    got = _asked_by_many(Cache({"one": 1}), computing)
    assert got[0] is stop and got[1:] == ["value"] * 7 and computing.calls == 2


def test_room_is_made_before_the_next_one_is_computed() -> None:
    store, sizes = Cache({"few": 2}), []
    for key in range(4):
        store.get("few", key, lambda: sizes.append(len(store.keys("few"))))
    assert sizes == [0, 1, 1, 1] and store.keys("few") == [2, 3]


def test_under_stress_each_value_is_that_of_its_key() -> None:
    store = Cache({"few": 3})

    def ask(number: int) -> bool:
        return store.get("few", number % 7, lambda: number % 7) == number % 7

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(4000)))
    assert 1 <= len(store.keys("few")) <= 3  # beside those that were under way in the end, fewer were kept


# -- models ---------------------------------------------------------------------------------------------


def _alive(models: dict[int, weakref.ref[SurgeModel]]) -> int:
    gc.collect()
    return sum(reference() is not None for reference in models.values())


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> dict[int, weakref.ref[SurgeModel]]:
    """A weak reference to every model that was read from a folder."""
    models: dict[int, weakref.ref[SurgeModel]] = {}
    make = SurgeModel.__init__

    def init(self: SurgeModel, *arguments: object) -> None:
        make(self, *arguments)  # type: ignore[arg-type]
        models[len(models)] = weakref.ref(self)

    monkeypatch.setattr(SurgeModel, "__init__", init)
    return models


def _with_metrics(folder: Path, number: int) -> None:
    """The same checkpoint written anew with another number in it."""
    store_metrics(load_checkpoint(folder), {"test": {"auc": number / 100}})


def test_two_models_at_most_are_kept_whatever_was_computed_with_them(
    world: World, tmp_path: Path, loaded: dict
) -> None:
    folders = [Path(shutil.copytree(world.root / "tiny model", tmp_path / name)) for name in "abc"]
    dataset = open_dataset(world.root / "tiny")
    pages = []  # what open pages hold
    for user in [user for user in dataset.users if user.startswith("u0")][:12]:
        for folder in folders:
            checkpoint = open_checkpoint(folder)
            subject = subjects.subject(checkpoint, dataset, user)
            ranking = results.ranking(subject)
            record = results.explanation(subject, ranking.top(1)[0].item)
            pages.append((checkpoint, subject, ranking, record, results.effects(subject, record.target.item)))
    assert len(loaded) >= 36 and _alive(loaded) <= 2
    assert pages[0][0].model.config.item_count == len(pages[0][0].rows)  # a page that is still open finds its model
    assert _alive(loaded) <= 2


def test_a_folder_that_is_replaced_again_and_again_leaves_two_models(
    world: World, tmp_path: Path, loaded: dict
) -> None:
    folder = Path(shutil.copytree(world.root / "tiny model", tmp_path / "model"))
    dataset = open_dataset(world.root / "tiny")
    pages, seen = [], []
    for number in range(10):
        _with_metrics(folder, number)
        checkpoint = open_checkpoint(folder)
        subject = subjects.subject(checkpoint, dataset, f"u{number + 1:04}")
        pages.append((checkpoint, results.ranking(subject)))
        seen.append(checkpoint.metrics["test"]["auc"])
    assert seen == [number / 100 for number in range(10)]
    assert _alive(loaded) <= 2


def opened(versions: str, *reads: Any) -> tuple[Any, list[Any]]:
    """What a folder of these versions, one each time that somebody looks, is opened as, and the versions kept of it."""
    looks, left = iter(versions), list(reads)

    def read() -> Any:
        value = left.pop(0)
        if isinstance(value, Exception):
            raise value
        return value

    CACHE.forget("dataset")
    try:
        return opening._open("dataset", Path("folder"), lambda: next(looks), read, ""), CACHE.keys("dataset")
    finally:
        CACHE.forget("dataset")


def test_a_folder_that_changes_while_it_is_read_is_read_again() -> None:
    assert opened("11", "value") == ("value", [("folder", "1")])
    assert opened("1222", "torn", "value") == ("value", [("folder", "2")])
    assert opened("1222", SurgeError("torn"), "value") == ("value", [("folder", "2")])
    with pytest.raises(SurgeError, match=r"^damaged$"):
        opened("11", SurgeError("damaged"))
    with pytest.raises(SurgeError, match=r"^The dataset 'folder' can't be read \(ValueError\)\.$"):
        opened("11", ValueError("odd"))
    with pytest.raises(SurgeError, match="'folder' is being written at this moment; load the page again in a while"):
        opened("1234567", "torn", SurgeError("torn"), "torn")


def test_a_page_whose_checkpoint_was_replaced_by_another_says_so(world: World, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(world.root / "tiny model", tmp_path / "model"))
    page = open_checkpoint(folder)
    held = with_model(page)
    assert with_model(held) is held and page.model is held.model
    save_checkpoint(
        folder,
        held.model,
        held.items.with_columns(count=7),
        training_config=held.training_config,
        metrics={},
        history=[],
        description={},
        overwrite=True,
    )
    with pytest.raises(SurgeError, match=r"The checkpoint 'model' was replaced while this page was open; load the"):
        _ = page.model
    assert open_checkpoint(folder).digest == load_checkpoint(folder).digest != page.digest
