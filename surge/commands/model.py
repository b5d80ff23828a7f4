"""Commands that measure and explain a trained model: evaluate and explain."""

import argparse
from pathlib import Path
from typing import Any

from surge.atomic_write import check_parents
from surge.commands import (
    add_command,
    add_places,
    add_whole_history,
    load_places,
    one_line,
    print_metrics,
    progress_bar,
)
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
        help="which positives; only figures of the test split are stored (test)",
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="cpu", help="auto takes CUDA where it is (cpu)"
    )


def _evaluate(arguments: argparse.Namespace) -> None:
    from surge.checkpoint import store_metrics
    from surge.evaluation.evaluate import evaluate_split
    from surge.evaluation.own_lists import evaluate_own_lists
    from surge.evaluation.words import own_positives_told, positives_told
    from surge.explanation.quality import measure
    from surge.training.trainer import choose_device

    if arguments.lists is not None and arguments.split is not None:
        raise SurgeError("--lists has positives of its own; leave --split out, or --lists.")
    split = arguments.split or "test"
    checkpoint, dataset = load_places(arguments, choose_device(arguments.device))
    with progress_bar("evaluating") as move:
        if arguments.lists is not None:
            metrics = {"lists": evaluate_own_lists(checkpoint, dataset, Path(arguments.lists), move)}
        elif split == "test":
            metrics = measure(checkpoint, dataset, move)
        else:
            metrics = {split: evaluate_split(checkpoint, dataset, split, move)}
    print_metrics(metrics)
    if arguments.lists is not None:
        print(own_positives_told(metrics["lists"]))
        return
    told = positives_told(metrics[split], split)
    if told:
        print(told)
    if split != "test":
        return
    if checkpoint.description.get("dataset", {}).get("digest") != dataset.digest:
        print("not stored: the checkpoint was trained on another dataset")
        return
    try:
        check_parents(checkpoint.folder)
    except SurgeError as problem:  # the figures are worth having all the same
        print(f"not stored: {problem}")
        return
    store_metrics(checkpoint, metrics)
    print(f"stored in the metrics.json of {arguments.checkpoint}")


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
    add_whole_history(parser)
    parser.add_argument("--item", metavar="T", help="the candidate item (the top predicted one)")
    parser.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="FILE.json or FILE.npz: the record; FILE.html: a report with all pictures and what was measured, which "
        "opens in a browser without a network",
    )


def _check_output(output: str) -> Path:
    ending = Path(output).suffix
    if ending not in (".json", ".npz", ".html"):
        raise SurgeError(f"--output {output!r} must end in .json or .npz (the record) or in .html (the report).")
    if ending == ".html":
        from surge.pictures.report import check_output
    else:
        from surge.explanation.record_file import check_output
    return check_output(output)


def _explain(arguments: argparse.Namespace) -> None:
    from surge.pictures.text import likely_words

    output = _check_output(arguments.output)
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
