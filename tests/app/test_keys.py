"""What is kept is kept under keys that name all it depends on: nothing of another user, edit, candidate or theme."""

from __future__ import annotations

import shutil
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from app import results, subjects, surveys
from app.cache import CACHE, MOST
from app.components.inspection import Inspection
from app.library import find_library
from app.opening import open_checkpoint, open_dataset
from surge.checkpoint import load_checkpoint, save_checkpoint
from surge.explanation.drift import measure_drift
from surge.explanation.edit_plan import Plan
from surge.explanation.explain import explain_history
from surge.explanation.faithfulness import measure_faithfulness
from surge.explanation.history import read_history
from surge.explanation.leave_one_out import measure_effects
from surge.explanation.ranking import rank_catalogue
from surge.explanation.search import find_best
from surge.folders import ROOTS_VARIABLE
from surge.pictures import comparison
from surge.pictures.palette import NO_LETTER, Theme
from tests.app.conftest import World
from tests.app.drawn import charts
from tests.explanation.worlds import make_checkpoint, make_dataset
from tests.surveys import make_survey, write_file


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    for kind in MOST:
        CACHE.forget(kind)


def _subjects() -> list[subjects.Subject]:
    """Two checkpoints, two logs with the same users, two users, the history as it was and changed."""
    checkpoints = [replace(make_checkpoint(count=12, seed=seed), digest=f"checkpoint {seed}") for seed in (1, 2)]
    histories = [
        {"a": ["i1", "i2", "i3", "i5", "i0"], "b": ["i7", "i2", "i9", "i1", "i0"]},
        {"a": ["i4", "i6", "i3", "i8", "i0"], "b": ["i5", "i6", "i1", "i2", "i0"]},
    ]
    found = []
    for checkpoint, (number, log), user in product(checkpoints, enumerate(histories), "ab"):
        dataset = replace(make_dataset(log, checkpoint.items.drop("count")), digest=f"dataset {number}")
        base = subjects.subject(checkpoint, dataset, user)
        fresh = read_history(checkpoint, dataset, user)
        assert (base.history.key, base.history.items, base.history.notes) == (fresh.key, fresh.items, fresh.notes)
        found += [base, subjects.edited(base, Plan((1, 2, 3)))]
    return found


def test_what_is_kept_is_that_of_its_own_history_and_candidate() -> None:
    asked = list(product(_subjects(), ("i10", "i11")))
    for subject, item in asked:
        results.faithfulness(subject, item)
        results.drift(subject, item)
    for subject, item in asked:  # now all of it is kept
        checkpoint, history = subject.checkpoint, subject.history
        fresh = rank_catalogue(checkpoint, history)
        np.testing.assert_array_equal(results.ranking(subject).logits, fresh.logits)
        own = explain_history(checkpoint, history, item, fresh)
        assert results.explanation(subject, item).to_dict() == own.to_dict()
        effects = measure_effects(checkpoint, history, own, fresh)
        np.testing.assert_array_equal(results.effects(subject, item).item_logit, effects.item_logit)
        curves = measure_faithfulness(checkpoint, history, own, effects, random_orders=2)
        kept = results.faithfulness(subject, item).deletion["importance"]
        np.testing.assert_allclose(kept, curves.deletion["importance"], atol=1e-5)  # more random orders are one batch
        growth = measure_drift(checkpoint, history, own, ranking=fresh)
        np.testing.assert_array_equal(results.drift(subject, item).logit, growth.logit)
        np.testing.assert_array_equal(results.drift(subject, item).rank, growth.rank)


def test_every_history_has_a_key_of_its_own() -> None:
    known = _subjects()
    plans = [(2, 1, 3), (1, 2), (1, 2, "i10"), (1, 2, "i11")]
    known += [subjects.edited(known[0], Plan(entries)) for entries in plans]
    for base in {subject.checkpoint.digest: subjects.made_up(subject.checkpoint) for subject in known}.values():
        known += [base, subjects.edited(base, Plan(("i1",)))]
    assert len({subject.key for subject in known}) == len(known) == 16 + 4 + 4
    assert subjects.edited(known[0], Plan.whole(4)) is known[0]


