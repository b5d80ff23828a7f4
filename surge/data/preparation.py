"""From raw log to dataset folder: rows that can't be used are counted by reason, the rest cut, sorted, written."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from surge.data.cleaning import clean, item_table, k_core
from surge.data.description import describe, time_split
from surge.data.folder import check_output, working_folder, write_dataset
from surge.data.formats import FORMATS
from surge.data.tables import RawLog, ReadOptions
from surge.data.times import TIME_UNITS, detect_time_unit, parse_moment
from surge.errors import SurgeError

SPLITS = ("time", "leave-last")
STAGES = ("reading", "cleaning", "sorting", "k-core", "items", "writing")


def prepare(
    format: str,
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    name: str | None = None,
    split: str = "time",
    valid_start: str | int | None = None,
    test_start: str | int | None = None,
    min_user_interactions: int | None = None,
    min_item_interactions: int | None = None,
    start: str | int | None = None,
    end: str | int | None = None,
    behaviours: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    items_file: str | Path | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    time_unit: str = "auto",
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write a dataset folder from raw files and return its description (the content of dataset.json).

    What is left as None takes the format's own default. `columns` maps user, item, time, rating, behaviour,
    title, category to column names. Times are ISO dates or unix seconds; `end` is inclusive. `progress` is told
    the name of each stage of `STAGES` as it begins. Raises SurgeError for anything that can't be used.
    """
    output = Path(output)
    paths = [Path(path) for path in inputs]
    say = progress or (lambda stage: None)
    _check_options(format, split, valid_start, test_start, time_unit)
    kind = FORMATS[format]
    least = {
        "user": kind.min_user_interactions if min_user_interactions is None else min_user_interactions,
        "item": kind.min_item_interactions if min_item_interactions is None else min_item_interactions,
    }
    if min(least.values()) < 1:
        raise SurgeError("the least number of interactions must be 1 or more")
    offset = kind.utc_offset_hours
    window = (
        parse_moment(kind.window[0] if start is None else start, "--start", offset),
        parse_moment(kind.window[1] if end is None else end, "--end", offset, end=True),
    )
    if window[0] is not None and window[1] is not None and window[0] > window[1]:
        raise SurgeError("--start lies after --end; swap them")
    cuts = (
        parse_moment(valid_start, "--valid-start", offset),
        parse_moment(test_start, "--test-start", offset),
    )
    kept_behaviours = tuple(kind.behaviours if behaviours is None else behaviours)
    check_output(output, force)
    with working_folder(output) as work:
        say("reading")
        options = ReadOptions(
            work,
            dict(columns or {}),
            Path(items_file) if items_file is not None else None,
            delimiter,
            encoding,
            kept_behaviours,
        )
        _check_reading(format, options)
        try:
            log = kind.read(paths, options)
            if kept_behaviours and "behaviour" not in log.rows.collect_schema():
                raise SurgeError("--behaviour needs the column that holds it; name it with --behaviour-column")
            unit, notes = _time_unit(log, kind.time_unit if time_unit == "auto" else time_unit)
            say("cleaning")
            cleaned = clean(log, unit, window, kept_behaviours)
        except pl.exceptions.PolarsError as problem:
            raise SurgeError(_reading_problem(paths, problem)) from problem
        notes = [*log.notes, *notes, *cleaned.notes]
        say("sorting")
        interactions = cleaned.rows.sort("user", "timestamp", "row")
        distinct = interactions.unique(["user", "item", "timestamp"], keep="first", maintain_order=True)
        dropped = {**cleaned.dropped, "exact duplicate": len(interactions) - len(distinct)}
        say("k-core")
        interactions, below = k_core(distinct.drop("row"), least["user"], least["item"])
        dropped.update(below)
        dropped = {reason: count for reason, count in dropped.items() if count}
        if not len(interactions):
            raise SurgeError(_nothing_left(cleaned.rows_read, dropped))
        say("items")
        items, item_notes = item_table(interactions, cleaned.about_items, log.items)
        chosen_split = time_split(interactions["timestamp"], *cuts) if split == "time" else {"method": split}
        preparation = {
            "command": "prepare",
            "format": format,
            "inputs": [path.name for path in paths],
            "options": {
                "min_user_interactions": least["user"],
                "min_item_interactions": least["item"],
                "start": window[0],
                "end": window[1],
                "behaviours": list(kept_behaviours),
                "columns": dict(columns or {}),
                "items_file": Path(items_file).name if items_file is not None else None,
                "time_unit": unit,
            },
            "rows_read": cleaned.rows_read,
            "rows_kept": len(interactions),
            "dropped": dropped,
            "notes": [*notes, *item_notes],
            "versions": {"polars": pl.__version__},
        }
        description = describe(
            interactions, items, name=name or output.absolute().name, split=chosen_split, preparation=preparation
        )
        say("writing")
        write_dataset(output, interactions, items, description, force=force)
    return description


def _check_options(
    format: str, split: str, valid_start: str | int | None, test_start: str | int | None, time_unit: str
) -> None:
    for value, choices, what in (
        (format, FORMATS, "format"),
        (split, SPLITS, "split"),
        (time_unit, TIME_UNITS, "unit"),
    ):
        if value not in choices:
            raise SurgeError(f"there is no {what} {value!r}; choose from {', '.join(choices)}")
    if split != "time" and (valid_start is not None or test_start is not None):
        raise SurgeError("--valid-start and --test-start belong to --split time; leave them out or change the split")


def _check_reading(format: str, options: ReadOptions) -> None:
    """Refuse what a format would pass over in silence."""
    kind = FORMATS[format]
    given = {f"--{role}-column": True for role in options.columns}
    refused = {} if kind.has_named_columns else {**given, "--delimiter": options.delimiter is not None}
    if not kind.takes_items_file:
        refused["--items"] = options.items_file is not None
    for option, is_given in refused.items():
        if is_given:
            raise SurgeError(f"{option} means nothing to the format {format}; leave it out, or use the format csv")


def _time_unit(log: RawLog, unit: str) -> tuple[str, list[str]]:
    return detect_time_unit(log.rows) if unit == "auto" else (unit, [])


def _reading_problem(paths: Sequence[Path], problem: Exception) -> str:
    name = paths[0].name if len(paths) == 1 else "one of the inputs"
    text = str(problem)
    if "more fields than defined" in text:
        return f"{name} has a line with more fields than its header; put text that holds the delimiter in quotes"
    if "empty CSV" in text:
        return f"{name} is empty; give a file with a header line and rows"
    if "could not parse" in text or "CSV malformed" in text:
        return f"{name} has a quote that is never closed; mend it, or double the quotes inside quoted text"
    first_line = text.strip().splitlines()[0] if text.strip() else type(problem).__name__
    return f"{name} can't be read ({first_line[:160]}); check that it is whole and in the format named"


def _nothing_left(rows_read: int, dropped: Mapping[str, int]) -> str:
    if not rows_read:
        return "the log has a header but no rows; give a file with rows"
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
    return f"none of the {rows_read:,} rows is left ({reasons}); loosen the options or check the input"
