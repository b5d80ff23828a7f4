"""What is selected on the screen, kept in the session and mirrored in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import streamlit as st

from surge.explanation.plan import whole_number
from surge.pictures.interest_graph import DEFAULT_EDGES, LAYERS, MOST_EDGES
from surge.pictures.selection import Selection

LONGEST_VALUE = 500  # characters of one value in a URL; ids are shorter
LONGEST_EDITS = 20_000  # of a changed history, which names the ids of what was inserted
LONGEST_WRITTEN = 4000  # of one that we write, percent signs and all: servers refuse requests of more than 16 KB
PLANS = ("edits", "staged")
TOO_LONG = "~"  # what a URL says in place of a longer plan, with a digest; no plan begins so
LOST = "The changed history of this link was too long for a link, so it was left out."
MOST_LONG = 32  # longer plans that the session keeps for the back button
MOST_ITEMS = 5000  # positions in a URL; no history is longer
MOST_UNDO = 100
DRAWERS = ("edit", "compare", "versus", "faithfulness", "drift", "population")
TOUR_STEPS = 5
TEXTS = ("checkpoint", "dataset", "user", "candidate", "second", "versus", *PLANS)
FINDER = ("question", "find", "narrow", "sort", "colour")
NUMBERS = ("cluster", "edges", "head", "step", "tour")
NAMES = (*TEXTS, *FINDER, "made_up", "items", *NUMBERS, "layer", "open")
_PLACE, _NOTES, _MIRRORED, _CHOSEN, _UNDO = "place", "place notes", "place mirrored", "place chosen", "place undo"
_LONG = "place long plans"


@dataclass(frozen=True)
class Place:
    """Where the analyst is. `None` means the default: the first checkpoint, a telling user, the top prediction.

    `items` are positions in the history on the screen, from 0; `cluster` is a final cluster. `second` is the
    candidate compared with, `versus` the checkpoint compared with. `edits` is the plan of the history that is read
    (see surge.explanation.plan), `staged` one that waits to be run. With `made_up` there is no user: the plan alone
    is the history. `open` names the drawers that are open; `step` of the drift (None: the last) and `tour` count
    from 1. What the finder shows is `question` to `colour`: see app.components.finder_filters.
    """

    checkpoint: str | None = None
    dataset: str | None = None
    user: str | None = None
    candidate: str | None = None
    second: str | None = None
    versus: str | None = None
    made_up: bool = False
    edits: str | None = None
    staged: str | None = None
    items: frozenset[int] = frozenset()
    cluster: int | None = None
    layer: str = LAYERS[0]
    edges: int = DEFAULT_EDGES
    head: int | None = None
    step: int | None = None
    open: frozenset[str] = frozenset()
    tour: int | None = None
    question: str | None = None
    find: str | None = None
    narrow: str | None = None
    sort: str | None = None
    colour: str | None = None

    @property
    def too_long(self) -> bool:
        """Whether a link can't hold the changed history."""
        return any(_in_url(plan) != plan for plan in (self.edits, self.staged) if plan is not None)

    @property
    def selection(self) -> Selection:
        """The part that every view highlights."""
        return Selection(self.items, self.cluster)


def parse(parameters: Mapping[str, str], long: Mapping[str, str] | None = None) -> tuple[Place, list[str]]:
    """A place from the parameters of a URL, and one sentence for each that makes no sense and was left out.

    `long` holds the plans that are too long for a URL, by what it says in their place. Whether a checkpoint, a user,
    an item or an edit exists is not known here: who looks it up says so.
    """
    notes: list[str] = []
    values: dict[str, Any] = {}
    for name in NAMES:
        text = parameters.get(name)
        if not text:
            continue
        longest = {"items": None, **dict.fromkeys(PLANS, LONGEST_EDITS)}.get(name, LONGEST_VALUE)
        if name in PLANS and text.startswith(TOO_LONG):
            values[name] = (long or {}).get(text)
            if values[name] is None and LOST not in notes:
                notes.append(LOST)
        elif longest is not None and len(text) > longest:
            notes.append(f"The link's {name} is {len(text):,} characters long and was left out.")
        elif name in TEXTS or name in FINDER:
            values[name] = text
        elif name == "layer":
            if text in LAYERS:
                values["layer"] = text
            else:
                notes.append(f"The link names the layer {text!r}; there are {', '.join(LAYERS)}.")
        elif name == "made_up":
            values["made_up"] = text == "1"
        elif name == "open":
            values["open"] = frozenset(part for part in text.split(",") if part in DRAWERS)
        elif name == "items":
            numbers = [whole_number(part) for part in text.split(",", MOST_ITEMS)]
            values["items"] = frozenset(number for number in numbers if number is not None)
            if None in numbers:
                notes.append("The link's items hold something that is not a position in the history; it was left out.")
        elif (number := whole_number(text)) is None:
            notes.append(f"The link's {name} {text!r} is not a whole number; it was left out.")
        else:
            values[name] = number
    if "edges" in values and not 1 <= values["edges"] <= MOST_EDGES:
        notes.append(f"The link asks for {values.pop('edges')} edges; from 1 to {MOST_EDGES:,} can be drawn.")
    if values.get("step") == 0:
        notes.append(f"The steps of the drift count from 1; the link's step {values.pop('step')} was left out.")
    if "tour" in values and not 1 <= values["tour"] <= TOUR_STEPS:
        notes.append(f"The tour has {TOUR_STEPS} steps; the link's step {values.pop('tour')} was left out.")
    return Place(**values), notes


