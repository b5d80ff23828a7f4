"""From raw log to dataset folder: rows that can't be used are counted by reason, the rest cut, sorted, written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from surge.arguments import path, several
from surge.atomic_write import working_folder
from surge.data.arguments import prepare_arguments
from surge.data.cleaning import about_ratings, about_users, alike_ids, clean, k_core
from surge.data.description import describe
from surge.data.folder import check_output, write_dataset
from surge.data.formats import FORMATS, Format
from surge.data.item_table import item_table
from surge.data.ordering import settle
from surge.data.splits import about_own_split, time_split
from surge.data.tables import NULL_WORDS, RawLog, ReadOptions
from surge.data.times import NANOSECONDS, TIME_UNITS, detect_time_unit, parse_moment
from surge.errors import SurgeError, first_line

SPLITS = ("time", "leave-last", "own")
TIES = ("auto", "file", "hash")
LOOKED_AT = 100_000  # rows, in a dry run
Moment = str | int | date | None
STAGES = ("reading", "cleaning", "sorting", "k-core", "items", "writing")


@prepare_arguments(FORMATS, SPLITS, TIME_UNITS, TIES)
def prepare(
    format: str,
    inputs: str | Path | Sequence[str | Path],
    output: str | Path | None,
    *,
    name: str | None = None,
    split: str | None = None,
    valid_start: Moment = None,
    test_start: Moment = None,
    min_user_interactions: int | None = None,
    min_item_interactions: int | None = None,
    min_rating: float | None = None,
    start: Moment = None,
    end: Moment = None,
    behaviours: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    header: bool = True,
    quotes: bool = True,
    skip_lines: int = 0,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    null_words: bool = True,
    time_unit: str = "auto",
    time_format: str | None = None,
    file_order: bool = False,
    ties: str = "auto",
    items_file: str | Path | None = None,
    items_columns: Mapping[str, str] | None = None,
    items_delimiter: str | None = None,
    items_encoding: str = "utf-8",
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write a dataset folder from raw files and return its description (the content of dataset.json).

    What is left as None takes the format's own default; `split` is the log's own where it has one, else by time.
    `columns` maps user, item, time, rating, behaviour, title, category, order, split to column names or, from 1,
    their places; what isn't named is found by its usual name. `skip_lines` stand above the header. `null_words`:
    NA, NULL, nan and the like stand for a missing id or time. `time_format` is that of strftime; with `file_order`
    the log has no times, and its rows stand in the order in which they happened. `ties` settles which of a user's
    interactions at one time came first: see `settle` in ordering.py. Times are ISO dates or unix seconds; `end` is
    inclusive. With `dry_run` nothing is written, and `output` may be None: the first LOOKED_AT rows are read, and
    the description has five of them as `rows`, and what was told. `progress` is told the name of each stage of
    `STAGES` as it begins. Raises SurgeError for anything that can't be used.
    """
    paths: list[Path] = several(path)(inputs, "inputs")
    say = progress or (lambda stage: None)
    if split not in (None, "time") and (valid_start is not None or test_start is not None):
        raise SurgeError("--valid-start and --test-start belong to --split time; leave them out or change the split")
    kind = FORMATS[format]
    least = {
        "user": kind.min_user_interactions if min_user_interactions is None else min_user_interactions,
        "item": kind.min_item_interactions if min_item_interactions is None else min_item_interactions,
    }
    if skip_lines < 0:
        raise SurgeError(f"--skip-lines is {skip_lines}; give how many lines stand above the header, 0 or more")
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
    if output is None and not dry_run:
        raise SurgeError("no output folder is given; name one, or ask for a dry run")
    if output is not None:
        output = Path(output)
        check_output(output, force)
    with TemporaryDirectory() if output is None else working_folder(output) as folder:
        work = Path(folder)
        say("reading")
        given = ReadOptions(
            work=work,
            columns=dict(columns or {}),
            header=header,
            quotes=quotes,
            skip_lines=skip_lines,
            delimiter=delimiter,
            encoding=encoding,
            time_format=time_format,
            file_order=file_order,
            null_words=NULL_WORDS if null_words else (),
            items_file=Path(items_file) if items_file is not None else None,
            items_columns=dict(items_columns or {}),
            items_delimiter=items_delimiter,
            items_encoding=items_encoding,
            behaviours=kept_behaviours,
        )
        _check_reading(format, given)
        options = kind.options(given)
        with _readable(paths):
            log = kind.read(paths, options)
            if dry_run:
                log = replace(log, rows=log.rows.head(LOOKED_AT))
            held = log.rows.collect_schema()
            for option, role, asked in (
                ("--behaviour", "behaviour", bool(kept_behaviours)),
                ("--min-rating", "rating", min_rating is not None),
                ("--split own", "split", split == "own"),
            ):
                if asked and role not in held:
                    raise SurgeError(f"{option} needs the column that holds it; name it with --{role}-column")
            unit, notes = (None, [FILE_ORDER]) if options.file_order else _time_unit(log, kind, time_unit, options)
            say("cleaning")
            cleaned = clean(log, unit, window, kept_behaviours, min_rating)
        notes = [*log.notes, *notes, *cleaned.notes]
        say("sorting")
        one, alike = alike_ids(cleaned.rows)
        rows, more, told = settle(cleaned.rows.with_columns(**one), ties, unit)
        notes += [*alike, *told]
        dropped = {**cleaned.dropped, **more}
        say("k-core")
        rest = [column for column in rows.columns if column not in ("user", "item", "moment")]
        rows = rows.select("user", "item", pl.col("moment").floordiv(NANOSECONDS).alias("timestamp"), *rest)
        interactions, below = (rows, {}) if dry_run else k_core(rows, least["user"], least["item"])
        dropped.update(below)
        dropped = {reason: count for reason, count in dropped.items() if count}
        if not len(interactions):
            raise SurgeError(_nothing_left(cleaned.rows_read, dropped, cleaned.notes))
        notes += [*about_users(interactions), *about_ratings(interactions, min_rating)]
        say("items")
        of_items = {column: expression for column, expression in one.items() if column == "item"}
        listed = log.items.with_columns(**of_items) if log.items is not None else None
        with _readable(paths if options.items_file is None else [options.items_file]):
            items, item_notes = item_table(interactions, cleaned.about_items.with_columns(**of_items), listed)
        method = split or ("own" if "split" in interactions.columns else "time")
        if method == "own":
            item_notes += about_own_split(interactions)
        else:
            interactions = interactions.drop("split", strict=False)
        preparation = {
            "command": "prepare",
            "format": format,
            "inputs": [path.name.encode(errors="replace").decode() for path in paths],
            "options": {
                "min_user_interactions": least["user"],
                "min_item_interactions": least["item"],
                "min_rating": min_rating,
                "start": window[0],
                "end": window[1],
                "behaviours": list(kept_behaviours),
                "columns": dict(columns or {}),
                "items_file": Path(items_file).name if items_file is not None else None,
                "time_unit": unit,
                "ties": ties,
            },
            "rows_read": cleaned.rows_read,
            "rows_kept": len(interactions),
            "dropped": dropped,
            "notes": [*notes, *item_notes],
            "versions": {"polars": pl.__version__},
        }
        if output is None or dry_run:
            shown = interactions.head(5).join(items, on="item", how="left", maintain_order="left")
            return {"preparation": preparation, "rows": shown.to_dicts()}
        chosen_split = time_split(interactions["timestamp"], *cuts) if method == "time" else {"method": method}
        description = describe(
            interactions, items, name=name or output.absolute().name, split=chosen_split, preparation=preparation
        )
        say("writing")
        write_dataset(output, interactions, items, description, force=force)
    return description


