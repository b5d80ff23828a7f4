"""Edits on the page of one user: copies, edits that lead back, made-up users under another model, and their limits."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.address import LOST, TOO_LONG
from surge.checkpoint import category_rows, save_checkpoint
from surge.config import ModelConfig, TrainingConfig
from surge.data.dataset import Dataset
from surge.explanation.edit_plan import MOST_ENTRIES
from surge.folders import ROOTS_VARIABLE
from surge.model.surge import SurgeModel
from tests.app.conftest import World
from tests.app.drawn import charts, tables
from tests.app.visit import Visit
from tests.serving import ROOT

TINY = {"checkpoint": "tiny model", "dataset": "tiny"}
FEW = 12  # items that the other model knows


def _script() -> None:
    from app.screens.user import page

    page()


@pytest.fixture(scope="module")
def root(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small checkpoint and dataset, and a checkpoint of the first items that recommends nothing seen."""
    root = tmp_path_factory.mktemp("edits")
    for name in ("tiny model", "tiny"):
        shutil.copytree(world.root / name, root / name)
    items = Dataset.load(root / "tiny").items.head(FEW)
    categories, rows = category_rows(items)
    torch.manual_seed(2)
    save_checkpoint(
        root / "few items",
        SurgeModel(ModelConfig(item_count=FEW, category_count=len(categories)), rows),
        items,
        training_config=TrainingConfig(),
        metrics={},
        history=[],
        description={"exclude_seen": True, "dataset": {"name": "tiny"}},
    )
    return root


