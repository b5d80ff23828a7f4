"""What if: a changed history, staged step by step and then run, and users that are made up."""

from __future__ import annotations

import streamlit as st

from app import loading, state
from app.components.inspection import Inspection
from app.components.item_search import found_items
from app.components.labels import as_text
from app.views.before import Staged
from app.views.text import count, listed
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.explanation.plan import Plan
from surge.explanation.what_if import read_item_list, read_plan

_SEARCH, _UPLOAD = "insert_search_text", "insert_upload"


def parse_plan(text: str | None, length: int, name: str) -> Plan | None:
    """The plan of the URL for this history; one that makes no sense is said and forgotten."""
    if text is None:
        return None
    try:
        return Plan.from_text(text, length)
    except SurgeError as error:
        st.warning(as_text(f"The link's {name} don't fit this history: {error} They were left out."))
        state.settle(**{name: None})
        return None


def staged_marks(plan: Plan, staged: Plan, subject: loading.Subject) -> Staged:
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


def _title(subject: loading.Subject, item: str) -> str:
    row = subject.checkpoint.rows.get(item)
    return item if row is None else subject.checkpoint.items["title"][row] or item


def current_plan(inspection: Inspection) -> Plan:
    """What the next edit changes: the staged plan, or the one on the screen."""
    return _staged(len(inspection.base.history.items)) or inspection.plan


def _staged(length: int) -> Plan | None:
    return parse_plan(state.current().staged, length, "staged")


def edit_buttons(inspection: Inspection) -> None:
    """The edits that the selection allows, as small buttons; each is staged, nothing runs yet."""
    plan = current_plan(inspection)
    places = _places(inspection, plan)
    cluster = inspection.selection.cluster
    with st.container(horizontal=True, width="content", gap="small", key="edit_buttons"):
        _edit("Delete", "delete", "Leave the selected items out of the history.", places, plan.delete, places)
        last = max(places, default=0)
        _edit("Cut after", "content_cut", "Leave out everything after the selected item.", places, plan.cut_after, last)
        one = places if len(places) == 1 else ()
        _edit("Earlier", "arrow_back", "Move the selected item one place earlier.", one, plan.move, last, last - 1)
        _edit("Later", "arrow_forward", "Move the selected item one place later.", one, plan.move, last, last + 1)
        words = "Keep only the items of the selected cluster (select one in the cluster views)."
        members = _places(inspection, plan, inspection.members()) if cluster is not None else ()
        _edit("Keep only", "filter_center_focus", words, members, plan.keep, members)
        st.button(
            "What if",
            key="open edit",
            icon=":material/edit:",
            help="Add items, run the staged edits, or take them back.",
            on_click=state.toggle_drawer,
            args=("edit",),
            type="primary" if state.current().staged is not None else "secondary",
        )


def _edit(label: str, icon: str, words: str, places, change, *arguments) -> None:
    st.button(
        label,
        key=f"edit {icon}",
        icon=f":material/{icon}:",
        help=f"{words} It is staged: nothing runs before you say so.",
        disabled=not places,
        type="tertiary",
        on_click=_stage,
        args=(change, *arguments),
    )


def _stage(change, *arguments) -> None:
    plan = change(*arguments)
    state.stage(plan.to_text())
    place = state.current()
    state.change(open=place.open | {"edit"})


def _places(inspection: Inspection, plan: Plan, items: frozenset[int] | None = None) -> tuple[int, ...]:
    """Where the selected items of the screen stand in the plan that the next edit changes."""
    first = len(inspection.plan.entries) - inspection.record.length
    places, _ = inspection.plan.follow(plan)
    chosen = inspection.selection.items if items is None else items
    return tuple(sorted(places[first + i] for i in chosen if first + i in places))


