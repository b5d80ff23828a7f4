"""The public formats: small files written by hand in each, and the real ones where they are at hand."""

import zipfile
from pathlib import Path

import pytest

from surge.data.dataset import Dataset
from surge.data.preparation import prepare
from surge.errors import SurgeError

EVERYTHING = {"split": "leave-last", "min_user_interactions": 1, "min_item_interactions": 1}


def movielens_1m(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "ratings.dat").write_bytes(
        b"1::10::5::978300760\r\n1::20::3::978300760\n1::20::3\n2::10::4::978300000::9\n\n2::30::1::978300001\n"
    )
    (folder / "movies.dat").write_bytes(
        "10::Café: Part 2 (1995)::Comedy|Drama\n20::A::B (1990)::(no genres listed)\n".encode("latin-1")
    )
    return folder


def test_movielens_1m_folder(tmp_path: Path) -> None:
    source = movielens_1m(tmp_path / "ml-1m")
    description = prepare("movielens", [source], tmp_path / "out", **EVERYTHING)
    dataset = Dataset.load(tmp_path / "out")
    assert dataset.interactions.rows() == [
        ("1", "10", 978300760, 5.0),
        ("1", "20", 978300760, 3.0),
        ("2", "30", 978300001, 1.0),
    ]
    assert dataset.items.rows() == [
        ("10", "Café: Part 2 (1995)", "Comedy|Drama"),
        ("20", "A::B (1990)", None),
        ("30", "30", None),
    ]
    assert description["preparation"]["rows_read"] == 6
    assert description["preparation"]["dropped"] == {"malformed line": 2, "blank line": 1}


def test_movielens_zip_gives_the_same_as_its_folder(tmp_path: Path) -> None:
    source = movielens_1m(tmp_path / "ml-1m")
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        for path in source.iterdir():
            archive.write(path, f"ml-1m/{path.name}")
    for given, output in ((source, "a"), (tmp_path / "ml-1m.zip", "b")):
        prepare("movielens", [given], tmp_path / output, **EVERYTHING)
    for file in ("interactions.parquet", "items.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_movielens_csv(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,296,5.0,1147880044\n")
    (tmp_path / "movies.csv").write_text('movieId,title,genres\n296,"Fiction, Pulp (1994)",Crime\n')
    prepare("movielens", [tmp_path], tmp_path / "out", **EVERYTHING)
    assert Dataset.load(tmp_path / "out").item("296") == {
        "item": "296",
        "title": "Fiction, Pulp (1994)",
        "category": "Crime",
    }


def test_movielens_keeps_a_five_core_by_default(tmp_path: Path) -> None:
    lines = [f"{user}::{item}::1::{978300000 + item}\n" for user in range(5) for item in range(5)]
    (tmp_path / "ratings.dat").write_text("".join(lines) + "9::1::1::978300000\n")
    description = prepare("movielens", [tmp_path], tmp_path / "out", split="leave-last")
    assert description["counts"] == {"interactions": 25, "users": 5, "items": 5, "categories": 0}
    assert description["preparation"]["dropped"] == {"user with fewer than 5 interactions": 1}


def test_movielens_without_ratings(tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match=r"neither ratings\.dat nor ratings\.csv"):
        prepare("movielens", [tmp_path], tmp_path / "out")


@pytest.mark.parametrize(
    ("format", "options", "named"),
    [
        ("movielens", {"columns": {"user": "userId"}}, "--user-column"),
        ("taobao", {"delimiter": ";"}, "--delimiter"),
        ("recbole", {"items_file": "toy.item"}, "--items"),
        ("kuairand", {"columns": {"behaviour": "is_like"}}, "--behaviour-column"),
        ("amazon", {"items_file": "meta.json"}, "--items"),
    ],
)
def test_an_option_that_a_format_has_no_use_for_is_refused(
    tmp_path: Path, format: str, options: dict, named: str
) -> None:
    with pytest.raises(SurgeError, match=f"{named} means nothing to the format {format}"):
        prepare(format, [tmp_path], tmp_path / "out", **options)


def test_damaged_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ml.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ratings.dat", "1::2::3::4\n" * 500)
    content = bytearray((tmp_path / "ml.zip").read_bytes())
    content[45:60] = bytes(15)
    (tmp_path / "ml.zip").write_bytes(content)
    with pytest.raises(SurgeError, match="damaged zip"):
        prepare("movielens", [tmp_path / "ml.zip"], tmp_path / "out")


