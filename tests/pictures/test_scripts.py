"""The pages' scripts as Python joins them: whole modules, without an import that a browser would follow."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from surge.pictures import assets
from surge.pictures.assets import script

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "surge" / "pictures" / "assets"
SCRIPTS = sorted([*ASSETS.glob("*.js"), *(ROOT / "app").rglob("*.js")])
needs_node = pytest.mark.skipif(
    shutil.which("node") is None and not os.environ.get("SURGE_REQUIRE_NODE"), reason="Node is not installed"
)


@needs_node
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_script_is_whole_and_its_names_are_its_own(path: Path, tmp_path: Path) -> None:
    joined = script(path)
    assert "import " not in re.sub(r"//.*", "", joined) and joined.count("export ") == joined.count("export default")
    assert joined.count("export default function") == (1 if "export default" in path.read_text("utf-8") else 0)
    (tmp_path / "joined.mjs").write_text(joined, encoding="utf-8")  # a name that is taken twice is a syntax error
    checked = subprocess.run(["node", "--check", tmp_path / "joined.mjs"], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_plotlys_own_parts_are_read_in_one_place_and_nobody_plays_the_mouse() -> None:
    texts = {path.name: re.sub(r"//.*", "", path.read_text(encoding="utf-8")) for path in SCRIPTS}
    assert [name for name, text in texts.items() if re.search(r"\._[a-zA-Z]|\b_[a-z]\w*[,}:]", text)] == ["axes.js"]
    assert [name for name, text in texts.items() if re.search(r"MouseEvent|PointerEvent|\.innerHTML", text)] == []


def test_what_is_imported_comes_first_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "base.js": "export const BASE = 1;\n",
        "one.js": 'import { BASE } from "#surge/base.js";\n\nexport function one() {\n  return BASE;\n}\n',
        "two.js": 'import { BASE } from "#surge/base.js";\nimport { one } from "#surge/one.js";\n'
        "// why\nexport const two = 2; // kept\n",
    }
    monkeypatch.setattr(assets, "asset", files.__getitem__)
    (tmp_path / "main.js").write_text(
        'import { two } from "#surge/two.js";\nimport { one } from "#surge/one.js";\nexport default function () {}\n',
        encoding="utf-8",
    )
    joined = script(tmp_path / "main.js")
    assert re.findall(r"const BASE|function one|const two|export default function", joined) == [
        "const BASE",
        "function one",
        "const two",
        "export default function",
    ]
    assert "why" not in joined and "// kept" in joined
    assert script("one.js") == "const BASE = 1;\nfunction one() {\n  return BASE;\n}\n"


@pytest.mark.parametrize(
    "line",
    ['import x from "#surge/events.js";', 'import { ask } from "./events.js";', 'import "https://example.com/x.js";'],
)
def test_another_import_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text(f"{line}\nexport default function () {{}}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="imports by lines of the form"):
        script(tmp_path / "main.js")


def test_the_linter_is_pinned_and_its_lock_file_names_no_registry() -> None:
    asked = json.loads((ROOT / "package.json").read_text("utf-8"))
    assert "dependencies" not in asked
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked["devDependencies"].values())
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert locked[""]["devDependencies"] == asked["devDependencies"]
    assert {package.get("resolved") for path, package in locked.items() if path} == {None}
    assert all(package["integrity"].startswith("sha512-") for path, package in locked.items() if path)