def test_ranks_come_once_the_catalogue_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = _subjects()[0]
    monkeypatch.setattr(subjects, "MOST_CELLS_AT_ONCE", 0)
    assert results.ranking(subject) is None and results.best(subject) is None
    record, effects, drift = (ask(subject, "i10") for ask in (results.explanation, results.effects, results.drift))
    assert record.prediction.next_probability is None and effects.rank is None and np.isnan(drift.rank).all()
    monkeypatch.setattr(subjects, "MOST_CELLS_AT_ONCE", 10**9)
    record, effects, drift = (ask(subject, "i10") for ask in (results.explanation, results.effects, results.drift))
    assert record.prediction.next_probability is not None and effects.rank is not None and drift.rank[-1] >= 1


def test_what_a_search_found_is_that_of_its_own_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "ranking", lambda subject: None)
    for subject in 2 * _subjects():
        fresh = find_best(subject.checkpoint, subject.history)
        np.testing.assert_array_equal(results.best(subject).logits, fresh.logits)


def test_a_survey_and_a_dataset_that_were_written_anew_are_read_anew(world: World, tmp_path: Path) -> None:
    for name in ("tiny", "tiny model"):
        shutil.copytree(world.root / name, tmp_path / name)
    dataset, checkpoint = open_dataset(tmp_path / "tiny"), open_checkpoint(tmp_path / "tiny model")
    for users in (dataset.users[:5], dataset.users[:7]):
        write_file(tmp_path / "tiny model.survey.parquet", make_survey(users), checkpoint.digest, dataset.digest)
        assert len(surveys.find_survey(checkpoint, dataset).frame) == len(users)
    for digest in (checkpoint.digest, dataset.digest):  # of one size
        write_file(tmp_path / "tiny model.survey.parquet", make_survey(users), digest, dataset.digest)
        assert bool(surveys.find_survey(checkpoint, dataset).stale) == (digest != checkpoint.digest)
    assert open_dataset(tmp_path / "tiny") is dataset
    description = tmp_path / "tiny" / "dataset.json"
    description.write_text(description.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert open_dataset(tmp_path / "tiny").digest != dataset.digest


def test_a_folder_that_is_named_twice_is_listed_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOTS_VARIABLE, str(world.root))
    once = find_library()
    monkeypatch.setenv(ROOTS_VARIABLE, f"{world.root}:{world.root / 'tiny model'}:{world.root / 'tiny'}")
    assert find_library() == once and "tiny model" in once.checkpoints


# -- pictures -------------------------------------------------------------------------------------------


def _script() -> None:
    from app.screens.user import page

    page()


