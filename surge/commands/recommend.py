"""The command that recommends: to one user, or to all of a dataset or a file."""

import argparse
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from surge.commands import (
    add_command,
    add_places,
    add_whole_history,
    load_places,
    one_line,
    progress_bar,
    work_hard,
)
from surge.commands.reading import (
    add_reading,
    add_row_choice,
    notes_told,
    print_told,
    reading_options,
    refuse_reading,
    rows_told,
)
from surge.errors import SurgeError


def add_recommend(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "recommend",
        "print the top items of a user, or write those of all users",
        "  python -m surge recommend checkpoints/demo sample_data --user u0001 --top 10\n"
        "  python -m surge recommend checkpoints/demo sample_data --all-users --top 100 --output top.parquet\n"
        "  python -m surge recommend checkpoints/demo --histories basket.csv --top 100 --output top.parquet",
        _recommend,
    )
    add_places(parser, dataset_optional=True)
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="U", help="user id, as in your own data")
    who.add_argument("--all-users", action="store_true", help="everybody in the dataset, with the whole history")
    who.add_argument(
        "--histories",
        metavar="FILE",
        help="the users of a file with user, item and timestamp, with the whole history, in place of a dataset; it is "
        "read as `prepare csv` reads it, with the options below",
    )
    add_whole_history(parser)
    parser.add_argument("--top", type=int, default=10, metavar="K", help="how many items (10)")
    parser.add_argument(
        "--output", metavar="FILE.parquet", help="of all users or histories: user, rank, item, chance, lift"
    )
    add_row_choice(parser.add_argument_group("which rows of --histories are used"))
    add_reading(parser, ("user", "item", "time", "rating", "behaviour", "order"))


def _recommend(arguments: argparse.Namespace) -> None:
    if arguments.top < 1:
        raise SurgeError(f"--top is {arguments.top}; give a whole number from 1.")
    if (arguments.dataset is None) != (arguments.histories is not None):
        raise SurgeError("Give a dataset folder, or --histories with a file in its place.")
    if arguments.user is not None and arguments.output is not None:
        raise SurgeError("--output belongs to --all-users and --histories; the items of one --user are printed.")
    if arguments.user is None and arguments.output is None:
        raise SurgeError("--output is missing; name the .parquet file in which the items of all users are written.")
    if arguments.user is None and arguments.whole_history:
        raise SurgeError("--whole-history belongs to --user; all users have their whole history anyway: leave it out.")
    if arguments.histories is None:
        refuse_reading(arguments, "--histories")
    if arguments.user is None:
        _recommend_all(arguments)
        return
    from surge.explanation.history import read_history
    from surge.explanation.ranking import rank_catalogue

    checkpoint, dataset = load_places(arguments)
    history = read_history(checkpoint, dataset, arguments.user, hold_out=not arguments.whole_history)
    ranking = rank_catalogue(checkpoint, history)
    following = history.next_item.item if history.next_item else None
    for note in history.notes:
        print(note)
    if not len(ranking.order):
        print("nothing is left to recommend: this user took every item that the checkpoint knows")
        return
    _print_recommended(ranking.top(arguments.top), following)
    if history.next_item is not None:
        row = checkpoint.rows.get(history.next_item.item)
        rank = ranking.rank_of(row) if row is not None else None
        where = f"ranks {rank} of {len(ranking.order)}" if rank else "is not among the ranked items"
        print(f"the item that came next, {one_line(history.next_item.title)}, {where}")
    print(
        "chance: of being the next of all items; lift: how many times as likely that is for this user as by "
        "popularity alone"
    )


def _recommend_all(arguments: argparse.Namespace) -> None:
    from surge.checkpoint import load_checkpoint
    from surge.data.dataset import Dataset
    from surge.data.frames import prepared_file
    from surge.explanation.recommend import check_output, recommend_all
    from surge.pictures.text import count

    output = check_output(arguments.output)
    work_hard(None)
    if arguments.histories is None:
        checkpoint, dataset = load_places(arguments)
    else:
        _check_apart(output, Path(arguments.histories))
        checkpoint = load_checkpoint(arguments.checkpoint)
        options = reading_options(arguments)
        dataset = prepared_file(Dataset, arguments.histories, "histories", split="leave-last", **options)
        dataset, told = dataset.as_written(checkpoint.items["item"])
        _print_histories(dataset.description["preparation"], told)
    with progress_bar("recommending") as move:
        done = recommend_all(checkpoint, dataset, output, arguments.top, progress=move)
    if done["unknown_interactions"]:
        print(
            f"left out: {count(done['unknown_interactions'], 'interaction')} of "
            f"{count(done['users_with_unknown_items'], 'user')} with {count(done['unknown_items'], 'item')} that "
            "the model doesn't know"
        )
    if done["unknown"]:
        has = "has" if done["unknown"] == 1 else "have"
        print(f"{count(done['unknown'], 'user')} {has} no rows: the model knows none of their items, or they took all")
    print(f"{count(done['rows'], 'row')} of {count(done['users'], 'user')}; written to {arguments.output}")


def _check_apart(output: Path, histories: Path) -> None:
    """A SurgeError where the output is, or would be the next time, one of the files that are read."""
    if histories.is_dir():
        same = output.resolve().is_relative_to(histories.resolve())
    elif histories.exists():
        same = output.resolve() == histories.resolve()
    else:  # a pattern
        same = output.parent.resolve() == histories.parent.resolve() and fnmatchcase(output.name, histories.name)
    if same:
        raise SurgeError("--output is, or lies among, the files of --histories; write it to another place.")


def _print_histories(preparation: dict[str, Any], more: list[str]) -> None:
    print("histories:")
    print_told([*rows_told(preparation), *notes_told(preparation), *(("note", note) for note in more)])


def _print_recommended(best: list[Any], following: str | None) -> None:
    """One row an item; the one that came next is marked."""
    print(f"{'rank':>5}  {'chance':>8}  {'lift':>7}  item")
    for predicted in best:
        mark = "  <- came next" if predicted.item == following else ""
        print(
            f"{predicted.rank:>5}  {predicted.next_probability:>8.2%}  {predicted.lift:>6.1f}x  "
            f"{one_line(predicted.item)}  {one_line(predicted.title)}  "
            f"[{one_line(predicted.category or 'no category')}]{mark}"
        )
