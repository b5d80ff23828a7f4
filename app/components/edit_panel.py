"""What if: a changed history, staged step by step and then run, and users that are made up."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import state, subjects
from app.components.edit_plans import current_plan, staged_plan
from app.components.inspection import Inspection
from app.components.item_search import found_items, offer_item
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.explanation.edit_plan import MOST_ENTRIES, Plan
from surge.explanation.what_if import LARGEST_LIST, read_item_list
from surge.pictures.text import count, listed
from surge.vocabulary.amounts import times

Edit = Callable[[Plan, tuple[int, ...]], Plan]  # of a plan and the places that were chosen in it
_SEARCH, _UPLOAD, _REFUSED = "insert_search_text", "insert_upload", "edit refused"


def edit_buttons(inspection: Inspection) -> None:
    """The edits that the selection allows, as small buttons; each is staged, nothing runs yet."""
    plan, items, members = current_plan(inspection), inspection.selection.items, inspection.members()
    at = {chosen: _places(inspection, plan, chosen) for chosen in {items, members}}
    places = at[items]
    ids = [item.item for item in inspection.base.history.items]
    with st.container(horizontal=True, width="content", gap="small", key="edit_buttons"):

        def edit(label: str, icon: str, words: str, change: Edit, chosen: frozenset[int] = items, more=True) -> None:
            st.button(
                label,
                key=f"edit {icon}",
                icon=f":material/{icon}:",
                help=f"{words} It is staged: nothing runs until you press Run.",
                disabled=not at[chosen] or not more,
                type="tertiary",
                on_click=state.here(_stage_chosen),
                args=(inspection, chosen, change),
            )

        alone, last = len(places) == 1, len(plan.entries) - 1
        words = "Leave the selected items, or those of the selected cluster, out of the history."
        edit("Delete", "delete", words, Plan.delete, items or members)
        words = "Put a copy of each selected item right after it."
        edit("Duplicate", "content_copy", words, lambda plan, places: plan.duplicate(places, ids))
        words = "Leave out everything after the selected item."
        edit("Cut after", "content_cut", words, lambda plan, places: plan.cut_after(places[-1]))
        words = "Move the selected item one place earlier."
        edit("Earlier", "arrow_back", words, _move(-1), more=alone and places[0] > 0)
        words = "Move the selected item one place later."
        edit("Later", "arrow_forward", words, _move(1), more=alone and places[0] < last)
        words = "Keep only the items of the selected cluster (select one in the cluster views)."
        edit("Keep only", "filter_center_focus", words, Plan.keep, members)
        st.button(
            "What if",
            key="open edit",
            icon=":material/edit:",
            help="Add items, run the staged edits, or take them back.",
            on_click=state.toggle_drawer,
            args=("edit",),
            type="primary" if state.current().staged is not None else "secondary",
        )


def _move(by: int) -> Edit:
    return lambda plan, places: plan.move(places[0], places[0] + by)


def _stage_chosen(inspection: Inspection, chosen: frozenset[int], change: Edit) -> None:
    """One more edit of what is staged by now: of two quick presses the second comes before the page is drawn anew."""
    plan = current_plan(inspection)
    if places := _places(inspection, plan, chosen):
        _stage(inspection.plan, change(plan, places))


def _stage(now: Plan, plan: Plan) -> None:
    """The changed plan waits to be run, unless it is `now` on the screen."""
    if len(plan.entries) > MOST_ENTRIES:
        st.session_state[_REFUSED] = (
            f"That would be a history of {len(plan.entries):,} items, more than the {MOST_ENTRIES:,} that can be read."
        )
    else:
        state.stage(None if plan == now else plan.to_text())
    place = state.current()
    state.change(open=place.open | {"edit"})


def _places(inspection: Inspection, plan: Plan, chosen: frozenset[int]) -> tuple[int, ...]:
    """Where the chosen items of the screen stand in the plan that the next edit changes."""
    first = len(inspection.plan.entries) - inspection.record.length  # the model reads the last ones
    places, _ = inspection.plan.follow(plan)
    return tuple(sorted(places[first + i] for i in chosen if first + i in places))


def edit_panel(base: subjects.Subject, dataset: Dataset, inspection: Inspection | None) -> None:
    """What is staged, the way to run it or take it back, and the search for items to add."""
    if inspection is not None and "edit" not in state.current().open and state.current().staged is None:
        if inspection.before is not None or state.current().made_up:
            with st.container(horizontal=True, vertical_alignment="center", key="edited"):
                st.markdown(f"**What if:** {for_markdown(f'{_difference(inspection)} {_too_long()}')}", width="stretch")
                _undo_buttons()
        return
    length = len(base.history.items)
    plan, places = _insertion_places(inspection, length)
    with st.container(border=True, key="edit_panel"):
        left, right = st.columns([3, 2], gap="medium")
        with left:
            st.markdown(
                "**A user made up by you**" if state.current().made_up else "**What if the history were another?**"
            )
            st.markdown(for_markdown(_staged_sentence(inspection, plan)))
            if words := _too_long():
                st.caption(for_markdown(words))
            if refused := st.session_state.pop(_REFUSED, None):
                st.warning(for_markdown(refused))
            with st.container(horizontal=True, vertical_alignment="center"):
                waiting = state.current().staged is not None
                st.button(
                    "Run",
                    key="run_edits",
                    type="primary",
                    icon=":material/play_arrow:",
                    disabled=not waiting or not plan.entries,
                    help="Read the changed history; every view then shows before and after.",
                    on_click=state.here(_run),
                    args=(length,),
                )
                _undo_buttons()
                if inspection is not None:
                    st.button("Close", key="close_edit", type="tertiary", on_click=_close)
                if not state.current().made_up:
                    st.button(
                        "Start from an empty history",
                        key="made_up",
                        type="tertiary",
                        icon=":material/person_add:",
                        help="A user made up by you: add items by search or from a file of item ids.",
                        on_click=_make_up,
                    )
        with right:
            _insertion(base, dataset, inspection, bool(places))


def _too_long() -> str:
    """What an analyst should know of a history that no link holds."""
    if not state.current().long_plans:
        return ""
    return (
        "This history is too long for a link, so a copied link or a reload leaves it out; download the record as "
        "JSON to keep what the model reads of it."
    )


def _undo_buttons() -> None:
    place = state.current()
    st.button(
        "Undo", key="undo_edit", icon=":material/undo:", disabled=not state.can_undo(), on_click=state.undo,
        help="Takes the last step back: what was staged last, or the last run. After a reload all runs are one "
        "step.",
    )  # fmt: skip
    st.button(
        "Reset", key="reset_edits", icon=":material/restart_alt:",
        disabled=place.edits is None and place.staged is None, on_click=state.here(state.run_edits), args=(None,),
        help="Back to the history as it was.",
    )  # fmt: skip


def _insertion(base: subjects.Subject, dataset: Dataset, inspection: Inspection | None, after: bool) -> None:
    """Search for an item and put it after the selected one, or at the end; or many at once from a file."""
    where = "after the selected item" if after else "at the end, as the newest"
    length, insert = len(base.history.items), state.here(_insert)
    text = st.text_input(
        f"Add an item {where}",
        key=_SEARCH,
        placeholder="a part of the title, category or id, then Enter",
        help="Any item that the model knows can be added. Select an item in the history to add after it.",
    ).strip()
    if text:
        for item, title, category in found_items(base.checkpoint, dataset, text):
            offer_item(f"insert {item}", title, category, insert, inspection, length, item)
    upload = st.file_uploader(
        "Or add a list of item ids",
        type=["csv", "txt"],
        key=_UPLOAD,
        max_upload_size=LARGEST_LIST,
        help="One id a line, or a CSV with a column named item; the oldest first.",
    )
    if upload is not None:
        try:
            items = read_item_list(upload.getvalue())
        except SurgeError as error:
            st.error(for_markdown(str(error)))
            return
        known = [item for item in items if item in base.checkpoint.rows]
        if len(known) < len(items):
            strangers = [item for item in items if item not in base.checkpoint.rows]
            named = listed([repr(item[:40]) for item in strangers[:3]])
            st.warning(
                for_markdown(
                    f"The model doesn't know {count(len(strangers), 'of the ids', 'of the ids')}, such as {named}."
                )
            )
        st.button(
            f"Add {count(len(known), 'item')}", key="insert_list", disabled=not known,
            on_click=insert, args=(inspection, length, *known),
        )  # fmt: skip


def _insert(inspection: Inspection | None, length: int, *items: str) -> None:
    st.session_state[_SEARCH] = ""
    plan, places = _insertion_places(inspection, length)
    place = places[-1] + 1 if places else len(plan.entries)
    _stage(inspection.plan if inspection is not None else Plan(()), plan.insert(place, items))


def _insertion_places(inspection: Inspection | None, length: int) -> tuple[Plan, tuple[int, ...]]:
    """What is edited next, and where the selected items stand in it."""
    if inspection is None:
        return staged_plan(length) or Plan(()), ()
    plan = current_plan(inspection)
    return plan, _places(inspection, plan, inspection.selection.items)


def _run(length: int) -> None:
    plan = staged_plan(length)
    if plan is not None and plan.entries:
        state.run_edits(None if plan.is_whole(length) else plan.to_text())
        _close()  # what comes of it is said in one line, out of the way of the pictures


def _close() -> None:
    state.change(open=state.current().open - {"edit"})


def _make_up() -> None:
    state.change(made_up=True, user=None, open=state.current().open | {"edit"})


def _difference(inspection: Inspection) -> str:
    """What was changed in the history that is on the screen."""
    removed = len(inspection.plan.removed(len(inspection.base.history.items)))
    new = sum(isinstance(entry, str) for entry in inspection.plan.entries)
    return f"{_changes(removed, new, inspection.plan)}. {_outcome(inspection)}".strip()


def _outcome(inspection: Inspection) -> str:
    """What came of it: lift and rank before and after."""
    before, after = inspection.before.effects if inspection.before is not None else None, inspection.effects
    if before is None:
        return ""
    ranks = f", its rank from #{before.rank:,} to #{after.rank:,}" if before.rank and after.rank else ""
    lifts = f"{times(before.lift)} to {times(after.lift)}"
    return f"The candidate went from {lifts} as likely as by popularity alone{ranks}."


def _changes(removed: int, new: int, plan: Plan) -> str:
    kept = [entry for entry in plan.entries if isinstance(entry, int)]
    parts = [f"{count(removed, 'item')} left out"] if removed else []
    parts += [f"{count(new, 'item')} added"] if new else []
    parts += ["the order changed"] if kept != sorted(kept) else []
    return listed(parts) or "nothing changed"


def _staged_sentence(inspection: Inspection | None, plan: Plan) -> str:
    if state.current().staged is None:
        if inspection is None:
            return "The history is empty. Add items by search or from a file; the model needs at least one."
        if inspection.before is not None:
            return f"On the screen: {_difference(inspection)} Nothing more is staged."
        return (
            "Nothing is staged. Select items and delete, move, cut or keep them with the buttons of the bar above, or "
            "add some here; then run."
        )
    if not plan.entries:
        return "Staged: nothing would be left. Add an item, or undo."
    length = len(inspection.base.history.items) if inspection is not None else 0
    new = sum(isinstance(entry, str) for entry in plan.entries)
    changed = _changes(len(plan.removed(length)), new, plan)
    longest = inspection.subject.checkpoint.model_config.max_length if inspection is not None else len(plan.entries)
    read = f", of which the model reads the last {longest}" if len(plan.entries) > longest else ""
    return f"Staged: {changed}. The history would have {count(len(plan.entries), 'item')}{read}."
