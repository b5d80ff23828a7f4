"""Readers of raw logs: each format becomes the same lazy table of ids, times and what else the log knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from surge.data.amazon import read_amazon
from surge.data.files import as_utf8, check_file, extract, header_fields, is_parquet, unpacked, zip_members
from surge.data.kuairand import read_kuairand
from surge.data.tables import RawLog, ReadOptions, item_columns, scan_table, scan_text, standard_columns
from surge.errors import SurgeError

_RECBOLE_TITLES = ("title", "movie_title", "item_name", "name")
_RECBOLE_CATEGORIES = ("category", "categories", "class", "genre", "genres")


@dataclass(frozen=True)
class Format:
    """A reader and what its logs need unless told otherwise; the window is in the publisher's own time zone."""

    read: Callable[[Sequence[Path], ReadOptions], RawLog]
    min_user_interactions: int = 1
    min_item_interactions: int = 1
    window: tuple[str | None, str | None] = (None, None)
    utc_offset_hours: int = 0
    behaviours: tuple[str, ...] = ()
    time_unit: str = "auto"
    has_named_columns: bool = False  # the caller may say what the columns and the delimiter are
    takes_items_file: bool = False


def _one(inputs: Sequence[Path], what: str) -> Path:
    if len(inputs) != 1:
        raise SurgeError(f"{len(inputs)} inputs are given; give one, {what}")
    return inputs[0]


