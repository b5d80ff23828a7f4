"""Where logs lie: folders with links and what else is in them, partitions, patterns, pipes, names of all kinds."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from surge.data.dataset import Dataset
from surge.data.preparation import prepare
from surge.errors import SurgeError
from tests.data.reading import notes

T = 1600000000
HEADER = "user,item,timestamp\n"


def part(place: Path, number: int) -> Path:
    """A file with three rows of its own."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(HEADER + "".join(f"u{number},i{n},{T + 10 * number + n}\n" for n in range(3)))
    return place


def read(source: Any, tmp_path: Path, **options: Any) -> Dataset:
    prepare("csv", [source], tmp_path / "out", force=True, **{"split": "leave-last", **options})
    return Dataset.load(tmp_path / "out")


def test_links_in_a_folder_are_followed_once(tmp_path: Path) -> None:
    part(tmp_path / "log" / "a.csv", 0)
    part(tmp_path / "elsewhere" / "b.csv", 1)
    part(tmp_path / "far.csv", 2)
    (tmp_path / "log" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "log" / "c.csv").symlink_to(tmp_path / "far.csv")
    (tmp_path / "log" / "back").symlink_to(tmp_path / "log")
    assert read(tmp_path / "log", tmp_path).users == ["u0", "u1", "u2"]


def test_a_broken_link_or_a_pipe_in_a_folder_is_not_passed_over(tmp_path: Path) -> None:
    part(tmp_path / "log" / "a.csv", 0)
    (tmp_path / "log" / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(SurgeError, match=r"gone\.csv is a link to .*nowhere\.csv, which does not exist"):
        read(tmp_path / "log", tmp_path)
    (tmp_path / "log" / "gone.csv").unlink()
    os.mkfifo(tmp_path / "log" / "pipe")
    with pytest.raises(SurgeError, match="pipe is not a file"):
        read(tmp_path / "log", tmp_path)


def test_a_folder_that_may_not_be_read_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part(tmp_path / "log" / "a.csv", 0)
    part(tmp_path / "log" / "closed" / "b.csv", 1)
    scan = os.scandir

    def refuse(path: Any) -> Any:  # root, who may run the tests, could read it
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SurgeError, match=r"closed can't be read \(Permission denied\)"):
        read(tmp_path / "log", tmp_path)


def test_what_is_there_for_people_is_passed_over_and_told(tmp_path: Path) -> None:
    part(tmp_path / "log" / "a.csv", 0)
    for name in ("README.md", "LICENSE", "readme.txt", "codebook.pdf"):
        (tmp_path / "log" / name).write_text("Clicks, of March")
    for name in ("_SUCCESS", ".a.csv.crc"):
        (tmp_path / "log" / name).write_text("")
    dataset = read(tmp_path / "log", tmp_path)
    assert dataset.users == ["u0"]
    assert "passed over in folders: " in notes(dataset) and "codebook.pdf" in notes(dataset)


def test_patterns_go_over_folders_and_pass_over_what_folders_do(tmp_path: Path) -> None:
    for number, place in enumerate(("x/a.csv", "y/a.csv", "y/b.csv")):
        part(tmp_path / "log" / place, number)
    (tmp_path / "log" / "y" / "_SUCCESS").touch()
    (tmp_path / "log" / "y" / "empty.csv").touch()
    for pattern, users in (("*/a.csv", 2), ("y/*", 2), ("**/*.csv", 3), ("[xy]/b.csv", 1), ("y*", 2)):
        assert len(read(tmp_path / "log" / pattern, tmp_path).users) == users, pattern
    odd = part(tmp_path / "a[1].csv", 4)  # a file may be called like a pattern
    assert read(odd, tmp_path).users == ["u4"]


def test_partitions_as_hive_writes_them(tmp_path: Path) -> None:
    for number, name in enumerate(("a%20b%2Fc", "é", "__HIVE_DEFAULT_PARTITION__")):
        folder = tmp_path / "log" / f"user-id={name}"
        folder.mkdir(parents=True)
        pl.DataFrame({"item": ["i"], "timestamp": [T + number]}).write_parquet(folder / "p.parquet")
    dataset = read(tmp_path / "log", tmp_path)
    assert dataset.users == ["a b/c", "é"]
    assert dataset.description["preparation"]["dropped"] == {"missing user": 1}


