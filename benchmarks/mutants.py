"""How many small faults the tests notice: mutants of a package, drawn at random, each under the tests near it.

    OMP_NUM_THREADS=1 python -m benchmarks.mutants evaluation --draw 25 --seed 17 [--only 3 8]

A mutant is one change of one expression or statement: a comparison, a calculation, a number or truth value, a boolean,
a condition, the arguments of a call, a statement left out. Docstrings, text, annotations, imports and what an error
says are left alone. The tests run in a copy of the tracked files, until the first one fails. One that takes longer than
LIMIT is told apart: nobody knows what the rest of the tests would say.

Why no ready tool: mutmut 3 runs the whole suite to learn which test reaches what, and cosmic-ray has one test command
for all files; the suite takes too long for either.
"""

from __future__ import annotations

import argparse
import ast
import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("model", "data", "evaluation", "training")
LIMIT = 90  # seconds of processor time for one mutant
# what takes long comes last
LAST = """evaluation/test_significance.py model/test_against_reference.py training/test_start.py
training/test_lift_constant.py training/test_trainer.py""".split()
# what reaches a file without importing it
ALSO = {"trainer": ["test_python_door.py"], "prediction": ["model/test_model_invariants.py"]}
SWAP = """Lt:LtE,GtE LtE:Lt,Gt Gt:GtE,LtE GtE:Gt,Lt Eq:NotEq NotEq:Eq Is:IsNot IsNot:Is In:NotIn NotIn:In Add:Sub
Sub:Add Mult:Div Div:Mult FloorDiv:Mult Mod:Mult Pow:Mult BitOr:BitAnd BitAnd:BitOr And:Or Or:And"""
SWAPS = {name: others.split(",") for name, others in (pair.split(":") for pair in SWAP.split())}
REMOVED = (ast.Assign, ast.AugAssign, ast.Expr, ast.Raise, ast.Return, ast.Continue, ast.Break)


def swaps(operator: ast.AST) -> list[Any]:
    return [getattr(ast, name)() for name in SWAPS.get(type(operator).__name__, [])]


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node: each differs from it in one thing."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from (ast.Compare(node.left, [other], node.comparators) for other in swaps(node.ops[0]))
    elif isinstance(node, ast.BinOp):
        yield from (ast.BinOp(node.left, other, node.right) for other in swaps(node.op))
    elif isinstance(node, ast.BoolOp):
        yield from (ast.BoolOp(other, node.values) for other in swaps(node.op))
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        yield ast.Constant(not node.value if isinstance(node.value, bool) else node.value + 1)
    elif isinstance(node, ast.Call):
        if node.keywords:
            yield ast.Call(node.func, node.args, node.keywords[:-1])
        if len(node.args) > 1:
            yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    elif isinstance(node, (ast.If, ast.IfExp)):
        kind: Any = type(node)
        yield kind(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, REMOVED):
        yield ast.Pass()


def places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Each parent, field and index (None for a single child) of what may be changed."""
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or field in ("annotation", "returns", "ops", "op"):
                continue
            if isinstance(child, (ast.JoinedStr, ast.Import, ast.ImportFrom)):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            yield node, field, index if isinstance(value, list) else None
            if not isinstance(child, ast.Raise):
                yield from places(child)


@dataclass(frozen=True)
class Mutant:
    """One change of a file: at `field` (and `index`) of `parent`, a node of `tree`, stands `changed` for `node`."""

    path: Path
    tree: ast.Module
    parent: ast.AST
    field: str
    index: int | None
    node: Any
    changed: ast.AST

    def __str__(self) -> str:
        told = " ==> ".join(ast.unparse(ast.fix_missing_locations(one)).split("\n")[0] for one in self._both())
        return f"{self.path.relative_to(ROOT)}:{self.node.lineno}: {told}"

    def _both(self) -> tuple[ast.AST, ast.AST]:
        return self.node, ast.copy_location(self.changed, self.node)

    def source(self) -> str:
        """The changed source of the file."""
        self._put(self.changed)
        source = ast.unparse(ast.fix_missing_locations(self.tree))
        self._put(self.node)
        return source

    def _put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(path: Path) -> Iterator[Mutant]:
    """All mutants of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for parent, field, index in list(places(tree)):
        node = getattr(parent, field) if index is None else getattr(parent, field)[index]
        yield from (Mutant(path, tree, parent, field, index, node, changed) for changed in variants(node))


