"""KuaiRand as its publisher lays it out: signals, tags, the two halves of the log, and what is not KuaiRand."""

import gzip
import shutil
import zipfile
from pathlib import Path

import pytest

from surge.data.dataset import Dataset
from surge.data.preparation import prepare
from surge.errors import SurgeError

EVERYTHING = {"split": "leave-last", "min_user_interactions": 1, "min_item_interactions": 1}
HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab\n"
)
FIRST_HALF = "log_standard_4_08_to_4_21_pure.csv"
SECOND_HALF = "log_standard_4_22_to_5_08_pure.csv"
VIDEOS = "video_features_basic_pure.csv"
START = 1649347200  # 2022-04-08 00:00:00 in UTC+8


def impression(user: int, video: int, milliseconds: int, *, click: int = 0, like: int = 0, long_view: int = 0) -> str:
    return f"{user},{video},20220408,0,{milliseconds},{click},{like},0,0,0,0,{long_view},900,9000,0,0,0,0,1\n"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Three impressions of user 7 in the first half, two in the second, and one of a random exposure."""
    folder = tmp_path / "KuaiRand-Pure" / "data"
    folder.mkdir(parents=True)
    first = [
        impression(7, 10, START * 1000 + 999, click=1, like=1, long_view=1),
        impression(7, 11, START * 1000 + 5000, click=1),
        impression(7, 12, START * 1000 + 6000),
    ]
    second = [
        impression(7, 13, START * 1000 + 20 * 86_400_000, like=1),
        impression(7, 10, START * 1000 + 21 * 86_400_000, click=1),
    ]
    (folder / FIRST_HALF).write_text(HEADER + "".join(first))
    (folder / SECOND_HALF).write_text(HEADER + "".join(second))
    (folder / "log_random_4_22_to_5_08_pure.csv").write_text(HEADER + impression(8, 10, START * 1000, click=1))
    (folder / "user_features_pure.csv").write_text("user_id,user_active_degree\n7,high_active\n")
    (folder / VIDEOS).write_text(
        "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,"
        "server_height,music_id,music_type,tag\n"
        '10,1,NORMAL,2022-04-01,Web,0.0,9000.0,720.0,1280.0,5,9.0,"39,12"\n'
        "11,1,NORMAL,2022-04-01,Web,0.0,,720.0,1280.0,5,9.0,\n"
    )
    return folder.parent


def test_clicks_by_default(published: Path, tmp_path: Path) -> None:
    description = prepare("kuairand", [published], tmp_path / "out", **EVERYTHING)
    dataset = Dataset.load(tmp_path / "out")
    assert dataset.interactions.select("user", "item", "timestamp", "behaviour").rows() == [
        ("7", "10", START, "click"),
        ("7", "11", START + 5, "click"),
        ("7", "10", START + 21 * 86_400, "click"),
    ]
    assert dataset.items.rows() == [("10", "10", "tag 39"), ("11", "11", None)]
    assert description["preparation"]["rows_read"] == 5
    assert description["preparation"]["dropped"] == {"missing behaviour": 1, "other behaviour": 1}


@pytest.mark.parametrize(
    ("behaviours", "items"),
    [(["long_view"], ["10"]), (["like"], ["10", "13"]), (["click", "like"], ["10", "11", "13", "10"])],
)
def test_other_signals(published: Path, tmp_path: Path, behaviours: list[str], items: list[str]) -> None:
    prepare("kuairand", [published], tmp_path / "out", behaviours=behaviours, **EVERYTHING)
    assert Dataset.load(tmp_path / "out").interactions["item"].to_list() == items


def test_a_zip_its_data_folder_and_its_files_in_any_order_give_the_same(published: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "KuaiRand-Pure.zip", "w") as archive:
        for path in sorted((published / "data").iterdir()):
            archive.write(path, f"KuaiRand-Pure/data/{path.name}")
    files = [published / "data" / name for name in (SECOND_HALF, VIDEOS, FIRST_HALF)]
    given = {"a": [published], "b": [published / "data"], "c": [tmp_path / "KuaiRand-Pure.zip"], "d": files}
    for name, inputs in given.items():
        prepare("kuairand", inputs, tmp_path / name, **EVERYTHING)
        for file in ("interactions.parquet", "items.parquet"):
            assert (tmp_path / name / file).read_bytes() == (tmp_path / "a" / file).read_bytes()


def test_one_packed_log_alone(published: Path, tmp_path: Path) -> None:
    log = tmp_path / f"{SECOND_HALF}.gz"
    log.write_bytes(gzip.compress((published / "data" / SECOND_HALF).read_bytes()))
    description = prepare("kuairand", [log], tmp_path / "out", **EVERYTHING)
    assert Dataset.load(tmp_path / "out").items.rows() == [("10", "10", None)]
    assert "there is no video_features_basic file" in description["preparation"]["notes"][0]


def test_a_random_exposure_log_is_read_when_it_is_named(published: Path, tmp_path: Path) -> None:
    prepare("kuairand", [published / "data" / "log_random_4_22_to_5_08_pure.csv"], tmp_path / "out", **EVERYTHING)
    assert Dataset.load(tmp_path / "out").users == ["8"]


def test_dates_are_in_china_time(published: Path, tmp_path: Path) -> None:
    prepare("kuairand", [published], tmp_path / "out", end="2022-04-08", **EVERYTHING)
    assert Dataset.load(tmp_path / "out").interactions["timestamp"].to_list() == [START, START + 5]
    with pytest.raises(SurgeError, match="outside the date window"):
        prepare("kuairand", [published], tmp_path / "none", end="2022-04-07", **EVERYTHING)


def test_duplicates_and_broken_cells_are_counted(tmp_path: Path) -> None:
    good = impression(7, 10, START * 1000, click=1)
    rest = "," * (HEADER.count(",") - 5)
    bad = ["7,,20220408,0,1649347200000,1", "7,10,20220408,0,soon,1", "7,10,20220408,0,1649347200000,maybe"]
    bad = [f"{line}{rest}\n" for line in bad] + ["7,10,20220408,0,1649347200000,1\n"]
    (tmp_path / FIRST_HALF).write_text(HEADER + good + good + "".join(bad))
    description = prepare("kuairand", [tmp_path], tmp_path / "out", **EVERYTHING)
    assert description["preparation"]["rows_kept"] == 1
    assert description["preparation"]["dropped"] == {
        "malformed line": 1,
        "missing item": 1,
        "unparsable time": 1,
        "missing behaviour": 1,
        "exact duplicate": 1,
    }
    assert (
        f"1 line of {FIRST_HALF} was left out, with fewer fields than the header: line 7"
        in (description["preparation"]["notes"])
    )


def test_ten_core_by_default(published: Path, tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match="with fewer than 10 interactions"):
        prepare("kuairand", [published], tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (FIRST_HALF, "", "is empty"),
        (FIRST_HALF, HEADER, "a header but no rows"),
        (FIRST_HALF, HEADER.replace("time_ms", "when"), "has no column 'time_ms'"),
        (FIRST_HALF, HEADER.replace("is_click", "clicked"), "has no column 'is_click'"),
        ("user_features_pure.csv", "user_id,user_active_degree\n7,x\n", "has no column 'video_id'"),
        ("movies.csv", "movieId,title,genres\n1,2,3\n", "neither a KuaiRand log nor video_features_basic"),
        (VIDEOS, "video_id,tag\n10,39\n", r"there is no log_standard_\*\.csv"),
        ("interactions.parquet", "PAR1", "is Parquet; prepare it with the format csv"),
        ("KuaiRand-Pure.tar.gz", "x", "tar -xf KuaiRand-Pure.tar.gz"),
        ("KuaiRand-Pure.zip", "x", "is a damaged zip"),
    ],
)
def test_what_is_not_kuairand(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SurgeError, match=sentence):
        prepare("kuairand", [tmp_path / name], tmp_path / "out", **EVERYTHING)
    assert not (tmp_path / "out").exists()


def test_two_versions_are_not_mixed(published: Path, tmp_path: Path) -> None:
    shutil.copy(published / "data" / VIDEOS, published / "data" / "video_features_basic_1k.csv")
    with pytest.raises(SurgeError, match="give one version"):
        prepare("kuairand", [published], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SurgeError, match="there is no log_standard"):
        prepare("kuairand", [tmp_path / "empty"], tmp_path / "out")
