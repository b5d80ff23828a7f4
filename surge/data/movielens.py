"""Reader of MovieLens (Harper and Konstan, TiiS 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from surge.data.files import named_files, one_input
from surge.data.tables import RawLog, ReadOptions, item_columns, open_source, standard_columns
from surge.errors import SurgeError

_FILES = ("ratings.dat", "movies.dat", "ratings.csv", "movies.csv")


def read_movielens(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """MovieLens, as the zip or the unpacked folder: 1M (`.dat` with ::) or latest, 20M, 25M, 32M (`.csv`)."""
    source = one_input(inputs, "the MovieLens zip or its folder")
    found = named_files(source, options.work, _FILES)
    if "ratings.dat" in found:
        names = ("user", "item", "rating", "time")
        log = open_source(found["ratings.dat"], options, delimiter="::", header=False, names=names)
        columns = {name: name for name in names}
    elif "ratings.csv" in found:
        log = open_source(found["ratings.csv"], options, delimiter=",")
        columns = {"user": "userId", "item": "movieId", "time": "timestamp", "rating": "rating"}
    else:
        raise SurgeError(f"{source.name} has neither ratings.dat nor ratings.csv; give a MovieLens zip or folder")
    rows = standard_columns(log, columns, options)
    if "movies.dat" in found:
        return RawLog(rows, _movielens_dat_movies(found["movies.dat"]), log.notes)
    if "movies.csv" in found:
        movies = open_source(found["movies.csv"], options, delimiter=",")
        about = {"item": "movieId", "title": "title", "category": "genres"}
        return RawLog(rows, _no_genres(item_columns(movies, about, options)), [*log.notes, *movies.notes])
    told = "there is no movies file, so titles are ids and there are no categories"
    return RawLog(rows, None, [*log.notes, told])


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
