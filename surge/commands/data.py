"""Commands that make datasets: simulate and prepare."""

import argparse
from pathlib import Path
from typing import Any

from surge.commands import add_command, one_line
from surge.commands.reading import (
    add_reading,
    add_row_choice,
    delimiter,
    notes_told,
    print_told,
    reading_options,
    rows_told,
)
from surge.errors import SurgeError


def add_simulate(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "simulate",
        "write a simulated dataset in which every click names the interest behind it",
        "  python -m surge simulate runs/shop --users 3000 --seed 0",
        _simulate,
    )
    parser.add_argument("output", metavar="OUT", help="dataset folder to write")
    parser.add_argument("--users", type=int, default=3000, metavar="N", help="number of users (3000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="equal seeds give equal files (0)")
    parser.add_argument("--name", default="sample", help="name of the dataset (sample)")
    parser.add_argument("--force", action="store_true", help="replace a dataset that is there already")


def _simulate(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from surge.data.simulator import simulate

    with tqdm(total=arguments.users, unit="user", desc="simulating", disable=None, leave=False) as bar:
        description = simulate(
            arguments.output,
            arguments.users,
            arguments.seed,
            name=arguments.name,
            force=arguments.force,
            progress=lambda done, total: bar.update(done - bar.n),
        )
    _print_dataset(arguments.output, description)


_PREPARE_EXAMPLE = """\
  python -m surge prepare movielens ml-1m.zip --output runs/ml-1m --split leave-last
  python -m surge prepare taobao UserBehavior.csv.zip --output runs/taobao
  python -m surge prepare csv clicks.csv --output runs/shop --items products.csv \\
      --user-column customer --item-column sku --time-column clicked_at
  python -m surge prepare kuairand KuaiRand-Pure --output runs/kuairand --behaviour long_view
  python -m surge prepare amazon Video_Games_5.json.gz meta_Video_Games.json.gz --output runs/games

formats:
  movielens  the zip or the unpacked folder: 1M (.dat), latest-small, 20M, 25M, 32M (.csv)
  taobao     UserBehavior.csv, without a header, or a zip of it; clicks (pv), 2017-11-25 to 2017-12-03 in UTC+8
  kuairand   KuaiRand-Pure, 1K or 27K: the unpacked folder, a zip of it, or its files log_standard_*.csv and perhaps
             video_features_basic_*.csv; clicks, or with --behaviour long_view, like, follow, comment, forward,
             profile_enter, hate; dates are in UTC+8, the category is the first tag, random exposures are left out
  amazon     UCSD's reviews of 2014, 2018 (JSON lines) or 2023 (JSON lines or CSV), and perhaps their meta file, or the
             folder that holds both; the category is the second of an item's list, or the first where it is alone
  mind       the zip or the folder of one part of MIND; clicks on news, those of the histories first
  csv        any table: delimited text, JSON lines (flat, sessions with a list of events, or lists of items and of times
             in a row) or Parquet; folders too, also of Parquet written in partitions
  sequences  lines of ids: a user and what they took, in order (LightGCN, S3-Rec); blanks, tabs or commas between
  recbole    RecBole's atomic files NAME.inter and NAME.item, or their folder; NAME.train.inter, NAME.valid.inter and
             NAME.test.inter are the log's own split
  retailrocket, yoochoose, diginetica, lastfm-1k, gowalla, yelp, goodreads, hm, otto, steam, bookcrossing
             these published logs, read as csv with their columns known; options change what is known
Files may be packed: gz, bz2, xz, zst, or a zip of one file."""


def add_prepare(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "prepare",
        "turn a raw log into a dataset folder; rows that can't be used are counted by reason",
        _PREPARE_EXAMPLE,
        _prepare,
    )
    parser.add_argument("format", metavar="FORMAT", help="see below")
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="raw files, patterns, or the folder that holds them; - is standard input",
    )
    parser.add_argument("--output", metavar="DIR", help="dataset folder to write")
    parser.add_argument("--name", help="name of the dataset (the name of the output folder)")
    parser.add_argument("--force", action="store_true", help="replace a dataset that is there already")

    parser.add_argument(
        "--dry-run", action="store_true", help="read the first 100,000 rows, show what they mean, and write nothing"
    )

    split = parser.add_argument_group("training, validation and test")
    split.add_argument(
        "--split",
        choices=("time", "leave-last", "own"),
        help="periods, each user's last two, or what the log says (its own where it has one, else time)",
    )
    split.add_argument("--valid-start", metavar="TIME", help="date or unix seconds (a tenth of the interactions)")
    split.add_argument("--test-start", metavar="TIME", help="date or unix seconds (a tenth of the interactions)")

    rows = parser.add_argument_group("which rows are used")
    for kind in ("user", "item"):
        rows.add_argument(
            f"--min-{kind}-interactions",
            type=int,
            metavar="K",
            help="movielens, amazon 5; taobao, kuairand 10; others 1",
        )
    add_row_choice(rows)
    rows.add_argument("--start", metavar="TIME", help="first moment: a date or unix seconds")
    rows.add_argument("--end", metavar="TIME", help="last moment: a date (the whole day) or unix seconds")

    add_reading(parser, ("user", "item", "time", "rating", "title", "category", "behaviour", "order", "split"))

    items = parser.add_argument_group("a file about items")
    items.add_argument("--items", metavar="FILE", help="with the ids of items, their titles and categories")
    for role, name in (("id", "ids"), ("title", "titles"), ("category", "categories")):
        items.add_argument(f"--items-{role}-column", metavar="NAME", help=f"its column of {name} (by its usual name)")
    items.add_argument("--items-delimiter", metavar="TEXT", help="as --delimiter, of that file")
    items.add_argument("--items-encoding", default="utf-8", help="as --encoding, of that file (utf-8)")


def _prepare(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from surge.data.preparation import STAGES, prepare

    if arguments.output is None and not arguments.dry_run:
        raise SurgeError("--output is missing; name the dataset folder to write, or add --dry-run")
    about = {"item": "items_id_column", "title": "items_title_column", "category": "items_category_column"}
    items_columns = {role: getattr(arguments, option) for role, option in about.items()}
    with tqdm(total=len(STAGES), desc="preparing", unit="stage", disable=None, leave=False) as bar:

        def show(stage: str) -> None:
            bar.update(STAGES.index(stage) - bar.n)
            bar.set_description(stage)

        description = prepare(
            arguments.format,
            arguments.inputs,
            arguments.output,
            name=arguments.name,
            split=arguments.split,
            valid_start=arguments.valid_start,
            test_start=arguments.test_start,
            min_user_interactions=arguments.min_user_interactions,
            min_item_interactions=arguments.min_item_interactions,
            start=arguments.start,
            end=arguments.end,
            items_file=arguments.items,
            items_columns={role: name for role, name in items_columns.items() if name is not None},
            items_delimiter=delimiter(arguments.items_delimiter),
            items_encoding=arguments.items_encoding,
            force=arguments.force,
            dry_run=arguments.dry_run,
            progress=show,
            **reading_options(arguments),
        )
    if arguments.dry_run:
        _print_dry_run(description)
    else:
        _print_dataset(arguments.output, description)


def _print_dry_run(description: dict[str, Any]) -> None:
    """What the first rows were taken for, and five of them."""
    from datetime import UTC, datetime

    preparation = description["preparation"]
    print("nothing was written; of the first rows:")
    print_told([*rows_told(preparation), *notes_told(preparation)])
    for row in description["rows"]:
        moment = datetime.fromtimestamp(row.pop("timestamp"), UTC).strftime("%Y-%m-%d %H:%M:%S")
        print(
            "  "
            + ", ".join(f"{key} {one_line(str(value))}" for key, value in row.items() if value is not None)
            + f", {moment} UTC"
        )


def _print_dataset(output: str, description: dict[str, Any]) -> None:
    """The report: what was read, what was dropped and why, what the dataset holds, and what its splits are worth."""
    from datetime import UTC, datetime

    import polars as pl

    from surge.data.coverage import coverage_of
    from surge.data.dataset import Dataset
    from surge.data.layout import INTERACTIONS_FILE, ITEMS_FILE
    from surge.pictures.text import count

    def day(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")

    preparation, counts, lengths = description["preparation"], description["counts"], description["history_length"]
    lines = rows_told(preparation)
    lines += [(name, f"{counts[name]:,}") for name in ("interactions", "users", "items", "categories")]
    lines.append(("history length", f"{lengths['min']} to {lengths['max']}, median {lengths['median']:g}"))
    lines.append(("repeated (user, item)", f"{description['repeat_share']:.1%}"))
    lines.append(("time", " to ".join(day(moment) for moment in description["time_range"]) + " UTC"))
    # just written, so read without the checks of a stranger's folder; whole, as polars reads *, [ and ~ in a path
    folder = Path(output).absolute()
    interactions, items = (
        pl.read_parquet(folder / name, glob=False, hive_partitioning=False) for name in (INTERACTIONS_FILE, ITEMS_FILE)
    )
    split = description["split"]
    if split["method"] == "time":
        periods = ", ".join(f"{period} {count:,}" for period, count in description["split_counts"].items())
        cuts = f"cut at {day(split['valid_start'])} and {day(split['test_start'])} UTC"
        lines.append(("split by time", f"{periods}; {cuts}"))
    elif split["method"] == "own":
        counted = ", ".join(f"{period} {count:,}" for period, count in description["split_counts"].items())
        lines.append(("split as the log says", counted))
    else:
        lines.append(("split", "each user's last interaction is test, the one before it validation"))
        short = int((interactions["user"].value_counts()["count"] < 4).sum())
        if short:  # a positive of each split needs one interaction before it
            lines.append(
                ("  left out", f"{count(short, 'user')} with fewer than 4 interactions: too few for all three parts")
            )
    dataset = Dataset(Path(output), description["name"], interactions, items, description, "")
    lines += [(name, str(one)) for name, one in coverage_of(dataset).items()]
    print(f"{one_line(description['name'])} -> {one_line(output)}")
    print_told([*lines, *notes_told(preparation)])