def test_taobao(tmp_path: Path) -> None:
    first, last = 1511539200, 1512316799  # 2017-11-25 00:00:00 and 2017-12-03 23:59:59 in UTC+8
    lines = [
        f"1,100,7,pv,{first}",
        f"1,100,8,pv,{last}",
        f"1,100,8,pv,{last - 1}",
        f"1,200,7,pv,{first - 1}",
        f"1,200,7,pv,{last + 1}",
        f"1,200,7,buy,{first}",
        "1,200,7,pv,-5",
    ]
    (tmp_path / "UserBehavior.csv").write_text("\n".join(lines) + "\n")
    description = prepare("taobao", [tmp_path / "UserBehavior.csv"], tmp_path / "out", **EVERYTHING)
    dataset = Dataset.load(tmp_path / "out")
    assert dataset.interactions["timestamp"].to_list() == [first, last - 1, last]
    assert dataset.items.rows() == [("100", "100", "8")]
    assert description["preparation"]["dropped"] == {
        "negative time": 1,
        "other behaviour": 1,
        "outside the date window": 2,
    }


def test_taobao_with_another_width(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("1,2,3\n")
    with pytest.raises(SurgeError, match="has 3 columns, not 5: user, item, category, behaviour, time"):
        prepare("taobao", [tmp_path / "log.csv"], tmp_path / "out")


def test_recbole_s_files_are_found_in_the_one_folder_below_that_has_them(tmp_path: Path) -> None:
    below = tmp_path / "dataset" / "toy"
    below.mkdir(parents=True)
    text = "user_id:token\titem_id:token\ttimestamp:float\n" + "".join(f"1\ti{n}\t{1600000000 + n}\n" for n in range(4))
    (below / "toy.inter").write_text(text)
    (below / "toy.item").write_text("item_id:token\ttitle:token_seq\ni1\tOne\n")
    (tmp_path / "dataset" / "notes.txt").write_text("mine")
    prepare("recbole", [tmp_path], tmp_path / "out", split="leave-last")
    assert Dataset.load(tmp_path / "out").items["title"].to_list() == ["i0", "One", "i2", "i3"]
    other = tmp_path / "dataset" / "other"
    other.mkdir()
    (other / "other.inter").write_text(text)
    with pytest.raises(SurgeError, match=r"in 2 folders \(dataset/other, dataset/toy\); give one of them"):
        prepare("recbole", [tmp_path], tmp_path / "again")
    prepare("recbole", [other], tmp_path / "again", split="leave-last")
    (tmp_path / "dataset" / "all.inter").write_text(text)  # a folder's own come first
    prepare("recbole", [tmp_path / "dataset"], tmp_path / "own", split="leave-last")
    assert Dataset.load(tmp_path / "own").items["title"].to_list() == ["i0", "i1", "i2", "i3"]


def test_recbole(tmp_path: Path) -> None:
    (tmp_path / "toy.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n01\tx\t3\t1600000001.0\n01\ty\t4\t1600000000\n"
    )
    (tmp_path / "toy.item").write_text('item_id:token\tmovie_title:token_seq\tclass:token_seq\nx\tThe "X\tA B\n')
    prepare("recbole", [tmp_path], tmp_path / "out", split="leave-last")
    dataset = Dataset.load(tmp_path / "out")
    assert dataset.interactions.rows() == [("01", "y", 1600000000, 4.0), ("01", "x", 1600000001, 3.0)]
    assert dataset.items.rows() == [("x", 'The "X', "A B"), ("y", "y", None)]


@pytest.mark.parametrize(
    ("dataset", "format", "counts"),
    [
        ("movielens-latest-small", "movielens", (90_274, 610, 3_650, 634)),
        ("taobao-userbehavior-100k", "taobao", (1_749, 82, 128, 70)),
        ("movielens-1m", "movielens", (999_611, 6_040, 3_416, 299)),
    ],
)
def test_real_logs(shared_data: Path, tmp_path: Path, dataset: str, format: str, counts: tuple[int, ...]) -> None:
    (source,) = (shared_data / dataset / "raw").glob("*.zip")
    description = prepare(format, [source], tmp_path / "out", split="leave-last")
    assert tuple(description["counts"].values()) == counts  # interactions, users, items, categories
    preparation = description["preparation"]
    assert preparation["rows_read"] == preparation["rows_kept"] + sum(preparation["dropped"].values())
    assert Dataset.load(tmp_path / "out").description == description


@pytest.mark.parametrize(
    ("dataset", "options", "counts"),
    [
        ("kuairand-pure-part", {"columns": {"behaviour": "is_click"}, "behaviours": ["1"]}, (10_964, 832, 468, 41)),
        ("amazon-videogames-2018", {}, (453_637, 50_597, 16_874, 0)),
    ],
)
def test_real_logs_that_others_saved_as_parquet(
    shared_data: Path, tmp_path: Path, dataset: str, options: dict, counts: tuple[int, ...]
) -> None:
    folder = shared_data / dataset
    columns = {"user": "user_id", "item": "item_id", **options.get("columns", {})}
    least = 10 if "behaviours" in options else 5
    description = prepare(
        "csv",
        [folder / "interactions.parquet"],
        tmp_path / "out",
        columns=columns,
        items_file=folder / "items.parquet",
        behaviours=options.get("behaviours"),
        min_user_interactions=least,
        min_item_interactions=least,
    )
    assert tuple(description["counts"].values()) == counts  # interactions, users, items, categories
