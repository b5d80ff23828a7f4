"""`python -m surge simulate` and `prepare` as a user meets them: reports, exit codes, a sentence for what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from surge.cli import main
from surge.data.dataset import Dataset

ROOT = Path(__file__).parents[1]
LOG = "user,item,timestamp\na,x,1600000000\na,x,1600000000\na,y,1600000001\n,y,1600000001\n"


def test_prepare_reports_what_it_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    output = tmp_path / "out"
    assert main(["prepare", "csv", str(tmp_path / "log.csv"), "--output", str(output), "--split", "leave-last"]) == 0
    report = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["rows", "read", "4"] in report
    assert ["dropped:", "missing", "user", "1"] in report
    assert ["dropped:", "exact", "duplicate", "1"] in report
    assert ["interactions", "2"] in report
    assert Dataset.load(output).name == "out"


def test_prepare_passes_its_options_on(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("who\twhat\twhen\tkind\nJé\t7\t1970-01-02\tbuy\n", encoding="latin-1")
    (tmp_path / "items.csv").write_text("what,title,category\n7,Seven,numbers\n")
    options = "--user-column who --item-column what --time-column when --behaviour-column kind --behaviour buy"
    options += " --delimiter tab --encoding latin-1 --time-unit iso --split leave-last --name toy --start 1970-01-02"
    arguments = ["prepare", "csv", str(tmp_path / "log.csv"), "--output", str(tmp_path / "out"), *options.split()]
    assert main([*arguments, "--items", str(tmp_path / "items.csv")]) == 0
    dataset = Dataset.load(tmp_path / "out")
    assert dataset.name == "toy"
    assert dataset.interactions.rows() == [("Jé", "7", 86_400, "buy")]
    assert dataset.items.rows() == [("7", "Seven", "numbers")]


def test_simulate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path / "shop"), "--users", "30", "--seed", "3"]) == 0
    assert "users                  30" in capsys.readouterr().out
    assert main(["simulate", str(tmp_path / "shop"), "--users", "30"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert main(["simulate", str(tmp_path / "shop"), "--users", "30", "--seed", "3", "--force"]) == 0


@pytest.mark.parametrize(
    ("problem", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "error: interrupted; no output was written"),
        (PermissionError(13, "Permission denied", "/secret"), 2, "error: Permission denied: /secret"),
        (OSError(28, "No space left on device"), 2, "error: No space left on device"),
        (MemoryError(), 2, "error: there is not enough free memory; close other programs"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), 2, "error: there is not enough free memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 2, "error: there is not enough free"),
    ],
)
def test_other_failures_are_a_sentence_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    problem: BaseException,
    code: int,
    sentence: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr("surge.data.simulator.write_dataset", fail)
    assert main(["simulate", str(tmp_path / "shop"), "--users", "5"]) == code
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "surge", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_bad_input_from_the_shell() -> None:
    done = run("prepare", "csv", "/no/such/file.csv", "--output", "never")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: /no/such/file.csv does not exist; check the path"]
    assert not (ROOT / "never").exists()


@pytest.mark.parametrize("command", ["simulate", "prepare"])
def test_help_has_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"python -m surge {command}" in done.stdout.split("example:")[1]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom surge.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'polars', 'numpy', 'torch', 'pandas', 'streamlit', 'tqdm'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_data_layer_does_without_torch_and_pandas(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom surge.cli import main\n"
        f"assert main(['simulate', {str(tmp_path / 'shop')!r}, '--users', '5']) == 0\n"
        "import surge.data.preparation\n"
        "heavy = {'torch', 'pandas', 'streamlit'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
