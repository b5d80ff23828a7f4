"""The command that measures all users: survey."""

import argparse
from typing import Any

from surge.commands import add_command, add_places, load_places, one_line, print_figures, progress_bar
from surge.errors import SurgeError
from surge.vocabulary.survey import USER


def add_survey(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "survey",
        "measure the explanation of every user, for the page that finds users",
        "  python -m surge survey checkpoints/demo sample_data\n"
        "  python -m surge survey checkpoints/demo sample_data --users 200 --output part.parquet",
        _survey,
    )
    add_places(parser)
    parser.add_argument(
        "--output", metavar="FILE", help="FILE.parquet (CHECKPOINT.survey.parquet, where the explorer looks for it)"
    )
    parser.add_argument("--users", type=int, metavar="N", help="measure N users drawn at random (all)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the draw and of umap (0)")
    parser.add_argument(
        "--map", choices=("pca", "umap"), default="pca", help="how users are laid out; umap needs umap-learn (pca)"
    )


def _survey(arguments: argparse.Namespace) -> None:
    from surge.explanation.survey import survey
    from surge.explanation.survey_file import check_output, survey_path, write_survey
    from surge.explanation.survey_map import check_method

    if arguments.users is not None and arguments.users < 1:
        raise SurgeError(f"--users is {arguments.users}; give a whole number from 1.")
    if arguments.seed < 0:
        raise SurgeError(f"--seed is {arguments.seed}; give a whole number from 0.")
    check_method(arguments.map)
    output = check_output(arguments.output or survey_path(arguments.checkpoint))
    checkpoint, dataset = load_places(arguments)
    asked = min(arguments.users or len(dataset.users), len(dataset.users))
    with progress_bar("surveying") as move:
        frame = survey(
            checkpoint,
            dataset,
            users=arguments.users,
            seed=arguments.seed,
            method=arguments.map,
            progress=move,
        )
    write_survey(output, frame, checkpoint, dataset, method=arguments.map)
    print(f"{frame.height:,} of {asked:,} users measured; medians:")
    print_figures({name: frame[name].median() for name in USER})
    if frame.height < asked:
        print(f"left out: {asked - frame.height:,} of {asked:,} users, for whom the model can predict nothing")
    print(f"written to {one_line(str(output))}")
