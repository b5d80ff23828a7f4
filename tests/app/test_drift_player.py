"""The drift by keyboard, and its step in the address: in the browser, from links, and from what a browser may send."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app import state
from app.address import Place, parse, to_parameters
from app.components import drawers, drift_player
from app.components.drift_player import last_step
from tests.app.visit import Visit

PLOT = "document.querySelector('.st-key-drift .js-plotly-plot')"
ACTIVE = f"{PLOT}.layout.sliders[0].active"
# the items read at the step that is drawn: where the line through the curves stands
DRAWN = f"{PLOT}._fullData.at(-1).x[0]"
OPEN = "?checkpoint=demo&dataset=sample_data&user=u1313&open=drift"
QUESTION = "How did the interests grow over time?"


# -- the address ------------------------------------------------------------------------------------------


def test_a_step_survives_its_url() -> None:
    assert parse({"step": "5"}) == (Place(step=5), []) and to_parameters(Place(step=5)) == {"step": "5"}
    assert "step" not in to_parameters(Place())


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "x", "９", "1" * 10])
def test_a_step_that_is_none_is_left_out_with_one_sentence(text: str) -> None:
    place, notes = parse({"step": text})
    assert place == Place() and len(notes) == 1 and "step" in notes[0]


def test_another_history_has_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    session: dict[str, Any] = {"place": Place(user="a", step=5, candidate="i", head=1)}
    monkeypatch.setattr(state.st, "session_state", session)
    state.change(candidate="j")
    assert state.current().step == 5  # the same history
    state.change(user="b")
    assert state.current() == Place(user="b")
    state.change(step=3)
    state.run_edits("0-4")
    assert state.current().step is None
    state.change(step=2)
    state.undo()
    assert state.current().step is None


def test_steps_count_from_one_and_the_last_is_where_it_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state.st, "session_state", {})
    monkeypatch.setattr(drawers.st, "warning", lambda *told, **named: None)
    for asked, shown, kept in ((None, 5, None), (1, 0, 1), (5, 4, 5), (6, 5, 6), (7, 5, None)):
        state.settle(step=asked)
        assert (drawers._step(5), state.current().step) == (shown, kept)
    for reported, step in ((0, 1), (4, 5), (5, None), (6, 2), (None, 2)):
        state.settle(step=2)
        monkeypatch.setattr(drawers, "last_step", lambda reported=reported: reported)
        drawers._settle_step(5)
        assert state.current().step == step


# -- what the browser sends -------------------------------------------------------------------------------


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the browser has reported, to be filled in."""
    session: dict[str, Any] = {}
    monkeypatch.setattr(drift_player.st, "session_state", session)
    return session


@pytest.mark.parametrize("value", [None, "5", {}, {"step": "5"}, {"step": True}, {"step": -1}, {"step": 1.5}, [5]])
def test_what_is_no_step_is_none(reported: dict[str, Any], value: Any) -> None:
    assert last_step() is None
    reported[drift_player.KEY] = {"rested": value}
    assert last_step() is None