def test_partitions_by_year_month_and_day_are_dates(tmp_path: Path) -> None:
    for day in (30, 31):
        folder = tmp_path / "log" / "year=2024" / "month=05" / f"day={day}"
        folder.mkdir(parents=True)
        pl.DataFrame({"user": ["u"], "item": [f"i{day}"]}).write_parquet(folder / "p.parquet")
    times = read(tmp_path / "log", tmp_path).interactions["timestamp"].to_list()
    assert [datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d") for time in times] == ["2024-05-30", "2024-05-31"]


def test_a_pipe_is_read(tmp_path: Path) -> None:
    text = part(tmp_path / "a.csv", 0).read_text()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    assert read(pipe, tmp_path).users == ["u0"]
    writer.join()


def test_a_standard_input_that_is_empty_or_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stdin in (io.TextIOWrapper(io.BytesIO(b"")), None):
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(SurgeError, match="nothing came from standard input; give a file, or a command that writes"):
            read("-", tmp_path)


def test_a_tar_archive_says_what_to_do(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "log.tar", "w") as archive:
        archive.add(part(tmp_path / "a.csv", 0), "a.csv")
    with pytest.raises(SurgeError, match=r"log\.tar is a tar archive; unpack it \(tar -xf\)"):
        read(tmp_path / "log.tar", tmp_path)


def test_a_name_that_is_not_unicode(tmp_path: Path) -> None:
    name = os.fsdecode(b"cl\xe9s.csv")
    part(tmp_path / "log" / "plain.csv", 0).rename(tmp_path / "log" / name)
    for source in (tmp_path / "log" / name, tmp_path / "log"):
        dataset = read(source, tmp_path)
        assert dataset.users == ["u0"]
    (tmp_path / "log" / name).write_text(HEADER + "u,i\n")
    with pytest.raises(SurgeError) as caught:
        read(tmp_path / "log" / name, tmp_path)
    str(caught.value).encode()


def test_the_file_about_items_beside_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part(tmp_path / "log" / "a.csv", 0)
    (tmp_path / "log" / "items.csv").write_text("item,title\ni0,Lamp\ni1,Mug\ni2,Pen\n")
    monkeypatch.chdir(tmp_path)
    for given in (tmp_path / "log" / "items.csv", Path("log/items.csv"), Path("log/../log/items.csv")):
        assert read(tmp_path / "log", tmp_path, items_file=given).items["title"].to_list() == ["Lamp", "Mug", "Pen"]
    with pytest.raises(SurgeError, match=r"a\.csv is given as the log and as the file about items"):
        read(tmp_path / "log" / "a.csv", tmp_path, items_file=tmp_path / "log" / "a.csv")


def test_one_column_is_not_users_and_items(tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match=r"users and items of a\.csv are both in the column 'item'"):
        read(part(tmp_path / "a.csv", 0), tmp_path, columns={"user": "item"})


def test_a_date_of_eight_digits_is_no_second_of_1970(tmp_path: Path) -> None:
    days = "".join(f"u,i{n},2023-11-{18 + n}\n" for n in range(6))
    (tmp_path / "log.csv").write_text(HEADER + days)
    for start in ("20231120", "2023-11-20", "1700438400"):
        dataset = read(tmp_path / "log.csv", tmp_path, start=start)
        assert dataset.interactions["item"].to_list() == ["i2", "i3", "i4", "i5"], start
    assert len(read(tmp_path / "log.csv", tmp_path, end="20231120").interactions) == 3  # the whole day
    assert len(read(tmp_path / "log.csv", tmp_path, start="20239999").interactions) == 6  # a second of 1970
    with pytest.raises(SurgeError, match=r"--start 9{30} lies past the year 2200"):
        read(tmp_path / "log.csv", tmp_path, start="9" * 30)


def test_rows_that_are_left_out_are_shown(tmp_path: Path) -> None:
    rows = ["u,a,1600000000", "u,,1600000001", ",b,1600000002", "u,c,soon", "u,d,-5", "u,e,", "u,f,later"]
    (tmp_path / "log.csv").write_text(HEADER + "\n".join(rows) + "\n")
    told = notes(read(tmp_path / "log.csv", tmp_path, time_unit="seconds"))
    assert told.endswith(
        "first rows that were left out: missing item in line 3 of log.csv, missing time in line 7 of log.csv, missing "
        "user in line 4 of log.csv, negative time in line 6 of log.csv ('-5'), unparsable time in line 5 of log.csv "
        "('soon')"
    )


def test_mixed_units_of_a_table_without_lines_name_the_file(tmp_path: Path) -> None:
    rows = {"user": ["u"] * 2, "item": ["a", "b"], "timestamp": [T, T * 1000]}
    pl.DataFrame(rows).write_parquet(tmp_path / "log.parquet")
    with pytest.raises(SurgeError, match=r"in seconds \(first '1600000000' in log\.parquet\)"):
        read(tmp_path / "log.parquet", tmp_path)
