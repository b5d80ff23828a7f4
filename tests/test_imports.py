"""What import contracts (pyproject.toml) can't say: the few sources of the pictures, pickles, and what loads when."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("surge", "app", "benchmarks", "tests")
PICTURES_MAY = {f"surge.explanation.{part}" for part in ("record", "measurements", "story", "structure")} | {
    "surge.errors",
    "surge.atomic_write",
    "surge.escapes",
    "surge.evaluation.words",
    "surge.vocabulary",
    "surge.pictures",
}
PICKLES = ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")


class Module:
    """A source file: its dotted name and every module that it names in an import, wherever it stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        parts = path.relative_to(ROOT).with_suffix("").parts
        self.is_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        self.imports = set(self._imports())

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
                    base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
                # `from surge import data` names surge.data; `from x import Class` names x.Class, which does no harm
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                    yield node.args[0].value

    def within(self, *packages: str) -> bool:
        return any(inside(self.name, package) for package in packages)

    def uses(self, *packages: str) -> set[str]:
        return {name for name in self.imports if any(inside(name, package) for package in packages)}


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


MODULES = [Module(path) for place in PLACES for path in sorted((ROOT / place).rglob("*.py"))]


def offenders(uses: tuple[str, ...], *, among: tuple[str, ...], but: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """Modules among these packages, but not in those, that import one of `uses`."""
    found = {m.name: m.uses(*uses) for m in MODULES if m.within(*among) and not m.within(*but)}
    return {name: used for name, used in found.items() if used}


def test_the_scan_sees_the_project() -> None:
    names = {module.name for module in MODULES}
    assert {
        "surge",
        "surge.cli",
        "surge.model.surge",
        "app.main",
        "surge.pictures.palette",
        "tests.test_imports",
    } <= names
    assert "torch" in next(module for module in MODULES if module.name == "surge.model.surge").imports
    assert offenders(("streamlit",), among=("app",))


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("import torch.nn as nn", "torch.nn"),
        ("def f():\n    from torch import load", "torch.load"),
        ("import importlib\nimportlib.import_module('torch')", "torch"),
        ("try:\n    import a, torch\nexcept ImportError:\n    pass", "torch"),
        ("from . import beside", "surge.model.beside"),
        ("from ..data import dataset", "surge.data.dataset"),
        ("from .layers import PairScore", "surge.model.layers"),
    ],
)
def test_the_scan_finds_imports_wherever_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, named: str
) -> None:
    path = tmp_path / "surge" / "model" / "made_up.py"
    path.parent.mkdir(parents=True)
    path.write_text(source)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert named in Module(path).imports


def test_pictures_know_the_record_alone() -> None:
    for module in MODULES:
        if module.within("surge.pictures"):
            for name in module.uses("surge"):
                assert any(inside(name, known) for known in PICTURES_MAY), f"{module.name}: {name}"


# -- what is installed, and how long files are ----------------------------------------------------------

NAMED_OTHERWISE = {"sklearn": "scikit-learn", "onnx_ir": "onnx-ir"}
NOT_INSTALLED = {"umap"}  # asked for by name where it is missing: docs/install.md


def test_what_the_product_imports_is_declared() -> None:
    """Else it is there only because another package happens to need it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = project["optional-dependencies"] | {"": project["dependencies"], "dev": []}
    declared = {re.split(r"[^\w-]", line)[0] for lines in parts.values() for line in lines}
    roots = {name.split(".")[0] for module in MODULES if module.within("surge", "app") for name in module.imports}
    others = roots - sys.stdlib_module_names - {"surge", "app", ""}
    assert {"torch", "streamlit", "sklearn"} < others
    assert {NAMED_OTHERWISE.get(name, name) for name in others - NOT_INSTALLED} - declared == set()


LONGEST_FILE = 300  # lines
LONGER: dict[str, str] = {}  # the reason, by path


def test_no_file_is_long_without_a_reason() -> None:
    paths = [module.path for module in MODULES if module.within("surge", "app", "benchmarks")]
    long = {str(path.relative_to(ROOT)) for path in paths if path.read_bytes().count(b"\n") > LONGEST_FILE}
    assert long == set(LONGER)


# -- pickle -------------------------------------------------------------------------------------------


def test_no_pickle_anywhere() -> None:
    """But in tests, which make the hostile files with it."""
    assert not offenders(PICKLES, among=("surge", "app", "benchmarks"))


def unpicklers(tree: ast.AST) -> list[int]:
    """Lines that could unpickle: torch.load under whatever name, allow_pickle=True, pandas' pickles."""
    torches = {"torch"} | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in ("torch", "torch.serialization") and alias.asname
    }
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("load", "serialization"):
            value = ast.unparse(node.value)
            if value in torches or value.endswith("torch.serialization"):
                lines.append(node.lineno)
        elif isinstance(node, ast.Attribute) and node.attr in ("read_pickle", "to_pickle", "load_state_dict_from_url"):
            lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module in ("torch", "torch.serialization"):
            lines += [node.lineno for alias in node.names if alias.name in ("load", "serialization", "*")]
        elif (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        ):
            lines.append(node.value.lineno)
    return lines


def test_torch_load_is_used_nowhere() -> None:
    found = {module.name: unpicklers(module.tree) for module in MODULES}
    assert not {name: lines for name, lines in found.items() if lines}


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import torch\ntorch.load(p)", 1),
        ("import torch as t\nf = t.load", 1),
        ("from torch import load as read", 1),
        ("import torch.serialization as s\ns.load(p)", 1),
        ("numpy.load(p, allow_pickle=True)", 1),
        ("numpy.load(p, allow_pickle=flag)", 1),
        ("pandas.read_pickle(p)", 1),
        ("numpy.load(p, allow_pickle=False)\njson.load(f)\nself.load(p)\nfrom safetensors.torch import load", 0),
    ],
)
def test_the_scan_finds_what_unpickles(source: str, count: int) -> None:
    assert len(unpicklers(ast.parse(source))) == count


# -- in a process of its own --------------------------------------------------------------------------


def python(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_surge_loads_nothing_heavy() -> None:
    python(
        "import sys, surge\n"
        "assert not {'torch', 'polars', 'numpy', 'streamlit', 'plotly'} & set(sys.modules), sorted(sys.modules)\n"
        "assert set(surge.__all__) <= set(dir(surge))\n"
        "assert surge.SurgeError.__name__ == 'SurgeError' and 'torch' not in sys.modules\n"
    )


def test_data_and_record_can_be_imported_without_torch() -> None:
    names = [m.name for m in MODULES if m.within("surge.data", "surge.config", "surge.explanation.record", "surge.cli")]
    assert len(names) > 10
    python(f"import sys, importlib\nsys.modules['torch'] = None\nfor name in {names}: importlib.import_module(name)\n")


def test_every_public_name_is_there() -> None:
    import surge

    for name in surge.__all__:
        assert getattr(surge, name).__module__.startswith("surge."), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = surge.nothing