def tests_near(path: Path) -> list[str]:
    """The test files of its package that import a file or are named after it, else all of the package; its own come
    first, and what takes long last."""
    name, package = path.stem, path.parent.name
    files = sorted((ROOT / "tests" / package).glob("test_*.py"))
    near = [file for file in files if f"surge.{package}.{name} " in file.read_text() or file.stem == f"test_{name}"]
    names = [str(file.relative_to(ROOT / "tests")) for file in near or files] + ALSO.get(name, [])
    return [f"tests/{file}" for file in sorted(names, key=lambda file: (file in LAST, f"test_{name}." not in file))]


def code_of(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """The functions and methods of a module, each with its name."""
    for held in code.co_consts:
        if isinstance(held, CodeType) and held.co_flags & CO_NEWLOCALS:
            yield held.co_qualname, held
        elif isinstance(held, CodeType):
            yield from code_of(held)  # a class


def swapped(mutant: Mutant, source: str, file: Path) -> list[tuple[FunctionType, CodeType]]:
    """Each function of the changed file with what it was before; [] where the change is in no function's body."""
    bodies = [part for one in ast.walk(mutant.tree) if isinstance(one, ast.FunctionDef) for part in one.body]
    if not any(mutant.node is one for part in bodies for one in ast.walk(part)):
        return []
    changed, before = dict(code_of(compile(source, str(file), "exec"))), []
    for held in gc.get_objects():
        if type(held) is FunctionType and held.__code__.co_filename == str(file):
            code = changed.get(held.__qualname__)
            if code is not None and len(code.co_freevars) == len(held.__code__.co_freevars):
                before.append((held, held.__code__))
                held.__code__ = code
    return before


def too_long(*_: object) -> None:
    """Ends pytest where it stands."""
    raise KeyboardInterrupt


def outcome(tests: list[str], apart: bool) -> str:
    """killed, survived or time, of tests in this process, which has loaded torch already, or in one of their own."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", *tests]
    if apart:
        command = ["bash", "-c", f'ulimit -t {LIMIT}; exec "$0" -m pytest "$@"', sys.executable, *options]
        with open("pytest.out", "w") as out:
            code = subprocess.run(command, stdout=out, stderr=out).returncode
        return "time" if code < 0 else "killed" if code else "survived"
    with open("pytest.out", "w") as out, redirect_stdout(out), redirect_stderr(out):
        signal.setitimer(signal.ITIMER_PROF, LIMIT)
        code = pytest.main(options)
        left = signal.setitimer(signal.ITIMER_PROF, 0)[0]
    return "survived" if code == 0 else "killed" if left else "time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", choices=PACKAGES)
    parser.add_argument("--draw", type=int, default=25)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the draw")
    chosen = parser.parse_args()
    package = ROOT / "surge" / chosen.package
    pool = [mutant for path in sorted(package.glob("*.py")) for mutant in mutants(path)]
    drawn = random.Random(f"{chosen.seed} {chosen.package}").sample(pool, chosen.draw)
    print(f"{chosen.package}: {len(drawn)} of {len(pool)} mutants", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve()
        for name in subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")[:-1]:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
        os.chdir(copy)
        sys.path[0] = os.environ["PYTHONPATH"] = str(copy)
        sys.modules.pop("benchmarks")
        sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"  # none that is of another mutant
        signal.signal(signal.SIGPROF, too_long)
        for path in package.glob("*.py"):  # now, while they are as they should be
            import_module(f"surge.{chosen.package}.{path.stem}")
        counts: Counter[str] = Counter()
        for number, mutant in enumerate(drawn, start=1):
            if chosen.only and number not in chosen.only:
                continue
            place, source = copy / mutant.path.relative_to(ROOT), mutant.source()
            place.write_text(source, encoding="utf-8")  # for processes that a test starts
            before = swapped(mutant, source, place)
            found = outcome(tests_near(mutant.path), apart=not before)
            for function, code in before:
                function.__code__ = code
            shutil.copy2(mutant.path, place)
            counts[found] += 1
            print(f"{number:3} {found:8} {mutant}", flush=True)
            if found == "killed":
                out = Path("pytest.out").read_text(encoding="utf-8", errors="replace").splitlines()
                print(
                    "    ", next((line for line in out if line.startswith(("FAILED", "ERROR"))), out[-1:]), flush=True
                )
    print(dict(counts))


if __name__ == "__main__":
    main()