def read_movielens(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """MovieLens, as the zip or the unpacked folder: 1M (`.dat` with ::) or latest, 20M, 25M, 32M (`.csv`)."""
    source = _one(inputs, "the MovieLens zip or its folder")
    found = _movielens_files(source, options.work)
    if "ratings.dat" in found:
        rows = _movielens_dat_ratings(found["ratings.dat"], options)
    elif "ratings.csv" in found:
        rows = scan_text(found["ratings.csv"], options, delimiter=",")
        names = {"user": "userId", "item": "movieId", "time": "timestamp", "rating": "rating"}
        rows = standard_columns(rows, names, "ratings.csv")
    else:
        raise SurgeError(f"{source.name} has neither ratings.dat nor ratings.csv; give a MovieLens zip or folder")
    if "movies.dat" in found:
        return RawLog(rows, _movielens_dat_movies(found["movies.dat"]))
    if "movies.csv" in found:
        movies = scan_text(found["movies.csv"], options, delimiter=",")
        names = {"item": "movieId", "title": "title", "category": "genres"}
        return RawLog(rows, _no_genres(item_columns(movies, names, "movies.csv")))
    return RawLog(rows, None, ["there is no movies file, so titles are ids and there are no categories"])


def _movielens_files(source: Path, work: Path) -> dict[str, Path]:
    wanted = ("ratings.dat", "movies.dat", "ratings.csv", "movies.csv")
    if source.is_dir():
        paths = sorted(source.rglob("*"), key=lambda path: (len(path.parts), str(path)), reverse=True)
        found = {path.name: path for path in paths if path.is_file() and path.name in wanted}
    else:
        check_file(source)
        members = sorted(zip_members(source), key=lambda name: (name.count("/"), name), reverse=True)
        by_name = {name.rsplit("/", 1)[-1]: name for name in members}
        found = {name: extract(source, by_name[name], work) for name in wanted if name in by_name}
    for path in found.values():
        check_file(path)
    return found


def _movielens_dat_ratings(path: Path, options: ReadOptions) -> pl.LazyFrame:
    # polars splits at single bytes only, so a line is read whole and then split at the double colon.
    lines = scan_text(path, options, delimiter="\x01", header=False, names=["line"], quoted=False)
    parts = pl.col("line").str.splitn("::", 5)
    names = ("user", "item", "rating", "time", "rest")
    fields = lines.select(parts.struct.rename_fields(list(names)).struct.unnest(), blank=pl.col("line").is_null())
    malformed = ~pl.col("blank") & (pl.col("time").is_null() | pl.col("rest").is_not_null())
    columns = {role: role for role in ("user", "item", "time", "rating")}
    return standard_columns(fields.with_columns(malformed=malformed), columns, path.name)


def _movielens_dat_movies(path: Path) -> pl.LazyFrame:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # as GroupLens publishes it
    rows = [line.split("::") for line in text.split("\n") if line.strip()]
    wrong = [number for number, row in enumerate(rows, 1) if len(row) < 3]
    if wrong:
        raise SurgeError(f"line {wrong[0]} of {path.name} is not id::title::genres; get the file again")
    cells = [(row[0], "::".join(row[1:-1]), row[-1].rstrip("\r")) for row in rows]
    schema = {"item": pl.String, "title": pl.String, "category": pl.String}
    return _no_genres(pl.LazyFrame(cells, schema=schema, orient="row"))


def _no_genres(movies: pl.LazyFrame) -> pl.LazyFrame:
    listed = pl.col("category") != "(no genres listed)"
    return movies.with_columns(category=pl.when(listed).then(pl.col("category")))


def read_taobao(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """Taobao's UserBehavior.csv without a header, or a zip of it: user, item, category, behaviour, time."""
    path = unpacked(_one(inputs, "UserBehavior.csv or a zip of it"), options.work)
    if is_parquet(path):
        raise SurgeError(f"{path.name} is Parquet; prepare it with the format csv and its column names")
    names = ["user", "item", "category", "behaviour", "time"]
    width = len(header_fields(as_utf8(path, options.encoding, options.work), ","))
    if width != len(names):
        raise SurgeError(f"{path.name} has {width} columns; UserBehavior.csv has 5: {', '.join(names)}")
    rows = scan_text(path, options, delimiter=",", header=False, names=names)
    return RawLog(standard_columns(rows, {name: name for name in names}, path.name), None)


def read_csv(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """One or more CSV or Parquet files with named columns, and perhaps a file about the items."""
    if not inputs:
        raise SurgeError("no input is given; give one or more CSV or Parquet files")
    columns = {"user": "user", "item": "item", "time": "timestamp", **options.columns}
    items = None
    if options.items_file is not None:
        items = _items_file(options.items_file, columns, options)
        columns = {role: name for role, name in columns.items() if role not in ("title", "category")}
    tables = [standard_columns(scan_table(path, options), columns, path.name) for path in inputs]
    return RawLog(pl.concat(tables), items)


def _items_file(path: Path, columns: Mapping[str, str], options: ReadOptions) -> pl.LazyFrame:
    table = scan_table(path, options)
    if options.delimiter is not None and len(table.collect_schema()) == 1:
        # The delimiter was given for the log, and this file has another.
        table = scan_table(path, replace(options, delimiter=None))
    names = table.collect_schema().names()
    chosen = {"item": columns["item"] if columns["item"] in names else "item"}
    for role in ("title", "category"):
        if role in columns or role in names:
            chosen[role] = columns.get(role, role)
    return item_columns(table, chosen, path.name)


def read_recbole(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """RecBole's atomic files: NAME.inter and perhaps NAME.item, or the folder that holds them."""
    logs, items = _recbole_files(inputs)
    columns = {"user": "user_id", "item": "item_id", "time": "timestamp", **options.columns}
    tables = []
    for path in logs:
        table = _recbole_table(path, options)
        held = table.collect_schema().names()
        own = {role: name for role, name in columns.items() if role not in ("title", "category")}
        if "rating" in held:
            own.setdefault("rating", "rating")
        tables.append(standard_columns(table, own, path.name))
    if items is None:
        return RawLog(pl.concat(tables), None, ["there is no .item file, so titles are ids"])
    about = _recbole_table(items, options)
    held = about.collect_schema().names()
    chosen = {"item": columns["item"]}
    for role, candidates in (("title", _RECBOLE_TITLES), ("category", _RECBOLE_CATEGORIES)):
        named = [columns[role]] if role in columns else [name for name in candidates if name in held][:1]
        chosen.update(dict.fromkeys([role], named[0]) if named else {})
    return RawLog(pl.concat(tables), item_columns(about, chosen, items.name))


def _recbole_files(inputs: Sequence[Path]) -> tuple[list[Path], Path | None]:
    paths: list[Path] = []
    for path in inputs:
        paths += sorted(path.glob("*.inter")) + sorted(path.glob("*.item")) if path.is_dir() else [path]
    logs = [path for path in paths if path.suffix == ".inter"]
    items = [path for path in paths if path.suffix == ".item"]
    other = [path for path in paths if path not in logs and path not in items]
    if other:
        raise SurgeError(f"{other[0].name} is neither .inter nor .item; give RecBole's atomic files or their folder")
    if not logs:
        raise SurgeError("there is no .inter file in the input; give RecBole's atomic files or their folder")
    if len(items) > 1:
        raise SurgeError(f"{len(items)} .item files are given; give one")
    return logs, items[0] if items else None


def _recbole_table(path: Path, options: ReadOptions) -> pl.LazyFrame:
    check_file(path)
    table = scan_text(path, options, delimiter=options.delimiter or "\t", quoted=False)
    return table.rename({name: name.rsplit(":", 1)[0] for name in table.collect_schema().names()})


FORMATS: dict[str, Format] = {
    "movielens": Format(read_movielens, 5, 5, time_unit="seconds"),
    "taobao": Format(
        read_taobao,
        10,
        10,
        window=("2017-11-25", "2017-12-03"),
        utc_offset_hours=8,
        behaviours=("pv",),
        time_unit="seconds",
    ),
    "kuairand": Format(
        read_kuairand,
        10,
        10,
        utc_offset_hours=8,
        behaviours=("click",),
        time_unit="milliseconds",
    ),
    "amazon": Format(read_amazon, 5, 5),
    "csv": Format(read_csv, has_named_columns=True, takes_items_file=True),
    "recbole": Format(read_recbole, has_named_columns=True),
}