def edit_panel(base: loading.Subject, dataset: Dataset, inspection: Inspection | None) -> None:
    """What is staged, the way to run it or take it back, and the search for items to add."""
    if inspection is not None and "edit" not in state.current().open and state.current().staged is None:
        if inspection.before is not None or state.current().made_up:
            with st.container(horizontal=True, vertical_alignment="center", key="edited"):
                st.markdown(f"**What if:** {as_text(_difference(inspection))}", width="content")
                _undo_buttons()
        return
    length = len(base.history.items)
    plan = current_plan(inspection) if inspection is not None else _staged(length) or Plan(())
    with st.container(border=True, key="edit_panel"):
        left, right = st.columns([3, 2], gap="medium")
        with left:
            st.markdown(
                "**A user made up by you**" if state.current().made_up else "**What if the history were another?**"
            )
            st.markdown(as_text(_staged_sentence(inspection, plan)))
            with st.container(horizontal=True, vertical_alignment="center"):
                waiting = state.current().staged is not None
                st.button(
                    "Run",
                    key="run_edits",
                    type="primary",
                    icon=":material/play_arrow:",
                    disabled=not waiting or not plan.entries,
                    help="Read the changed history; every view then shows before and after.",
                    on_click=_run,
                    args=(plan, length),
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
            _insertion(base, dataset, inspection, plan)


def _undo_buttons() -> None:
    place = state.current()
    st.button(
        "Undo", key="undo_edit", icon=":material/undo:", disabled=not state.can_undo(), on_click=state.undo,
        help="Take the last edit back.",
    )  # fmt: skip
    st.button(
        "Reset", key="reset_edits", icon=":material/restart_alt:",
        disabled=place.edits is None and place.staged is None, on_click=state.run_edits, args=(None,),
        help="Back to the history as it was.",
    )  # fmt: skip


def _insertion(base: loading.Subject, dataset: Dataset, inspection: Inspection | None, plan: Plan) -> None:
    """Search for an item and put it after the selected one, or at the end; or many at once from a file."""
    places = _places(inspection, plan) if inspection is not None else ()
    place = max(places) + 1 if places else len(plan.entries)
    where = "after the selected item" if places else "at the end, as the newest"
    text = st.text_input(
        f"Add an item {where}",
        key=_SEARCH,
        placeholder="a part of the title, category or id, then Enter",
        help="Any item that the model knows can be added. Select an item in the history to add after it.",
    ).strip()
    if text:
        for row in found_items(base.checkpoint, dataset, text):
            name = as_text(row["title"] or row["item"], 60) + (
                f" · *{as_text(row['category'], 30)}*" if row["category"] else ""
            )
            st.button(
                name, key=f"insert {row['item']}", on_click=_insert, args=(plan, place, row["item"]), type="tertiary"
            )
    upload = st.file_uploader(
        "Or add a list of item ids",
        type=["csv", "txt"],
        key=_UPLOAD,
        help="One id a line, or a CSV with a column named item; the oldest first.",
    )
    if upload is not None:
        try:
            items = read_item_list(upload.getvalue())
        except SurgeError as error:
            st.error(as_text(str(error)))
            return
        known = [item for item in items if item in base.checkpoint.rows]
        if len(known) < len(items):
            strangers = [item for item in items if item not in base.checkpoint.rows]
            named = listed([repr(item[:40]) for item in strangers[:3]])
            st.warning(
                as_text(f"The model doesn't know {count(len(strangers), 'of the ids', 'of the ids')}, such as {named}.")
            )
        st.button(
            f"Add {count(len(known), 'item')}", key="insert_list", disabled=not known,
            on_click=_insert, args=(plan, place, *known),
        )  # fmt: skip


def _insert(plan: Plan, place: int, *items: str) -> None:
    st.session_state[_SEARCH] = ""
    _stage(plan.insert, place, items)


def _run(plan: Plan, length: int) -> None:
    state.run_edits(None if plan.is_whole(length) else plan.to_text())


def _close() -> None:
    state.change(open=state.current().open - {"edit"})


def _make_up() -> None:
    state.change(made_up=True, user=None, open=state.current().open | {"edit"})


def _difference(inspection: Inspection) -> str:
    """What was changed in the history that is on the screen."""
    removed = len(inspection.plan.removed(len(inspection.base.history.items)))
    new = sum(isinstance(entry, str) for entry in inspection.plan.entries)
    ghosts = "; the hollow marks are how it was" if inspection.before is not None else ""
    return f"{_changes(removed, new, inspection.plan)}{ghosts}."


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
