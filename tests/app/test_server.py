"""A running server in a real browser: work that pages watch, stop and leave, and a folder that is replaced under it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from surge.checkpoint import load_checkpoint, save_checkpoint
from surge.folders import ROOTS_VARIABLE
from tests.app.conftest import World
from tests.app.visit import Visit
from tests.serving import ROOT, serve

pytestmark = pytest.mark.browser
USER = "?checkpoint=tiny%20model&dataset=tiny&user=u0005&candidate={}"
# every catalogue is too large to wait for, and its scoring goes on until it is stopped
ENDLESS = """
import runpy, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from app import background, scoring, subjects

def rank_catalogue(checkpoint, history, progress):
    told = Path({told!r})
    told.write_text("running")
    try:
        while True:
            time.sleep(0.02)
            progress(0.25)
    except Exception:
        told.write_text("stopped")
        raise

subjects.MOST_CELLS_AT_ONCE = 1
scoring.rank_catalogue = rank_catalogue
background.SCORINGS._patience = float(Path({told!r} + ".patience").read_text())
runpy.run_path({root!r} + "/app/main.py", run_name="__main__")
"""


class Endless:
    """A server whose scoring never ends by itself, and how that stands."""

    def __init__(self, address: str, told: Path, item: str) -> None:
        self.address, self.told, self.url = address, told, USER.format(item)

    def wait_for_pages(self, seconds: float) -> Endless:
        """From the next page on, pages that are gone are waited for so long; nothing was told yet."""
        self.told.with_name("told.patience").write_text(str(seconds), encoding="utf-8")
        self.told.unlink(missing_ok=True)
        return self

    def comes_to(self, page: Any, state: str) -> bool:
        """Waits until the work says so; the page goes on meanwhile."""
        for _ in range(200):
            if self.told.is_file() and self.told.read_text(encoding="utf-8") == state:
                return True
            page.wait_for_timeout(50)
        return False


@pytest.fixture(scope="module")
def endless(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endless]:
    root = tmp_path_factory.mktemp("endless")
    (root / "app.py").write_text(ENDLESS.format(root=str(ROOT), told=str(root / "told")), encoding="utf-8")
    item = str(load_checkpoint(world.root / "tiny model").items["item"][0])
    with serve(root / "app.py", {ROOTS_VARIABLE: str(world.root)}) as address:
        yield Endless(address, root / "told", item)


def _button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def test_stop_works_after_a_reload(browser: Any, endless: Endless) -> None:
    visit = Visit(browser, endless.wait_for_pages(60).address).open(endless.url)
    page = visit.page
    _button(page, "Score the catalogue").click()
    page.get_by_text("items: 25%").wait_for(timeout=20_000)
    page.reload()
    page.get_by_text("items: 25%").wait_for(timeout=20_000)
    _button(page, "Stop").click()
    _button(page, "Score the catalogue").wait_for(timeout=20_000)
    assert endless.comes_to(page, "stopped")
    assert page.get_by_text("so it starts only when you press the button").count() == 1
    visit.close()


def test_what_another_page_watches_goes_on_until_that_is_closed(browser: Any, endless: Endless) -> None:
    endless.wait_for_pages(1)
    asker, watcher = Visit(browser, endless.address).open(endless.url), Visit(browser, endless.address)
    _button(asker.page, "Score the catalogue").click()
    asker.page.get_by_text("items: 25%").wait_for(timeout=20_000)
    watcher.page.goto(f"{endless.address}/{endless.url}")
    watcher.page.get_by_text("items: 25%").wait_for(timeout=40_000)
    _button(asker.page, "Stop").click()
    asker.page.get_by_text("Another page still waits for the scoring that you stopped").wait_for(timeout=20_000)
    asker.page.wait_for_timeout(1500)  # longer than a page is waited for that is gone
    assert endless.told.read_text(encoding="utf-8") == "running"
    watcher.close()
    assert endless.comes_to(asker.page, "stopped")
    asker.close()


def test_who_goes_to_another_page_leaves_the_work(browser: Any, endless: Endless) -> None:
    visit = Visit(browser, endless.wait_for_pages(60).address).open(endless.url)
    _button(visit.page, "Score the catalogue").click()
    visit.page.get_by_text("items: 25%").wait_for(timeout=20_000)
    _button(visit.page, "The model").click()
    assert endless.comes_to(visit.page, "stopped")
    visit.close()


def test_a_folder_that_is_replaced_is_read_anew_and_an_old_page_says_so(
    browser: Any, world: World, tmp_path: Path
) -> None:
    for name in ("tiny model", "tiny"):
        shutil.copytree(world.root / name, tmp_path / name)
    folder = tmp_path / "tiny model"
    checkpoint = load_checkpoint(folder)
    url = USER.format(checkpoint.items["item"][0])
    with serve(ROOT / "app" / "main.py", {ROOTS_VARIABLE: str(tmp_path)}) as address:
        visit, old = Visit(browser, address).open(url), Visit(browser, address).open(url)
        before = visit.headline()
        with torch.no_grad():
            checkpoint.model.item_embedding.weight.copy_(checkpoint.model.item_embedding.weight.flip(0) * 3)
        save_checkpoint(
            folder,
            checkpoint.model,
            checkpoint.items,
            training_config=checkpoint.training_config,
            metrics={"test": {"auc": 0.5}},
            history=[],
            description=checkpoint.description,
            overwrite=True,
        )
        old.open_drawer("Do the weights tell what really matters?")
        said = old.page.get_by_text("was replaced while this page was open; load the page again")
        assert said.count() == 1 and old.headline() == before
        for page in (visit, old):
            page.page.reload()
            page.page.wait_for_selector(".st-key-selection_bar", timeout=60_000)
            assert page.settle().headline() != before
        visit.close()
        old.close()