def test_an_answer_says_which_step_it_answers(reported: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    heard: list[int | None] = []
    monkeypatch.setattr(drift_player, "_component", lambda **given: sent.append(given))

    def draw(step: int) -> None:
        drift_player.drift_player("drift", step, lambda: heard.append(last_step()))

    draw(7)
    assert sent[-1]["data"] == {"chart": "drift", "step": 7, "answered": 0}
    reported[drift_player.KEY] = {"rested": {"step": 3, "number": 1_800_000_000_123}}
    sent[-1]["on_rested_change"]()
    draw(3)
    assert heard == [3] and sent[-1]["data"] == {"chart": "drift", "step": 3, "answered": 1_800_000_000_123}
    reported[drift_player.KEY] = {"rested": {"step": 4, "number": "soon"}}
    sent[-1]["on_rested_change"]()
    draw(4)
    assert heard == [3, 4] and sent[-1]["data"]["answered"] == 1_800_000_000_123


# -- in the browser ---------------------------------------------------------------------------------------


def opened(visit: Visit, url: str) -> Any:
    """Goes to a link whose drift is open; the slider."""
    visit.open(url)
    slider = visit.page.get_by_role("slider", name="Step of the history")
    slider.wait_for(timeout=60_000)
    visit.settle()
    return slider


def at(visit: Visit, step: int) -> None:
    """Waits until the slider and the picture are at a step, from 1 (in the demo's history: one an item)."""
    visit.page.wait_for_function(f"{ACTIVE} === {step - 1} && {DRAWN} === {step}", timeout=10_000)


def in_url(visit: Visit, step: int | None) -> None:
    """Waits until the address names a step, or none."""
    named = "(url) => !/[?&]step=/.test(url)" if step is None else f"(url) => /[?&]step={step}(&|$)/.test(url)"
    visit.page.wait_for_function(f"({named})(location.href)", timeout=10_000)
    visit.settle()


@pytest.mark.browser
def test_the_slider_by_keyboard(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    slider, page = opened(visit, OPEN), visit.page
    last = int(slider.get_attribute("aria-valuemax"))
    assert last > 12 and slider.get_attribute("aria-valuemin") == "1"
    at(visit, last)
    slider.focus()
    for key, step in {
        "Home": 1,
        "ArrowLeft": 1,
        "ArrowRight": 2,
        "ArrowUp": 3,
        "PageUp": 8,
        "ArrowDown": 7,
        "PageDown": 2,
        "End": last,
    }.items():
        page.keyboard.press(key)
        at(visit, step)
        assert slider.get_attribute("aria-valuenow") == str(step)
        assert re.match(rf"After {step} items?: ", slider.get_attribute("aria-valuetext"))
    for _ in range(7):  # faster than plotly draws
        page.keyboard.press("ArrowLeft")
    at(visit, last - 7)
    assert slider.evaluate("(element) => getComputedStyle(element).outlineStyle") == "solid"
    reached = page.evaluate(
        """() => [...document.querySelectorAll('.st-key-drift [tabindex="0"]')].map((e) => e.getAttribute('role'))"""
    )
    assert sorted(role for role in reached if role) == ["button", "button", "slider"]
    visit.close()


@pytest.mark.browser
def test_the_step_stands_in_the_address_and_reopens(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    slider, page = opened(visit, OPEN), visit.page
    last = int(slider.get_attribute("aria-valuemax"))
    assert visit.parameter("step") is None
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    at(visit, 6)
    page.evaluate(
        """() => {
          const plot = document.querySelector('.st-key-drift .js-plotly-plot');
          globalThis.drawnAnew = 0;
          plot.on('plotly_afterplot', () => (globalThis.drawnAnew += 1));
          plot.on('plotly_react', () => (globalThis.drawnAnew += 1));
        }"""
    )
    in_url(visit, 6)
    at(visit, 6)
    assert page.evaluate("globalThis.drawnAnew") == 0  # the report changes nothing in the picture
    assert slider.evaluate("(element) => element === document.activeElement")

    again = Visit(browser, address)
    opened(again, page.url)
    at(again, 6)
    assert again.page.url == page.url
    again.close()

    visit.open_drawer(QUESTION)  # closed
    assert slider.count() == 0
    visit.open_drawer(QUESTION)
    slider.wait_for(timeout=60_000)
    at(visit, 6)
    slider.focus()
    page.keyboard.press("End")
    in_url(visit, None)
    at(visit, last)
    visit.close()


@pytest.mark.browser
def test_play_and_pause_by_keyboard(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    opened(visit, f"{OPEN}&step=3")
    at(visit, 3)
    page = visit.page
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"{ACTIVE} >= 4", timeout=10_000)
    assert visit.parameter("step") == "3"  # nothing is reported while it plays
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Pause"
    page.keyboard.press(" ")
    page.wait_for_function(f"!/[?&]step=3(&|$)/.test(location.href) && {ACTIVE} + 1 === {DRAWN}", timeout=10_000)
    rested = int(page.evaluate(ACTIVE)) + 1
    assert rested < int(page.get_by_role("slider", name="Step of the history").get_attribute("aria-valuemax"))
    in_url(visit, rested)
    assert page.locator(".st-key-drift .textpoint text").count() == page.evaluate(
        "document.querySelector('.st-key-drift .js-plotly-plot')._fullData[1].x.length"
    )  # no letter is lost on the way
    visit.close()


def go_to(visit: Visit, *changes: tuple[str, str]) -> None:
    """The same visit at another address with another candidate, as the back button leads to one."""
    before = visit.headline()
    for old, new in changes:
        visit.page.evaluate("([old, now]) => history.pushState({}, '', location.href.replace(old, now))", [old, new])
    visit.page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
    visit.page.wait_for_function(
        "(before) => document.querySelector('.st-key-headline').innerText !== before", arg=before, timeout=30_000
    )
    visit.settle()


@pytest.mark.browser
def test_another_candidate_stays_at_the_step(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    opened(visit, f"{OPEN}&step=9&candidate=i0490")
    at(visit, 9)
    go_to(visit, ("i0490", "i0449"))
    assert visit.parameter("candidate") == "i0449" and visit.parameter("step") == "9"
    at(visit, 9)
    visit.close()


@pytest.mark.browser
def test_another_theme_and_another_width_stay_at_the_step(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    slider, page = opened(visit, f"{OPEN}&step=9"), visit.page
    at(visit, 9)
    light = page.evaluate(f"{PLOT}.layout.font.color")
    page.emulate_media(color_scheme="dark")
    visit.click_bar(2)  # the page hears of it with the next click
    page.wait_for_function(f"(light) => {PLOT}.layout.font.color !== light", arg=light, timeout=30_000)
    visit.settle()
    at(visit, 9)
    page.set_viewport_size({"width": 1000, "height": 1000})
    visit.settle()
    at(visit, 9)
    assert slider.get_attribute("aria-valuenow") == "9" and visit.parameter("step") == "9"
    slider.focus()
    page.keyboard.press("ArrowRight")
    at(visit, 10)
    visit.close()


@pytest.mark.browser
def test_the_step_that_was_shown_last_is_reached_again(browser: Any, address: str) -> None:
    """Plotly's slider follows no frame that it followed last: another candidate opens at the last step again."""
    visit = Visit(browser, address)
    slider, page = opened(visit, f"{OPEN}&step=3&candidate=i0490"), visit.page
    at(visit, 3)
    go_to(visit, ("i0490", "i0449"), ("&step=3", ""))
    last = int(slider.get_attribute("aria-valuemax"))
    at(visit, last)
    slider.focus()
    page.keyboard.press("Home")
    at(visit, 1)
    for step in (2, 3, 4):
        page.keyboard.press("ArrowRight")
        at(visit, step)
    visit.close()


@pytest.mark.browser
def test_the_slider_by_mouse(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    slider, page = opened(visit, OPEN), visit.page
    tick = page.locator(".st-key-drift .slider-tick-rect").nth(4)
    tick.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
    box = tick.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    at(visit, 5)
    in_url(visit, 5)
    assert slider.get_attribute("aria-valuenow") == "5"
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{ACTIVE} >= 6", timeout=10_000)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.wait_for_function(f"!/[?&]step=5(&|$)/.test(location.href) && {ACTIVE} + 1 === {DRAWN}", timeout=10_000)
    assert 5 < int(page.evaluate(ACTIVE)) + 1 < int(slider.get_attribute("aria-valuemax"))
    visit.close()


@pytest.mark.browser
@pytest.mark.parametrize("step", ["999", "0", "x"])
def test_a_step_that_the_history_does_not_have(browser: Any, address: str, step: str) -> None:
    visit = Visit(browser, address)
    slider = opened(visit, f"{OPEN}&step={step}")
    at(visit, int(slider.get_attribute("aria-valuemax")))
    assert visit.page.get_by_text("was left out").count() == 1 and visit.parameter("step") is None
    visit.close()