@pytest.fixture
def pages(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens the page at some parameters, with a second checkpoint of other weights and a third of others again."""
    monkeypatch.setenv(ROOTS_VARIABLE, f"{world.root}:{tmp_path}")
    first = load_checkpoint(world.root / "tiny model")
    for name, scale in (("second", -1.0), ("third", 0.5)):
        checkpoint = load_checkpoint(world.root / "tiny model")
        with torch.no_grad():
            checkpoint.model.category_embedding.weight.roll(1, dims=0).mul_(scale)
            checkpoint.model.construct.weight.copy_(checkpoint.model.construct.weight.flip(-1) * (1 + scale**2))
            for parameter in checkpoint.model.extract.parameters():
                parameter.copy_(parameter.flip(0) * scale)
        save_checkpoint(
            tmp_path / name,
            checkpoint.model,
            first.items,
            training_config=first.training_config,
            metrics={},
            history=[],
            description={"dataset": {"name": "tiny"}},
        )

    def open_at(**parameters: str) -> AppTest:
        page = AppTest.from_function(_script, default_timeout=120)
        for name, value in {"checkpoint": "tiny model", "dataset": "tiny", "user": "u0003", **parameters}.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return open_at


def link(page: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def test_two_pictures_under_one_key_are_the_same(pages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[Any, str] = {}

    def figure(key: Any, build: Any) -> Any:
        made = build()
        assert drawn.setdefault(key, str(made)) == str(made), key
        return made

    monkeypatch.setattr(results, "figure", figure)
    candidate = link(pages())["candidate"]
    items = load_checkpoint(Path(find_library().checkpoints["tiny model"])).items["item"]
    other = next(item for item in items if item != candidate)
    drawers = {"open": "compare,versus,faithfulness,drift", "versus": "second"}
    changes = (
        {},
        {"staged": "0-5"},
        {"staged": "0-3"},
        {"edits": "0-5"},
        {"edits": "0-5", "staged": "0-3"},
        {"candidate": other},
        {"layer": "attention"},
        {"layer": "similarity"},
        {"head": "0"},
        {"head": "1"},
        {"edges": "3"},
        {"user": "u0004"},
        {"checkpoint": "second", "versus": "third"},
        {"versus": "third"},
        {"second": other},
    )
    for change in changes:
        pages(**{**drawers, **change})
    monkeypatch.setattr("app.screens.user.current_theme", lambda: Theme.DARK)
    pages(**drawers)
    names = {key[0] for key in drawn}
    assert names >= {"history_strip", "graph", "faithfulness", "drift", "versus graph", "versus assignment", "ledger"}
    assert len(set(drawn.values())) > 80


def test_pictures_are_drawn_anew_once_ranks_are_known() -> None:
    record = SimpleNamespace(target=SimpleNamespace(item="i"))
    parts: dict[str, Any] = dict.fromkeys(field.name for field in fields(Inspection))
    parts |= {"subject": SimpleNamespace(key=("s",)), "record": record, "reference": record, "theme": Theme.LIGHT}
    before = Inspection(**parts)
    assert before.key == replace(before, effects=1).key != replace(before, ranking=1).key  # the effects come with ranks


def test_pictures_are_kept_in_the_store(pages: Any) -> None:
    page = pages()
    kept = CACHE.keys("figure")
    assert {"history_strip", "graph", "assignment_matrix"} <= {key[0] for key in kept} and charts(page)
    pages()
    assert CACHE.keys("figure") == kept


def test_clusters_that_are_matched_share_their_letter_and_their_items_their_place(
    pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs: list[Any] = []
    real = results.figure

    def figure(key: Any, build: Any) -> Any:
        made = real(key, build)
        graphs.extend([made] if key[0] == "versus graph" else [])
        return made

    told: list[Any] = []
    monkeypatch.setattr(results, "figure", figure)
    monkeypatch.setattr(comparison, "difference_sentence", lambda *given, **named: told.append((given, named)) or "")
    page = pages(open="versus", versus="second")
    library, candidate = find_library(), link(page)["candidate"]
    dataset = open_dataset(library.datasets["tiny"])
    for side, name in enumerate(("tiny model", "second")):  # each one's own ranks and predictions
        own = subjects.subject(open_checkpoint(library.checkpoints[name]), dataset, "u0003")
        ranking, (given, named) = results.ranking(own), told[-1]
        rank = ranking.rank_of(own.checkpoint.rows[candidate])
        assert rank == named[f"rank_{('first', 'second')[side]}"] and ranking.top(10) == given[3 + side]
    assert named["rank_first"] != named["rank_second"]
    pairs = next(table.value for table in page.dataframe if "overlap" in table.value.columns)
    matched = pairs[~pairs["first"].isin(["", NO_LETTER]) & (pairs["second"] != "")]
    assert len(matched) >= 2 and (matched["first"] == matched["second"]).all()
    first, second = ({node["id"]: (node["x"], node["y"]) for node in graph.nodes} for graph in graphs)
    assert first == second and len(set(first.values())) == len(first)
    pages(open="versus", versus="second", edits="0-20")
    assert [record.length for record in told[-1][0][:2]] == [21, 21]  # edits go with the history
