"""Where the analyst is, and how an address of the page says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from surge.explanation.edit_plan import whole_number
from surge.pictures.interest_graph import DEFAULT_EDGES, LAYERS, MOST_EDGES
from surge.pictures.selection import Selection
from surge.pictures.views import asked

LONGEST_VALUE = 500  # characters of one value in a URL; ids are shorter
LONGEST_EDITS = 20_000  # of a changed history, which names the ids of what was inserted
LONGEST_WRITTEN = 4000  # of one that we write, percent signs and all: servers refuse requests of more than 16 KB
PLANS = ("edits", "staged")
TOO_LONG = "~"  # what a URL says in place of a longer plan, with a digest; no plan begins so
LOST = "The changed history of this link was too long for a link, so it was left out."
MOST_ITEMS = 5000  # positions in a URL; no history is longer
TOUR_STEPS = 5
TEXTS = ("checkpoint", "dataset", "user", "history", "candidate", "second", "versus", *PLANS)
FINDER = ("question", "find", "narrow", "sort", "colour")
NUMBERS = ("cluster", "edges", "head", "step", "tour", "page")
NAMES = (*TEXTS, *FINDER, "made_up", "items", *NUMBERS, "layer", "open")


@dataclass(frozen=True)
class Place:
    """Where the analyst is. `None` means the default: the first checkpoint, a telling user, the top prediction.

    `items` are positions in the history on the screen, from 0; `cluster` is a final cluster. `second` is the
    candidate compared with, `versus` the checkpoint compared with. `edits` is the plan of the history that is read
    (see surge.explanation.edit_plan), `staged` one that waits to be run; `history` is the digest of the user's own
    history in which all of these are positions. With `made_up` there is no user: the plan alone
    is the history. `open` names the drawers that are open; `step` of the drift (None: the last) and `tour` count
    from 1. What the finder shows is `question` to `colour`, see app.components.finder_filters, and a `page` from 1.
    """

    checkpoint: str | None = None
    dataset: str | None = None
    user: str | None = None
    history: str | None = None
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
    page: int | None = None

    @property
    def whose(self) -> tuple[str | bool | None, ...]:
        """What tells the history on the screen from others."""
        return self.checkpoint, self.dataset, self.user, self.made_up, self.edits

    @property
    def counts(self) -> bool:
        """Whether something here counts the items of the user's history, and so means something else in another."""
        steps = (self.edits, self.staged, self.step)
        return not self.made_up and (bool(self.items) or any(each is not None for each in steps))

    @property
    def long_plans(self) -> dict[str, str]:
        """The plans that a link can't hold, by what it says in their place."""
        plans = [plan for plan in (self.edits, self.staged) if plan is not None]
        return {_in_url(plan): plan for plan in plans if _in_url(plan) != plan}

    @property
    def selection(self) -> Selection:
        """The part that every view highlights."""
        return Selection(self.items, self.cluster)


def drawers() -> list[str]:
    """The names of all drawers, in their order."""
    return ["edit", "compare", "versus", *(view.name for view in asked()), "population"]


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
            values["open"] = frozenset(part for part in text.split(",") if part in drawers())
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


def to_parameters(place: Place) -> dict[str, str]:
    """The URL parameters that lead back to a place; what is at its default is left out."""
    parameters = {name: str(value) for name in (*TEXTS, *FINDER) if (value := getattr(place, name)) is not None}
    parameters |= {name: _in_url(parameters[name]) for name in PLANS if name in parameters}
    if not place.counts:
        parameters.pop("history", None)
    if place.made_up:
        parameters["made_up"] = "1"
    if place.items:
        parameters["items"] = ",".join(str(item) for item in sorted(place.items))
    default = Place()
    for name in (*NUMBERS, "layer"):
        if (value := getattr(place, name)) != getattr(default, name):
            parameters[name] = str(value)
    if place.open:
        parameters["open"] = ",".join(name for name in drawers() if name in place.open)
    return parameters


def _in_url(plan: str) -> str:
    """The plan, or what stands for it where it is too long."""
    if len(quote(plan, safe="")) <= LONGEST_WRITTEN:
        return plan
    return TOO_LONG + blake2b(plan.encode(), digest_size=8).hexdigest()