@pytest.fixture
def open_page(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Opens the page at some URL parameters."""
    monkeypatch.setenv(ROOTS_VARIABLE, str(root))

    def open_at(**parameters: str) -> AppTest:
        page = AppTest.from_function(_script, default_timeout=120)
        for name, value in parameters.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return open_at


def _parameters(page: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def _press(page: AppTest, key: str) -> dict[str, str]:
    page.button(key=key).click().run()
    assert not page.exception
    return _parameters(page)


def _length(page: AppTest) -> int:
    return len(tables(page)["items"])


def _titles(page: AppTest) -> list[str]:
    return [row["title"] for row in tables(page)["items"]]


def _said(page: AppTest) -> str:
    elements = [*page.warning, *page.error, *page.info, *page.caption, *page.markdown]
    return " ".join(element.value for element in elements).replace("\\", "").replace("\u2060", "")


def _ids(root: Path) -> list[str]:
    return Dataset.load(root / "tiny").items["item"].to_list()


# -- copies ---------------------------------------------------------------------------------------------


def test_a_copy_stands_after_each_selected_item(open_page, root: Path):
    dataset = Dataset.load(root / "tiny")
    histories = ((user, dataset.history(user)["item"].to_list()) for user in dataset.users)
    user, history = next(pair for pair in histories if 10 < len(pair[1]) < 40)
    page = open_page(**TINY, user=user, items="1,3")
    titles, length = _titles(page), _length(page)
    assert length == len(history) - 1
    staged = _press(page, "edit content_copy")["staged"]
    assert staged == f"0-1,+{history[1]},2-3,+{history[3]},4-{length - 1}"
    assert "Staged: 2 items added." in _said(page) and _length(page) == length
    assert _press(page, "run_edits")["edits"] == staged
    copied = _titles(page)  # the copies' titles are the checkpoint's, the others the dataset's
    assert copied[:2] + copied[3:5] + copied[6:] == titles and len(copied) == length + 2
    again = open_page(**_parameters(page))
    assert _titles(again) == copied and not again.warning
    assert "edits" not in _press(page, "undo_edit")


def test_a_copy_needs_a_selection(open_page):
    page = open_page(**TINY, user="u0003")
    assert page.button(key="edit content_copy").disabled and page.button(key="edit arrow_back").disabled


# -- edits that lead back -------------------------------------------------------------------------------


def test_earlier_then_later_is_no_edit(open_page):
    page = open_page(**TINY, user="u0003", items="4")
    assert _press(page, "edit arrow_back")["staged"].startswith("0-2,4,3,5")
    assert "staged" not in _press(page, "edit arrow_forward")
    assert page.button(key="run_edits").disabled and "Nothing is staged." in _said(page)
    assert _press(page, "undo_edit")["staged"].startswith("0-2,4,3,5")


def test_the_ends_can_not_be_passed(open_page):
    page = open_page(**TINY, user="u0003", items="0")
    assert page.button(key="edit arrow_back").disabled and not page.button(key="edit arrow_forward").disabled
    page = open_page(**TINY, user="u0003", items=str(_length(page) - 1))
    assert page.button(key="edit arrow_forward").disabled
    assert "staged" not in _press(page, "edit content_cut")


@pytest.mark.parametrize(
    ("edits", "staged"),
    [(None, "0-{last}"), ("0-2,3-{last}", None), ("1,0", "1,0"), ("2-3,0", "2,3,0"), (None, "0,1-{last}")],
)
def test_a_link_to_what_is_there_already(open_page, edits: str | None, staged: str | None):
    page = open_page(**TINY, user="u0003")
    last = _length(page) - 1
    plans = {name: text.format(last=last) for name, text in (("edits", edits), ("staged", staged)) if text}
    page = open_page(**TINY, user="u0003", **plans)
    assert "staged" not in _parameters(page) and not page.warning
    assert ("edits" in _parameters(page)) == (edits is not None and "last" not in edits)


# -- made-up users --------------------------------------------------------------------------------------


def test_a_made_up_user_stays_under_another_model(open_page, root: Path):
    ids = _ids(root)
    known, unknown = ids[:3], ids[FEW : FEW + 2]
    edits = ",".join(f"+{item}" for item in (known[0], unknown[0], known[1], unknown[1], unknown[0]))
    page = open_page(**TINY, made_up="1", edits=edits, staged=f"{edits},+{known[2]}")
    assert _length(page) == 5 and not page.warning
    page.selectbox(key="checkpoint").select("few items").run()
    assert not page.exception and len(page.warning) == 1
    assert f"doesn't know '{unknown[0]}' and '{unknown[1]}'; left out." in _said(page)
    parameters = _parameters(page)
    assert (parameters["checkpoint"], parameters["made_up"]) == ("few items", "1")
    assert parameters["edits"] == f"+{known[0]},+{known[1]}" and _length(page) == 2
    assert parameters["staged"] == f"+{known[0]},+{known[1]},+{known[2]}"
    page.selectbox(key="checkpoint").select("tiny model").run()
    assert _length(page) == 2 and not page.warning


def test_a_made_up_user_of_whom_nothing_is_known_can_be_filled_anew(open_page, root: Path):
    edits = ",".join(f"+{item}" for item in _ids(root)[FEW : FEW + 5])
    page = open_page(checkpoint="few items", dataset="tiny", made_up="1", edits=edits)
    assert "and 3 more; left out." in _said(page) and "The history is empty." in _said(page)
    assert "edits" not in _parameters(page) and len(page.warning) == 1
    assert page.text_input(key="insert_search_text")


def test_a_made_up_user_ends_with_another_dataset(open_page, root: Path):
    page = open_page(**TINY, made_up="1", edits=f"+{_ids(root)[0]}")
    page.selectbox(key="dataset").select("sample_data").run()
    assert "made_up" not in _parameters(page) and "edits" not in _parameters(page)


def test_a_history_of_the_whole_catalogue_is_no_dead_end(open_page, root: Path):
    edits = ",".join(f"+{item}" for item in _ids(root)[:FEW])
    page = open_page(checkpoint="few items", dataset="tiny", made_up="1", edits=edits, open="compare,drift,edit")
    assert "nothing is left to predict" in _said(page) and not page.error
    assert "as the history holds it already; it would be " in _said(page)
    assert _length(page) == FEW and len(charts(page)) >= 4 and page.text_input(key="insert_search_text")
    assert _parameters(page)["candidate"] in _ids(root)[:FEW]
    page = open_page(**_parameters(page) | {"items": "2"})
    _press(page, "edit delete")
    _press(page, "run_edits")
    assert _length(page) == FEW - 1 and "nothing is left to predict" not in _said(page)
    assert len(tables(page)["predictions"]) == 1


# -- long histories -------------------------------------------------------------------------------------


def _upload(page: AppTest, items: list[str]) -> None:
    page.file_uploader(key="insert_upload").set_value([("ids.csv", "\n".join(items).encode(), "text/csv")])
    page.run()


def test_a_history_that_no_link_holds(open_page, root: Path):
    ids = [item for item in _ids(root) if not item.startswith("new")] * 50
    ids = ids[:3000]
    page = open_page(**TINY, made_up="1")
    _upload(page, ids)
    staged = _press(page, "insert_list")["staged"]
    assert staged.startswith(TOO_LONG) and len(staged) < 30
    assert "too long for a link" in _said(page) and "The history would have 3,000 items" in _said(page)
    edits = _press(page, "run_edits")["edits"]
    assert edits == staged and _length(page) == 50 and "too long for a link" in _said(page)
    page.button(key="top_prediction").run()
    assert _length(page) == 50
    first = _parameters(page)
    other = open_page(**first)  # who gets the link
    assert LOST in _said(other) and _parameters(other) == {
        name: value for name, value in first.items() if name not in ("edits", "staged")
    }


def test_more_than_can_be_read_is_refused(open_page, root: Path):
    page = open_page(**TINY, user="u0003", open="edit")
    _upload(page, [_ids(root)[0]] * MOST_ENTRIES)
    assert "staged" not in _press(page, "insert_list")
    assert "more than the 5,000 that can be read" in _said(page) and not page.error
    page.run()
    assert "more than the 5,000" not in _said(page)


# -- in a browser ---------------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_copy_in_the_browser(browser: Any, address: str):
    visit = Visit(browser, address).open("?checkpoint=demo&dataset=sample_data&user=u1313")
    caption = visit.page.locator(".surge-caption[data-of=history]")
    assert "38 items" in caption.inner_text()
    visit.click_bar(4)
    visit.press("Duplicate")
    assert re.fullmatch(r"0-4(%2C|,)(%2B|\+)i\d+(%2C|,)5-37", visit.parameter("staged") or "")
    assert "1 to add" in caption.inner_text()
    visit.press("Run")
    assert "1 item added" in visit.page.locator(".st-key-edited").inner_text()
    assert "39 items" in caption.inner_text() and visit.parameter("staged") is None
    visit.close()


@pytest.mark.browser
def test_a_history_that_no_link_holds_in_the_browser(browser: Any, address: str):
    visit = Visit(browser, address).open("?checkpoint=demo&dataset=sample_data&user=u1313&open=edit")
    page = visit.page
    ids = Dataset.load(ROOT / "sample_data").items["item"].to_list() * 3
    content = "\n".join(ids[:4500]).encode()
    page.locator(".st-key-insert_upload input[type=file]").set_input_files(
        {"name": "ids.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Add 4,500 items").click()
    visit.settle()
    visit.press("Run")
    panel = page.locator(".st-key-edited")
    assert "4,500 items added" in panel.inner_text() and "too long for a link" in panel.inner_text()
    assert len(page.url) < 400
    visit.click_bar(3)
    headline = visit.headline()
    page.go_back()
    visit.settle()
    assert "4,500 items added" in panel.inner_text() and visit.headline() == headline
    page.reload()
    page.wait_for_selector(".st-key-selection_bar", timeout=60_000)
    visit.settle()
    assert LOST in page.locator('[data-testid="stAlert"]').inner_text()
    assert visit.parameter("edits") is None and visit.parameter("user") == "u1313"
    visit.close()
