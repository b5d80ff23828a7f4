"""How long `prepare` takes for a log, beside the least that any preparation does, and beside another version of itself.

    python -m benchmarks.prepare [LOG] [--format NAME] [--against FOLDER] [--rounds N]

The least is to read user, item and time by polars, to sort by user and time, and to write Parquet; it is measured for
the log of a million rows that this makes where no LOG is given. FOLDER is the work tree of another version. All run in
turn, each in a process of its own on one core; told are medians of the CPU time without imports, and the ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
ROWS = 1_000_000
LEAST = """
import polars as pl
def run(log, output):
    rows = pl.scan_csv(log).select("user", "item", "timestamp").collect(engine="streaming")
    rows.sort("user", "timestamp").write_parquet(output)
"""
PREPARE = """
from surge.data.preparation import prepare
def run(log, output):
    prepare(FORMAT, [log], output, split="leave-last")
"""
TIMED = """
import sys, time
started = time.process_time()
run(sys.argv[1], sys.argv[2])
print(time.process_time() - started)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("log", type=Path, nargs="?")
    parser.add_argument("--format", default="csv", metavar="NAME", help="as in `prepare` (csv)")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="work tree of another version")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of each (5)")
    arguments = parser.parse_args()
    code = PREPARE.replace("FORMAT", repr(arguments.format))
    with TemporaryDirectory() as folder:
        log = arguments.log.resolve() if arguments.log is not None else made_up(Path(folder) / "log.csv")
        runs = {"prepare": (code, ROOT)}
        if arguments.log is None:
            runs["least"] = (LEAST, ROOT)
        if arguments.against is not None:
            runs["against"] = (code, arguments.against.resolve())
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(arguments.rounds):
            for name, (source, tree) in runs.items():
                seconds[name].append(timed(source, tree, log, Path(folder) / f"{name}-{turn}"))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        ratio = "" if name == "prepare" else f", prepare takes {medians['prepare'] / median:.2f} times as long"
        print(f"{name}: {median:.2f} s of CPU{ratio}")


def made_up(path: Path) -> Path:
    """A log of a million interactions of 6,000 users with 4,000 items, in the order of time."""
    rng = np.random.default_rng(0)
    items = np.minimum(rng.zipf(1.3, ROWS), 4_000)
    users, times = rng.integers(0, 6_000, ROWS), 1_700_000_000 + np.sort(rng.integers(0, 10_000_000, ROWS))
    pl.DataFrame({"user": users, "item": items, "timestamp": times}).write_csv(path)
    return path


def timed(code: str, tree: Path, log: Path, output: Path) -> float:
    """Seconds of CPU that `run` of this code takes with the package of a work tree."""
    one_core = {"PYTHONPATH": str(tree), "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code + TIMED, str(log), str(output)],
        env=os.environ | one_core,
        cwd=tree,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout)


if __name__ == "__main__":
    main()