FILE_ORDER = "the log has no times: its rows stand in the order in which they happened, and each counts as a second"


def _check_reading(format: str, options: ReadOptions) -> None:
    """Refuse what a format would pass over in silence."""
    kind = FORMATS[format]
    given = {f"--{role}-column": True for role in options.columns}
    refused = {}
    if not kind.has_named_columns:
        refused = {
            **given,
            "--delimiter": options.delimiter is not None,
            "--no-header": not options.header,
            "--no-quotes": not options.quotes,
            "--skip-lines": options.skip_lines > 0,
            "--file-order": options.file_order,
            "--time-format": options.time_format is not None,
        }
    if not kind.takes_items_file:
        refused["--items"] = options.items_file is not None
    if options.items_file is None and (options.items_columns or options.items_delimiter is not None):
        raise SurgeError("options about a file about items are given, but no such file; name it with --items")
    if options.file_order and "time" in options.columns:
        raise SurgeError("--file-order is for a log without times; leave it out, or --time-column")
    for option, is_given in refused.items():
        if is_given:
            raise SurgeError(f"{option} means nothing to the format {format}; leave it out, or use the format csv")


def _time_unit(log: RawLog, kind: Format, unit: str, options: ReadOptions) -> tuple[str, list[str]]:
    """The unit of the log's times and what to tell of it: as it was said, the format's own, or found in them."""
    unit = kind.time_unit if unit == "auto" else unit
    if options.time_format is None and unit != "auto":
        return unit, []
    return detect_time_unit(log.rows.filter(pl.col("malformed").is_null()))


@contextmanager
def _readable(paths: Sequence[Path]) -> Iterator[None]:
    """Failures of polars as a SurgeError; at a damaged Parquet file it panics, with an exception of its own."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as problem:
        name = paths[0].name if len(paths) == 1 else "one of the inputs"
        raise SurgeError(
            f"{name} can't be read ({first_line(problem)}); check that it is whole and in the format named"
        ) from problem


def _nothing_left(rows_read: int, dropped: Mapping[str, int], notes: Sequence[str]) -> str:
    if not rows_read:
        return "the log has a header but no rows; give a file with rows"
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
    told = "".join(f"; {note}" for note in notes)
    return f"none of the {rows_read:,} rows is left ({reasons}{told}); loosen the options or check the input"
