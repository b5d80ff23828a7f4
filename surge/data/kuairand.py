"""Reader of KuaiRand (Gao et al., CIKM 2022): impressions of short videos, each with a flag for every signal."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from surge.data.files import check_file, extract, files_below, zip_members
from surge.data.tables import RawLog, ReadOptions, Source, item_columns, open_source, standard_columns
from surge.errors import SurgeError

# What --behaviour calls a signal, and the publisher's 0/1 column for it.
SIGNALS = {
    "click": "is_click",
    "long_view": "long_view",
    "like": "is_like",
    "follow": "is_follow",
    "comment": "is_comment",
    "forward": "is_forward",
    "profile_enter": "is_profile_enter",
    "hate": "is_hate",
}
_LOG = "log_standard_"
_VIDEOS = "video_features_basic"


def read_kuairand(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """KuaiRand-Pure, 1K or 27K: its folder or a zip of it, or log files and perhaps video_features_basic_*.csv.

    An impression carries several signals at once; its behaviour is the first of the wanted ones that it carries,
    else the first of all. Of a folder the random-exposure log is left out: its videos were not chosen by a
    recommender. A video's category is the first of its tags. Times are milliseconds.
    """
    logs: list[pl.LazyFrame] = []
    videos: list[pl.LazyFrame] = []
    notes: list[str] = []
    for path in _files(inputs, options.work):
        table = open_source(path, options, delimiter=",")
        notes += table.notes
        if "user_id" in table.names or "tag" not in table.names:
            logs.append(_signals(table, options))
        else:
            about = item_columns(table, {"item": "video_id", "category": "tag"}, options)
            first = pl.col("category").str.split(",").list.first().str.strip_chars()
            videos.append(about.with_columns(category=pl.format("tag {}", pl.when(first != "").then(first))))
    if not logs:
        raise SurgeError(f"there is no {_LOG}*.csv in the input; give KuaiRand's folder or its log files")
    if len(videos) > 1:
        raise SurgeError(f"{len(videos)} {_VIDEOS} files are given; give one version of KuaiRand (Pure, 1K or 27K)")
    notes += [] if videos else [f"there is no {_VIDEOS} file, so there are no categories"]
    return RawLog(pl.concat(logs), videos[0] if videos else None, notes)


def _files(inputs: Sequence[Path], work: Path) -> list[Path]:
    """The files of all inputs; of a folder or an archive only what is named as the publisher names it."""
    found: list[Path] = []
    for source in inputs:
        if source.is_dir():
            found += [path for path in files_below(source) if _is_wanted(path.name)]
        elif source.name.endswith((".tar.gz", ".tgz", ".tar")):
            raise SurgeError(f"{source.name} is a tar archive; unpack it (tar -xf {source.name}) and give its folder")
        elif source.suffix.lower() == ".zip":
            check_file(source)
            members = sorted(name for name in zip_members(source) if _is_wanted(name.rsplit("/", 1)[-1]))
            found += [extract(source, member, work) for member in members]
        else:
            found.append(source)
    return found


def _is_wanted(name: str) -> bool:
    return name.startswith((_LOG, _VIDEOS)) and name.endswith((".csv", ".csv.gz"))


def _signals(table: Source, options: ReadOptions) -> pl.LazyFrame:
    missing = [name for name in ("user_id", "video_id", "time_ms", "is_click") if name not in table.names]
    if missing:
        raise SurgeError(
            f"{table.name} has no column {missing[0]!r}, so it is neither a KuaiRand log nor {_VIDEOS}; "
            "for other logs use the format csv"
        )
    flags = [
        pl.when(pl.col(column).cast(pl.Float64, strict=False) == 1).then(pl.lit(signal))
        for signal, column in sorted(SIGNALS.items(), key=lambda pair: pair[0] not in options.behaviours)
        if column in table.names
    ]
    rows = replace(table, rows=table.rows.with_columns(signal=pl.coalesce(flags)), names=[*table.names, "signal"])
    columns = {"user": "user_id", "item": "video_id", "time": "time_ms", "behaviour": "signal"}
    return standard_columns(rows, columns, options)
