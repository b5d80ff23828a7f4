"""The model as ONNX: histories and candidates in, logits and scores out."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from surge.checkpoint import Checkpoint
from surge.errors import SurgeError, is_out_of_memory
from surge.model.surge import SurgeModel

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
OPSET = 18
NOTHING = -1  # in place of an item: padding
OUTPUTS = ("logits", "scores")
LONGEST_UNROLLED = 100  # items; every step of a recurrent layer is written out, where the history decides how many
EXAMPLE = 3  # of every dimension that may be of any size; 0 and 1 would be taken for fixed ones


class ServedModel(nn.Module):
    """SURGE as a service calls it."""

    log_popularity: Tensor

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.model = checkpoint.model
        self.register_buffer("log_popularity", torch.from_numpy(checkpoint.catalogue.log_popularity))

    def forward(self, history: Tensor, candidates: Tensor, ages: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """history (B, n), candidates (B, T): item rows, NOTHING for padding; ages (B, n) in seconds, NaN if not known.

        Gives logits (B, T) and scores = logit + log q (B, T, float64), by which a catalogue is ranked; both -inf where
        there is no candidate.
        """
        # not by `build_graph`, which refuses empty histories: what is exported can't ask its input
        graph = self.model.graph_from_embeddings(self.model.embed(history.clamp(min=0)), history >= 0, ages)
        rows = candidates.clamp(min=0)
        logits = self.model.score(graph, rows).masked_fill(candidates < 0, -torch.inf)
        return logits, logits.double() + self.log_popularity[rows]


def inputs_of(model: SurgeModel) -> tuple[str, ...]:
    """What the ONNX model is given, by name."""
    return ("history", "candidates", *(("ages",) if model.config.forms.time != "none" else ()))


def fixed_length(model: SurgeModel) -> int | None:
    """The one length that histories must be padded to; None where it may be any.

    Where every item is its own cluster a recurrent layer takes a step for each, and the steps are written out.
    """
    unrolled = not model.extract.pools and model.config.forms.evolution in ("augru", "gru", "time_lstm")
    return model.config.max_length if unrolled else None


def check_packages() -> None:
    """A SurgeError where what writes and runs ONNX is not installed."""
    import importlib.util

    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise SurgeError(f"{', '.join(missing)} {verb} not installed: pip install {' '.join(PACKAGES)}")


def write_onnx(checkpoint: Checkpoint, path: Path) -> None:
    """Write the model to a new file; weights of more than 2 GB lie in a second one beside it, named PATH.data.

    A SurgeError says why a model can't be written.
    """
    check_packages()
    length = fixed_length(checkpoint.model)
    if length is not None and length > LONGEST_UNROLLED:
        raise SurgeError(
            f"every item is its own cluster, so a recurrent layer reads up to {length} of them, and torch's exporter "
            f"writes out each step: that ends in hours; it is done up to a max_length of {LONGEST_UNROLLED}"
        )
    shape = torch.full((EXAMPLE, length or EXAMPLE), 0)
    given = {"history": shape, "candidates": torch.zeros(EXAMPLE, EXAMPLE, dtype=torch.long), "ages": shape.double()}
    axes = {0: "batch", 1: "steps"} if length is None else {0: "batch"}
    dynamic = {"history": axes, "candidates": {0: "batch", 1: "candidates"}, "ages": axes}
    names = inputs_of(checkpoint.model)
    try:
        program = _exported(
            ServedModel(checkpoint).eval(),
            {name: given[name] for name in names},
            {name: dynamic[name] for name in names},
        )
        program.model.metadata_props["surge.checkpoint"] = checkpoint.digest
        _forget_source(program.model)
        program.save(path)
    except Exception as error:  # whatever the exporter can't do
        if isinstance(error, OSError) or is_out_of_memory(error):
            raise
        raise SurgeError(f"torch's exporter does not take this model ({_first_line(error)})") from error


def _exported(model: nn.Module, given: dict[str, Tensor], dynamic: dict[str, Any]) -> Any:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the exporter misses torchvision, and says what it does not fold
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own code
            return torch.onnx.export(
                model,
                kwargs=given,
                dynamo=True,
                dynamic_shapes=dynamic,
                input_names=list(given),
                output_names=list(OUTPUTS),
                opset_version=OPSET,
                custom_translation_table=_translations(),
                verbose=False,
            )
    finally:
        logging.disable(before)


def _translations() -> dict[Any, Any]:
    """What the exporter lacks, and what it makes inexact."""
    import onnx_ir
    from onnxscript import opset18 as op

    def sort(x: Any, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:
        """TopK of all is a stable sort: of equal values it takes the one of the lower index first."""
        size = op.Gather(op.Shape(x), op.Constant(value_ints=[dim]))
        return op.TopK(x, size, axis=dim, largest=int(descending), sorted=1)

    def scalar(value: float, dtype: int = onnx_ir.DataType.FLOAT, **options: Any) -> Any:
        """A number in its own precision; the exporter's makes a float32 of it first, and rounds what is float64."""
        return op.Constant(value=onnx_ir.tensor(value, dtype=onnx_ir.DataType(dtype)))

    def product(x: Any, y: Any) -> Any:
        """Of float64 as an Einsum: older onnxruntimes fuse a MatMul and a transposition to what they can't run."""
        if x.dtype == onnx_ir.DataType.DOUBLE:
            return op.Einsum(x, y, equation="...ij,...jk->...ik")
        return op.MatMul(x, y)

    aten = torch.ops.aten
    return {aten.sort.stable: sort, aten.scalar_tensor.default: scalar, aten.matmul.default: product}


def _forget_source(model: Any) -> None:
    """Take out where in the source a node comes from: paths of this machine, and half of a small file."""
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()


def _first_line(error: BaseException) -> str:
    """The innermost reason in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join((str(error) or type(error).__name__).split("\n")[0].split())


def open_session(path: Path) -> Any:
    """An onnxruntime session on the CPU with as many threads as torch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # what goes wrong is raised
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(session: Any, given: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Logits and scores (B, T)."""
    logits, scores = session.run(list(OUTPUTS), given)
    return logits, scores