def parameters_of(place: Place) -> dict[str, str]:
    """The URL parameters that lead back to a place; what is at its default is left out."""
    parameters = {name: str(value) for name in (*TEXTS, *FINDER) if (value := getattr(place, name)) is not None}
    parameters |= {name: _in_url(parameters[name]) for name in PLANS if name in parameters}
    if place.made_up:
        parameters["made_up"] = "1"
    if place.items:
        parameters["items"] = ",".join(str(item) for item in sorted(place.items))
    default = Place()
    for name in (*NUMBERS, "layer"):
        if (value := getattr(place, name)) != getattr(default, name):
            parameters[name] = str(value)
    if place.open:
        parameters["open"] = ",".join(name for name in DRAWERS if name in place.open)
    return parameters


def _in_url(plan: str) -> str:
    """The plan, or what stands for it where it is too long."""
    if len(quote(plan, safe="")) <= LONGEST_WRITTEN:
        return plan
    return TOO_LONG + blake2b(plan.encode(), digest_size=8).hexdigest()


def arrive() -> Place:
    """Once at the top of the page: read a URL that this session did not write (a first visit, the back button).

    After a callback the URL that the browser sent may be older than what was chosen, so it isn't read then.
    """
    in_url = st.query_params.to_dict()
    chosen = st.session_state.pop(_CHOSEN, False)
    if _PLACE not in st.session_state or (not chosen and in_url != st.session_state.get(_MIRRORED)):
        st.session_state[_PLACE], st.session_state[_NOTES] = parse(in_url, st.session_state.get(_LONG))
        st.session_state[_UNDO] = []
    return current()


def current() -> Place:
    """The place of this session."""
    return st.session_state.get(_PLACE, Place())


def notes() -> list[str]:
    """What was wrong with the link, until something else is chosen."""
    return st.session_state.get(_NOTES, [])


def add_note(sentence: str) -> None:
    """Keep a sentence about the link on the page, although the URL is put right at once."""
    if sentence not in st.session_state.setdefault(_NOTES, []):
        st.session_state[_NOTES].append(sentence)


def settle(**changes: Any) -> Place:
    """Fill in what a default stands for, or put a mistake right; notes stay."""
    st.session_state[_PLACE] = replace(current(), **changes)
    return st.session_state[_PLACE]


def change(**changes: Any) -> None:
    """What a widget's callback calls: the analyst chose something. Another user, model or log ends the selection.

    A made-up user stays under another model.
    """
    st.session_state[_NOTES] = []
    st.session_state[_CHOSEN] = True
    if whose := changes.keys() & {"checkpoint", "dataset", "user", "made_up"}:
        fresh: dict[str, Any] = dict.fromkeys(("candidate", "second", "cluster", "head", "step"))
        fresh["items"] = frozenset()
        if not current().made_up or whose != {"checkpoint"}:
            fresh |= {"made_up": False, "edits": None, "staged": None}
        changes = {**fresh, **changes}
        st.session_state[_UNDO] = []
    if "dataset" in changes:
        changes = {"user": None, **changes}
    st.session_state[_PLACE] = replace(current(), **changes)


# -- the selection --------------------------------------------------------------------------------------


def click_item(index: int, add: bool) -> None:
    """A click on an item selects it alone (again: nothing), with Shift it is added or taken away."""
    place = current()
    if add:
        change(items=place.items ^ {index})
        return
    alone = place.items == {index} and place.cluster is None
    change(items=frozenset() if alone else frozenset({index}), cluster=None)


def click_cluster(cluster: int, add: bool) -> None:
    """A click on a cluster selects it alone (again: nothing), with Shift the selected items stay."""
    place = current()
    items = place.items if add else frozenset()
    change(items=items, cluster=None if place.cluster == cluster and items == place.items else cluster)


def clear_selection() -> None:
    """Nothing is selected any more."""
    change(items=frozenset(), cluster=None)


def toggle_drawer(name: str) -> None:
    """Open a drawer, or close it."""
    change(open=current().open ^ {name})


# -- edits of the history -------------------------------------------------------------------------------


def stage(plan: str | None) -> None:
    """A changed history waits to be run; None: nothing waits, as it would be the one on the screen."""
    staged = plan if plan != current().edits else None
    if staged != current().staged:
        _remember()
        change(staged=staged)


def run_edits(plan: str | None) -> None:
    """The history on the screen becomes this one (None: as the user left it), and nothing is staged."""
    _remember()
    change(edits=plan, staged=None, items=frozenset(), cluster=None, step=None)


def undo() -> None:
    """Back to what was staged or run before the last edit."""
    if can_undo():
        edits, staged = st.session_state[_UNDO].pop()
        change(edits=edits, staged=staged, items=frozenset(), cluster=None, step=None)


def can_undo() -> bool:
    """Whether there is an edit of this session to take back."""
    return bool(st.session_state.get(_UNDO))


def _remember() -> None:
    steps = st.session_state.setdefault(_UNDO, [])
    steps.append((current().edits, current().staged))
    del steps[:-MOST_UNDO]


def mirror() -> None:
    """Write the place to the URL, where it differs from what stands there."""
    place = current()
    wanted = parameters_of(place)
    if place.too_long:
        long = st.session_state.setdefault(_LONG, {})
        long |= {_in_url(plan): plan for plan in (place.edits, place.staged) if plan is not None}
        for old in list(long)[:-MOST_LONG]:
            del long[old]
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
    st.session_state[_MIRRORED] = wanted
    st.session_state.pop(_CHOSEN, None)
