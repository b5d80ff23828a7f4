"""Commands that ask a trained model: evaluate, recommend and explain."""

import argparse
from pathlib import Path
from typing import Any

from surge.atomic_write import check_parent
from surge.commands import add_command, add_places, load_places, one_line, print_metrics, progress_bar, work_hard
from surge.errors import SurgeError


def add_evaluate(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "evaluate",
        "measure a checkpoint on a split, and its explanations, and store the figures in its metrics.json",
        "  python -m surge evaluate checkpoints/demo sample_data\n"
        "  python -m surge evaluate checkpoints/demo sample_data --split valid",
        _evaluate,
    )
    add_places(parser)
    parser.add_argument(
        "--lists",
        metavar="FILE",
        help="measure these lists alone (Parquet: user, step, candidates, the positive first), of any lengths",
    )
    parser.add_argument(
        "--split",
        choices=("train", "valid", "test"),
        default="test",
        help="which positives; only figures of the test split are stored (test)",
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="cpu", help="auto takes CUDA where it is (cpu)"
    )


def _evaluate(arguments: argparse.Namespace) -> None:
    from surge.checkpoint import store_metrics
    from surge.evaluation.evaluate import evaluate_split
    from surge.evaluation.own_lists import evaluate_own_lists
    from surge.evaluation.words import positives_told
    from surge.explanation.quality import measure
    from surge.training.trainer import choose_device

    checkpoint, dataset = load_places(arguments, choose_device(arguments.device))
    with progress_bar("evaluating") as move:
        if arguments.lists is not None:
            metrics = {"lists": evaluate_own_lists(checkpoint, dataset, Path(arguments.lists), move)}
        elif arguments.split == "test":
            metrics = measure(checkpoint, dataset, move)
        else:
            metrics = {arguments.split: evaluate_split(checkpoint, dataset, arguments.split, move)}
    print_metrics(metrics)
    if arguments.lists is not None:
        return
    told = positives_told(metrics[arguments.split], arguments.split)
    if told:
        print(told)
    if arguments.split != "test":
        return
    if checkpoint.description.get("dataset", {}).get("digest") == dataset.digest:
        store_metrics(checkpoint, metrics)
        print(f"stored in the metrics.json of {arguments.checkpoint}")
    else:
        print("not stored: the checkpoint was trained on another dataset")


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
        help="the users of a file with user, item and timestamp, as `prepare csv` reads it, in place of a dataset",
    )
    _add_whole_history(parser)
    parser.add_argument("--top", type=int, default=10, metavar="K", help="how many items (10)")
    parser.add_argument(
        "--output", metavar="FILE.parquet", help="of all users or histories: user, rank, item, chance, lift"
    )


def _recommend(arguments: argparse.Namespace) -> None:
    if arguments.top < 1:
        raise SurgeError(f"--top is {arguments.top}; give a whole number from 1.")
    if (arguments.dataset is None) != (arguments.histories is not None):
        raise SurgeError("Give a dataset folder, or --histories with a file in its place.")
    if (arguments.output is None) != (arguments.user is not None):
        raise SurgeError("--output belongs to --all-users and --histories: give it with one of them, not with --user.")
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
    from surge.atomic_write import check_place
    from surge.checkpoint import load_checkpoint
    from surge.data.dataset import Dataset
    from surge.data.frames import prepared_file
    from surge.explanation.recommend import recommend_all

    check_place(arguments.output, "A table of recommendations", ".parquet")
    work_hard(None)
    if arguments.histories is None:
        checkpoint, dataset = load_places(arguments)
    else:
        checkpoint = load_checkpoint(arguments.checkpoint)
        dataset = prepared_file(Dataset, arguments.histories, "histories", split="leave-last")
    with progress_bar("recommending") as move:
        done = recommend_all(checkpoint, dataset, arguments.output, arguments.top, progress=move)
    print(f"{done['rows']:,} rows of {done['users']:,} users; written to {arguments.output}")
    if done["unknown"]:
        print(f"{done['unknown']:,} users have no rows: the model knows none of their items, or they took all")


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


def add_explain(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "explain",
        "write everything the model computed for one user and one item",
        "  python -m surge explain checkpoints/demo sample_data --user u0001 --output why.json\n"
        "  python -m surge explain checkpoints/demo sample_data --user u0001 --output report.html",
        _explain,
    )
    add_places(parser)
    parser.add_argument("--user", required=True, metavar="U", help="user id, as in your own data")
    _add_whole_history(parser)
    parser.add_argument("--item", metavar="T", help="the candidate item (the top predicted one)")
    parser.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="FILE.json or FILE.npz: the record; FILE.html: a report with all pictures and what was measured, which "
        "opens in a browser without a network",
    )


def _explain(arguments: argparse.Namespace) -> None:
    from surge.pictures.text import likely_words

    output = Path(arguments.output)
    if output.suffix not in (".json", ".npz", ".html"):
        raise SurgeError(
            f"--output {arguments.output!r} must end in .json or .npz (the record) or in .html (the report)."
        )
    check_parent(output)
    checkpoint, dataset = load_places(arguments)
    asked, hold_out = (checkpoint, dataset, arguments.user, arguments.item), not arguments.whole_history
    if output.suffix == ".html":
        from surge.explanation.compose import explained_story
        from surge.pictures.report import save_report

        with progress_bar("explaining") as move:
            story = explained_story(*asked, hold_out=hold_out, progress=move)
        save_report(story, output)
        record, notes = story.record, story.notes
    else:
        from surge.explanation.explain import explain

        record = explain(*asked, hold_out=hold_out)
        record.save(output)
        notes = record.notes
    for note in notes:
        print(note)
    print(
        f"{one_line(record.target.title)} for user {one_line(record.user)}: {likely_words(record)}, {record.length} "
        f"history items; written to {arguments.output}"
    )


# -- shared by several commands -------------------------------------------------------------------------


def _add_whole_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--whole-history",
        action="store_true",
        help="read the last interaction too (otherwise it is held out as the next item); a model that reads ages is "
        "then asked one usual step after it",
    )
