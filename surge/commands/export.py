"""The command that takes a checkpoint into production: export."""

import argparse
from typing import Any

from surge.commands import add_command, add_places, load_places, one_line, progress_bar


def add_export(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "export",
        "write item vectors, interests and the model as ONNX, for a service without torch",
        "  python -m surge export checkpoints/demo --output runs/demo-export\n"
        "  python -m surge export checkpoints/demo sample_data --output runs/demo-export --force",
        _export,
    )
    add_places(parser, dataset_optional=True)
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--force", action="store_true", help="replace an export that is there already")


def _export(arguments: argparse.Namespace) -> None:
    from surge.checkpoint import load_checkpoint
    from surge.deployment.export import export

    if arguments.dataset is None:
        checkpoint, dataset = load_checkpoint(arguments.checkpoint), None
    else:
        checkpoint, dataset = load_places(arguments)
    with progress_bar("exporting") as move:
        done = export(checkpoint, arguments.output, dataset, force=arguments.force, progress=move)
    for name, vectors in done["vectors"].items():
        print(f"{name}: {done['items']:,} vectors of {vectors['size']} numbers, also in items.parquet")
    if "interests" in done:
        interests = done["interests"]
        print(
            f"interests.parquet: {interests['clusters']} clusters over {interests['histories']:,} histories; "
            f"{interests['items_read']:,} of {done['items']:,} items were read"
        )
    if "model" in done:
        check, fixed = done["model"]["check"], done["model"]["fixed_length"]
        print(
            f"model.onnx: logits and scores of {', '.join(done['model']['inputs'])}; onnxruntime's logits of "
            f"{check['readings']:,} readings differ from the model's own by at most {check['largest_difference']:.1e}"
        )
        if fixed is not None:
            print(
                f"histories for model.onnx must be padded to {fixed} items: the steps of its recurrent layer are fixed"
            )
    for name, reason in done["left_out"].items():
        print(f"left out: {name}: {one_line(reason)}")
    print(f"written to {one_line(arguments.output)}")
