"""Commands that train a model and ask it: train, evaluate, recommend and explain."""

import argparse
from pathlib import Path
from typing import Any

from surge.atomic_write import check_parent
from surge.commands import add_command, add_places, load_places, one_line, progress_bar
from surge.commands.settings import FILE, read_settings
from surge.errors import SurgeError


def add_train(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "train",
        "train a SURGE model on a dataset folder and write a checkpoint",
        "  python -m surge train sample_data --output checkpoints/mine --epochs 5 --set clusters=[30,10]\n"
        "  python -m surge train sample_data --output checkpoints/printed --preset as-printed\n"
        "  python -m surge train sample_data --output checkpoints/mine --resume\n"
        "  python -m surge train october --from checkpoints/mine --output checkpoints/october --epochs 3",
        _train,
    )
    parser.add_argument("dataset", metavar="DATASET", help="dataset folder, as simulate and prepare write it")
    parser.add_argument("--output", required=True, metavar="CHECKPOINT", help="checkpoint folder to write")
    parser.add_argument(
        "--from",
        dest="start",
        metavar="CHECKPOINT",
        help="go on with this checkpoint's weights and settings: known items keep what was learned, new ones are added "
        "(--epochs 0: only that)",
    )
    parser.add_argument(
        "--item-vectors",
        metavar="FILE",
        help="with --from: what new items start with (Parquet or CSV: item, and a vector as a list or a column a "
        "number); without it, the mean of their category",
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="settings by name, which --config and --set may change; as-printed: the paper's text to the letter",
    )
    parser.add_argument("--config", metavar="FILE", help=f"JSON file {FILE}")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting of surge/config, of the model, training or evaluation, as JSON; may be repeated",
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="most epochs (20)")
    parser.add_argument("--seed", type=int, metavar="S", help="equal seeds give equal weights on one machine (0)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), help="auto takes CUDA where it is (auto)")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="arithmetic (float32)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (all); 1 is faster on a busy machine")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted training")


def _train(arguments: argparse.Namespace) -> None:
    from surge.config import EvaluationConfig, TrainingConfig, from_dict, to_dict
    from surge.data.dataset import Dataset
    from surge.training.trainer import train

    if arguments.item_vectors is not None and arguments.start is None:
        raise SurgeError("--item-vectors says what new items start with; give it with --from CHECKPOINT.")
    settings = read_settings(arguments)
    work_hard(arguments.threads)
    start = _read_start(arguments)
    own = {"training": to_dict(start.training), "evaluation": to_dict(start.evaluation)} if start else {}
    settings = {part: own.get(part, {}) | given for part, given in settings.items()}
    checkpoint = train(
        Dataset.load(arguments.dataset),
        arguments.output,
        model=settings["model"],
        training=from_dict(TrainingConfig, settings["training"]),
        evaluation=from_dict(EvaluationConfig, settings["evaluation"]),
        start=start,
        resume=arguments.resume,
    )
    _print_metrics(checkpoint.metrics)
    print(f"checkpoint written to {arguments.output}")
    print(f"the test split is not measured yet: python -m surge evaluate {arguments.output} {arguments.dataset}")


def _read_start(arguments: argparse.Namespace) -> Any:
    from surge.checkpoint import load_checkpoint
    from surge.data.item_vectors import read_item_vectors
    from surge.training.start import Start

    if arguments.start is None:
        return None
    vectors = read_item_vectors(arguments.item_vectors) if arguments.item_vectors is not None else None
    return Start(load_checkpoint(arguments.start), vectors)


def work_hard(threads: int | None) -> None:
    """For a command that computes for long: CPU threads of torch, None leaves them as they are, and memory kept."""
    import torch

    from surge.native.memory import keep_freed_memory

    keep_freed_memory()
    if threads is not None:
        if threads < 1:
            raise SurgeError(f"--threads is {threads}; give a whole number from 1.")
        torch.set_num_threads(threads)


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
    with progress_bar("evaluating") as bar:

        def move(done: float) -> None:
            bar.update(done - bar.n)

        if arguments.lists is not None:
            metrics = {"lists": evaluate_own_lists(checkpoint, dataset, Path(arguments.lists), move)}
        elif arguments.split == "test":
            metrics = measure(checkpoint, dataset, move)
        else:
            metrics = {arguments.split: evaluate_split(checkpoint, dataset, arguments.split, move)}
    _print_metrics(metrics)
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
    from surge.data.frames import prepared_file
    from surge.explanation.recommend import recommend_all

    check_place(arguments.output, "A table of recommendations", ".parquet")
    work_hard(None)
    if arguments.histories is None:
        checkpoint, dataset = load_places(arguments)
    else:
        checkpoint = load_checkpoint(arguments.checkpoint)
        dataset = prepared_file(arguments.histories, "histories", split="leave-last")
    with progress_bar("recommending") as bar:
        done = recommend_all(
            checkpoint, dataset, arguments.output, arguments.top, progress=lambda share: bar.update(share - bar.n)
        )
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
    if output.suffix == ".html":
        record, notes = _save_report(checkpoint, dataset, arguments)
    else:
        from surge.explanation.explain import explain

        record = explain(checkpoint, dataset, arguments.user, arguments.item, hold_out=not arguments.whole_history)
        record.save(output)
        notes = record.notes
    for note in notes:
        print(note)
    print(
        f"{one_line(record.target.title)} for user {one_line(record.user)}: {likely_words(record)}, {record.length} "
        f"history items; written to {arguments.output}"
    )


def _save_report(checkpoint: Any, dataset: Any, arguments: argparse.Namespace) -> tuple[Any, tuple[str, ...]]:
    """Write the report; gives its record and the notes of the history."""
    from surge.explanation.compose import explained_story
    from surge.pictures.report import save_report

    with progress_bar("explaining") as bar:
        story = explained_story(
            checkpoint,
            dataset,
            arguments.user,
            arguments.item,
            hold_out=not arguments.whole_history,
            progress=lambda done: bar.update(done - bar.n),
        )
    save_report(story, arguments.output)
    return story.record, story.notes


# -- shared by several commands -------------------------------------------------------------------------


def _add_whole_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--whole-history",
        action="store_true",
        help="read the last interaction too (otherwise it is held out as the next item); a model that reads ages is "
        "then asked one usual step after it",
    )


def _print_metrics(metrics: dict[str, Any]) -> None:
    for part, figures in metrics.items():
        print(f"{part}:")
        for name, value in figures.items():
            if isinstance(value, list):  # for the picture on the model page
                continue
            print(f"  {name:<38} {value:.4f}" if isinstance(value, float) else f"  {name:<38} {value}")
