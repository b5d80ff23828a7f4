"""Plans of edits in the place: read for this history and this model, and what of them the strip marks."""

from __future__ import annotations

import streamlit as st

from app import state, subjects
from app.address import PLANS
from app.components.inspection import Inspection
from surge.checkpoint import Checkpoint
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.explanation.edit_plan import Plan
from surge.explanation.what_if import known_plan, read_plan
from surge.pictures.edit_context import Staged
from surge.pictures.text import listed


def parse_plan(text: str | None, length: int, name: str) -> Plan | None:
    """The plan of the URL for this history; one that makes no sense is said and forgotten."""
    if text is None:
        return None
    try:
        return Plan.from_text(text, length)
    except SurgeError as error:
        st.warning(for_markdown(f"The link's {name} don't fit this history: {error} They were left out."))
        state.settle(**{name: None})
        return None


def leave_out_unknown(checkpoint: Checkpoint) -> None:
    """Of a made-up user's items those that this model doesn't know are said and forgotten: another model knew them."""
    known: dict[str, str | None] = {}
    gone: list[str] = []
    for name in PLANS:
        plan = parse_plan(getattr(state.current(), name), 0, name)
        left = known_plan(checkpoint, plan) if plan is not None else plan
        if plan is None or left is None or left == plan:
            continue
        known[name] = left.to_text() if left.entries else None
        gone += [repr(str(entry)[:40]) for entry in dict.fromkeys(plan.entries) if entry not in left.entries]
    if gone:
        gone = list(dict.fromkeys(gone))
        named = listed(gone if len(gone) <= 3 else [*gone[:2], f"{len(gone) - 2:,} more"])
        st.warning(for_markdown(f"The model of checkpoint {checkpoint.name!r} doesn't know {named}; left out."))
        state.settle(**known)


def settle_plans(plan: Plan, length: int) -> None:
    """Edits that lead back to what is there already are none."""
    if state.current().edits is not None and plan.is_whole(length):
        state.settle(edits=None)
    if staged_plan(length) == plan:
        state.settle(staged=None)


def staged_marks(plan: Plan, staged: Plan, subject: subjects.Subject) -> Staged:
    """The difference of a staged plan to the one on the screen, in indices of the screen."""
    first = len(plan.entries) - len(subject.history.items)  # earlier entries are not read
    places, moves = plan.follow(staged)
    unread = len(staged.entries) - len(read_plan(subject.checkpoint, staged).entries)
    gone = [place for place in range(len(plan.entries)) if places.get(place, -1) < unread]
    follows = {there: here for here, there in places.items()}
    added, after = [], -1
    for place, entry in enumerate(staged.entries):
        if place in follows:
            after = max(follows[place] - first, -1)
        elif place >= unread:
            added.append((after, _title(subject, str(entry))))
    return Staged(
        frozenset(place - first for place in gone if place >= first),
        frozenset(place - first for place in moves if place >= first and place not in gone),
        tuple(added),
    )


def _title(subject: subjects.Subject, item: str) -> str:
    row = subject.checkpoint.rows.get(item)
    return item if row is None else subject.checkpoint.items["title"][row] or item


def current_plan(inspection: Inspection) -> Plan:
    """What the next edit changes: the staged plan, or the one on the screen."""
    return staged_plan(len(inspection.base.history.items)) or inspection.plan


def staged_plan(length: int) -> Plan | None:
    """The plan that waits to be run, None where none does."""
    return parse_plan(state.current().staged, length, "staged")
