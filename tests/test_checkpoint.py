"""Checkpoints: what is saved comes back to the bit, and what was cut, edited or forged is told in one sentence."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load, save

from surge.checkpoint import Checkpoint, category_rows, checks, load_checkpoint, save_checkpoint, store_metrics
from surge.checkpoint.checks import FILES
from surge.config import EvaluationConfig, ModelConfig, from_dict
from surge.errors import SurgeError
from surge.model.surge import SurgeModel
from tests.model.small import pad
from tests.training.toy import MODEL, measured, settings

torch.set_num_threads(1)  # small tensors: a second thread costs more than it brings

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "two\nlines\r\nand a tab\t",
    "quotes \" and ' and \\ and | and `",
    "Ζωή 🏕️ \u202egnp.exe\u2028",
    "null \x00 byte",
]
ITEMS = pl.DataFrame(
    {
        "item": ["0012", "12", "<b>", "", " ", "7"],
        "title": HOSTILE,
        "category": ["Tents", None, "Boots", "Tents", None, "<i>Boots</i>"],
        "count": [3, 0, 1, 7, 2, 5],
    }
)
METRICS = {"test": {"auc": 0.75, "instances": 40}, "explanation": {"nmi": 1 / 3}}
HISTORY = [{"epoch": 1, "log_loss": 0.1 + 0.2}, {"epoch": 2, "log_loss": 0.25}]
DESCRIPTION = {"trained_on": "cpu (1 threads)", "dataset": {"name": "toy", "users": 3}, "exclude_seen": True}
EVERY_FILE = [*FILES, "manifest.json"]


def make_model(seed: int = 0) -> SurgeModel:
    torch.manual_seed(seed)
    categories, item_category = category_rows(ITEMS)
    return SurgeModel(ModelConfig(item_count=len(ITEMS), category_count=len(categories), **MODEL), item_category)


def save_to(folder: Path, model: SurgeModel | None = None, **changes: Any) -> Path:
    parts: dict[str, Any] = {"metrics": METRICS, "history": HISTORY, "description": DESCRIPTION, "items": ITEMS}
    parts |= changes
    save_checkpoint(
        folder,
        model or make_model(),
        parts.pop("items"),
        training_config=settings(),
        evaluation_config=measured(),
        **parts,
    )
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One saved checkpoint; tests that damage it take a copy."""
    return save_to(tmp_path_factory.mktemp("original") / "shop")


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "shop"))


def refused(folder: Path, *words: str) -> str:
    """The one sentence with which this folder is refused; it holds these words."""
    with pytest.raises(SurgeError) as caught:
        load_checkpoint(folder)
    sentence = str(caught.value)
    assert len(sentence.splitlines()) == 1, sentence
    assert sentence.endswith("."), sentence
    for word in words:
        assert word in sentence, sentence
    return sentence


def remake_manifest(folder: Path) -> None:
    """As someone would who changes a file on purpose."""
    manifest = {}
    for name in FILES:
        content = (folder / name).read_bytes()
        manifest[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edit(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Change a JSON file and make the manifest fit it."""
    value = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(change(value)))
    remake_manifest(folder)


def edit_settings(folder: Path, part: str, **changes: Any) -> None:
    edit(folder, "config.json", lambda config: config | {part: config[part] | changes})


def without(table: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != name}


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    path = folder / "model.safetensors"
    weights = load(path.read_bytes())
    change(weights)
    path.write_bytes(save(weights))
    remake_manifest(folder)


def edit_header(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the header of the weights and leave their bytes as they are."""
    path = folder / "model.safetensors"
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    change(header)
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + content[8 + length :])
    remake_manifest(folder)


def write_items(folder: Path, items: pl.DataFrame) -> None:
    items.write_parquet(folder / "items.parquet")
    remake_manifest(folder)


# -- round trip ---------------------------------------------------------------------------------------


def test_round_trip(tmp_path: Path) -> None:
    model = make_model()
    loaded = load_checkpoint(save_to(tmp_path / "shop", model))
    saved = model.state_dict()
    assert loaded.model.state_dict().keys() == saved.keys()
    for name, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, saved[name]), name
        assert tensor.dtype == saved[name].dtype
    history = pad([[0, 3, 3, 5], [2]])
    candidates = torch.tensor([[1, 4, 5], [0, 2, 3]])
    with torch.no_grad():
        assert torch.equal(loaded.model(history, candidates), model.eval()(history, candidates))
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert loaded.model_config == model.config
    assert (loaded.training_config, loaded.evaluation_config) == (settings(), measured())
    assert loaded.metrics == METRICS
    assert loaded.history == HISTORY
    assert loaded.description == loaded.description | DESCRIPTION
    assert loaded.exclude_seen
    assert loaded.name == "shop"
    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == sorted(EVERY_FILE)


def test_ids_and_hostile_titles_come_back_as_they_were(original: Path) -> None:
    loaded = load_checkpoint(original)
    assert loaded.items.equals(ITEMS)
    assert loaded.rows == {"0012": 0, "12": 1, "<b>": 2, "": 3, " ": 4, "7": 5}


def test_an_item_without_a_title_is_called_by_its_id(tmp_path: Path) -> None:
    untitled = ITEMS.with_columns(title=pl.lit(None, dtype=pl.String))
    assert (
        load_checkpoint(save_to(tmp_path / "shop", items=untitled)).items["title"].to_list() == ITEMS["item"].to_list()
    )


def test_more_columns_and_other_types_of_text(tmp_path: Path) -> None:
    items = ITEMS.with_columns(pl.col("category").cast(pl.Categorical), price=pl.lit(3.5)).select(
        "price", "count", "category", "title", "item"
    )
    assert load_checkpoint(save_to(tmp_path / "shop", items=items)).items.equals(ITEMS)


def test_category_rows_are_in_sorted_order_and_none_is_one_of_them() -> None:
    categories, rows = category_rows(ITEMS)
    assert categories == ["", "<i>Boots</i>", "Boots", "Tents"]
    assert rows.tolist() == [3, 0, 2, 3, 0, 1]


def test_the_digest_names_what_decides_predictions(original: Path, folder: Path, tmp_path: Path) -> None:
    digest = load_checkpoint(original).digest
    assert len(digest) == 64
    assert load_checkpoint(original).digest == load_checkpoint(folder).digest == digest
    assert load_checkpoint(save_to(tmp_path / "again")).digest == digest
    assert load_checkpoint(save_to(tmp_path / "seed", make_model(1))).digest != digest
    # figures measured anew don't make another model of it: a survey stays its own
    assert load_checkpoint(save_to(tmp_path / "metrics", metrics={"test": {"auc": 0.76}})).digest == digest


def test_the_manifest_names_every_file(original: Path) -> None:
    manifest = json.loads((original / "manifest.json").read_text())
    assert set(manifest) == set(FILES)
    for name, entry in manifest.items():
        content = (original / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_the_card_tells_the_figures(original: Path) -> None:
    card = (original / "README.md").read_text()
    nmi = "| Clusters against true interests (NMI) | 0.33 |"
    for words in ("trained on toy", "cpu (1 threads)", "| AUC | 0.750 |", nmi, "| clusters | [4] |"):
        assert words in card


def test_nothing_in_the_card_is_a_sign(tmp_path: Path) -> None:
    hostile = {"dataset": {"name": "<b>\n# shop | [x](y)", "users": 12345}, "trained_on": "`cpu`"}
    card = (
        save_to(tmp_path / "hostile", description=hostile, metrics={"a|b": {"c|d": "<i>|\n# x"}}) / "README.md"
    ).read_text()
    assert card.startswith("# SURGE checkpoint, trained on \\<b\\> # shop \\| \\[x\\](y)\n") and "12,345 users" in card
    assert "Trained on \\`cpu\\`" in card and "## Metrics: a\\|b\n" in card and "| c\\|d | \\<i\\>\\| # x |\n" in card


def test_the_card_tells_how_often_predictions_came_next(tmp_path: Path) -> None:
    bins = {
        "reliability_probability": [0.002, 0.04],
        "reliability_share": [0.0, 0.0312],
        "reliability_count": [1500, 9],
    }
    folder = save_to(tmp_path / "bins", metrics={"test": {"auc": 0.75, "users": 300.0, "mrr": 1.0, **bins}})
    card = (folder / "README.md").read_text()
    assert (
        "| AUC | 0.750 |\n| Users measured | 300 |\n| MRR | 1.000 |\n\n"
        "The chances of the ten best items, and how many of these came next:\n\n"
        "| Predictions | Chance given | Share that came next |\n| ---: | ---: | ---: |\n"
        "| 1,500 | 0.20 % | 0 % |\n| 9 | 4.0 % | 3.1 % |\n\n## Model\n"
    ) in card
    assert "[" not in card.partition("## Model")[0] and "temperature" not in card


@pytest.mark.parametrize(
    "bins",
    [
        {"reliability_share": [0.1]},
        {"reliability_probability": [], "reliability_share": [], "reliability_count": []},
        {"reliability_probability": [0.1], "reliability_share": [0.1, 0.2], "reliability_count": [1]},
        {"reliability_probability": ["x"], "reliability_share": [0.1], "reliability_count": [1]},
        {"reliability_probability": 5, "reliability_share": {}, "reliability_count": None},
    ],
    ids=str,
)
def test_the_card_leaves_out_bins_that_do_not_fit(tmp_path: Path, bins: dict[str, Any]) -> None:
    folder = save_to(tmp_path / "bins", metrics={"test": {"auc": 0.75, **bins}})
    assert "came next" not in (folder / "README.md").read_text()


def test_the_card_tells_a_temperature(tmp_path: Path) -> None:
    folder = save_to(tmp_path / "soft", description={"dataset": {"name": "toy"}, "temperature": 1.2})
    words = "For probabilities, scores are divided by a temperature of 1.2."
    assert words in (folder / "README.md").read_text()


def test_others_may_read_it(original: Path) -> None:
    assert original.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_saved_on_cuda_and_loaded_on_the_cpu(tmp_path: Path) -> None:
    loaded = load_checkpoint(save_to(tmp_path / "shop", make_model().cuda()))
    assert {tensor.device.type for tensor in loaded.model.state_dict().values()} == {"cpu"}
    for name, tensor in make_model().state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)
    assert load_checkpoint(tmp_path / "shop", "cuda").model.item_embedding.weight.is_cuda


# -- saving -------------------------------------------------------------------------------------------


def fails(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "place",
    [
        "surge.checkpoint.saving.save_weights",
        "surge.checkpoint.saving.model_card",
        "polars.DataFrame.write_parquet",
        "pathlib.Path.write_bytes",
        "os.rename",
    ],
)
def test_a_failure_in_the_middle_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, overwrite: bool
) -> None:
    if overwrite:
        save_to(tmp_path / "shop")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, fails)
        save_to(tmp_path / "shop", make_model(1), overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == (["shop"] if overwrite else [])
    if overwrite:
        assert torch.equal(
            load_checkpoint(tmp_path / "shop").model.item_embedding.weight, make_model().item_embedding.weight
        )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_is_not_written(tmp_path: Path, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        save_to(tmp_path / "shop", metrics={"test": {"auc": value}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["checkpoint", "empty folder", "file", "link to nothing"])
def test_what_exists_is_not_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "shop"
    if kind == "checkpoint":
        save_to(path)
    elif kind == "file":
        path.write_text("mine")
    elif kind == "link to nothing":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
    with pytest.raises(SurgeError, match=r"already exists; choose another folder or remove it first\.$"):
        save_to(path, make_model(1))
    assert [entry.name for entry in tmp_path.iterdir()] == ["shop"]
    if kind == "checkpoint":
        assert torch.equal(load_checkpoint(path).model.item_embedding.weight, make_model().item_embedding.weight)


def test_overwrite_replaces_all_of_it(tmp_path: Path) -> None:
    save_to(tmp_path / "shop")
    (tmp_path / "shop" / "notes.txt").write_text("of the old one")
    save_to(tmp_path / "shop", make_model(1), overwrite=True)
    assert torch.equal(
        load_checkpoint(tmp_path / "shop").model.item_embedding.weight, make_model(1).item_embedding.weight
    )
    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == sorted(EVERY_FILE)
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_figures_measured_anew_leave_everything_else_in_the_folder(folder: Path) -> None:
    """Comparisons for the model page, notes, a survey: none of it is the checkpoint's, all of it is the user's."""
    (folder / "baselines.json").write_text('{"runs": []}')
    (folder / ".hidden").write_bytes(b"\x00")
    (folder / "model.safetensors.bak").write_bytes(b"mine")
    (folder / "surveys" / "old").mkdir(parents=True)
    (folder / "surveys" / "old" / "README.md").write_text("a file of this name that is not the model card")
    (folder / "surveys" / "empty").mkdir()
    (folder / "link").symlink_to("nowhere")
    (folder / "baselines.json").chmod(0o400)
    os.utime(folder / "baselines.json", (10, 1_000))
    folder.chmod(0o700)

    def others() -> dict[str, Any]:
        return {
            path.relative_to(folder).as_posix(): path.readlink()
            if path.is_symlink()
            else path.is_file() and path.read_bytes()
            for path in folder.rglob("*")
            if path.name not in ("metrics.json", "manifest.json") and path != folder / "README.md"
        }

    before = others()
    loaded = store_metrics(load_checkpoint(folder), {"test": {"auc": 0.5}})
    assert loaded.metrics == METRICS | {"test": {"auc": 0.5}}
    assert others() == before and len(before) == 4 + 8
    kept = (folder / "baselines.json").stat()
    assert (kept.st_mtime, kept.st_mode & 0o777, folder.stat().st_mode & 0o777) == (1_000, 0o400, 0o700)
    assert [path.name for path in folder.parent.iterdir()] == ["shop"]
    assert set(json.loads((folder / "manifest.json").read_text())) == set(FILES)


def test_figures_measured_anew_join_those_that_were_stored_meanwhile(folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    store_metrics(checkpoint, {"more": {"auc": 0.25}})
    assert store_metrics(checkpoint, {"test": {"auc": 0.5}}).metrics == METRICS | {
        "more": {"auc": 0.25},
        "test": {"auc": 0.5},
    }


def test_figures_of_a_model_that_was_replaced_meanwhile_are_not_stored(folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    save_to(folder, make_model(1), overwrite=True)
    with pytest.raises(
        SurgeError, match=r"'shop' was replaced while it was measured, so nothing is stored; .*again\.$"
    ):
        store_metrics(checkpoint, {"test": {"auc": 0.5}})
    assert load_checkpoint(folder).metrics == METRICS


def test_figures_are_stored_in_the_folder_where_one_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    store_metrics(load_checkpoint("."), {"test": {"auc": 0.5}})
    assert load_checkpoint(folder).metrics["test"] == {"auc": 0.5}
    assert [path.name for path in folder.parent.iterdir()] == ["shop"]


def test_missing_parents_are_made(tmp_path: Path) -> None:
    assert load_checkpoint(save_to(tmp_path / "a" / "b" / "shop")).name == "shop"


# -- not a checkpoint folder --------------------------------------------------------------------------


def test_nothing_there(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "nothing", "is not a checkpoint folder")


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("x")
    refused(tmp_path / "shop", "is not a checkpoint folder")


def test_one_of_its_files(original: Path) -> None:
    refused(original / "config.json", "is not a checkpoint folder")


@pytest.mark.parametrize("name", ["model.pt", "model.PTH", "a.pkl", "a.pickle", "last.ckpt", "pytorch_model.bin"])
@pytest.mark.parametrize("kind", ["file", "folder", "nothing"])
def test_a_pickle_is_never_opened(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    path = tmp_path / name
    if kind == "folder":
        shutil.copytree(original, path)
    elif kind == "file":
        path.write_bytes(b"\x80\x04c__builtin__\nprint\n(VRUN\ntR.")
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("opened all the same"))
    refused(path, name, "pickle", "never read")


def test_a_pickle_in_the_place_of_the_weights(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "model.safetensors").write_bytes(b"\x80\x04c__builtin__\nprint\n(VRUN\ntR.")
    remake_manifest(folder)
    refused(folder, "model.safetensors", "can't be read")
    assert "RUN" not in capfd.readouterr().out


def test_a_linked_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    refused(tmp_path / "link", "is a symbolic link, which is not followed; give the folder that it leads to")


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_linked_file(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    refused(folder, name)


@pytest.mark.parametrize("name", ["a\nb", "a\0b", "x" * 300])
def test_strange_paths(tmp_path: Path, name: str) -> None:
    refused(tmp_path / name, repr(name)[1:-1])


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "metrics.json":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    refused(folder, "'shop'", "Permission denied", "metrics.json")


# -- damage: the manifest is as it was ----------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refused(folder, name, "'shop'")


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_folder_in_the_place_of_a_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    refused(folder, name)


@pytest.mark.parametrize("name", EVERY_FILE)
@pytest.mark.parametrize("length", [0, 1, 0.5, -1])
def test_a_truncated_file(folder: Path, name: str, length: float) -> None:
    content = (folder / name).read_bytes()
    end = int(length * len(content)) if isinstance(length, float) else length
    if name == "manifest.json" and length == -1:
        end -= 1  # without its last line break it is whole
    (folder / name).write_bytes(content[:end])
    refused(folder, name)


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_flipped_bit_at_the_start_in_the_middle_and_at_the_end(original: Path, folder: Path, name: str) -> None:
    content = (original / name).read_bytes()
    for place in (0, 1, len(content) // 3, len(content) // 2, len(content) - 2, len(content) - 1):
        flipped = bytearray(content)
        flipped[place] ^= 1
        (folder / name).write_bytes(flipped)
        refused(folder, name) if name != "manifest.json" else refused(folder)


def test_edited_metrics(folder: Path) -> None:
    path = folder / "metrics.json"
    path.write_text(path.read_text().replace("0.75", "0.99"))
    refused(folder, "metrics.json", "is not what was written", "sha256")
    path.write_text(path.read_text().replace("0.99", "0.9999"))
    refused(folder, "metrics.json", "was cut or changed")


def test_a_longer_file(folder: Path) -> None:
    with open(folder / "items.parquet", "ab") as file:
        file.write(b"\0")
    refused(folder, "items.parquet", "was cut or changed")


def test_two_hundred_mutated_bytes(original: Path, folder: Path) -> None:
    """None of them loads, and none is told otherwise than in a sentence."""
    rng = random.Random(4)
    contents = {name: (original / name).read_bytes() for name in EVERY_FILE}
    for _ in range(200):
        name = rng.choice(EVERY_FILE)
        changed = bytearray(contents[name])
        place = rng.randrange(len(changed))
        old, changed[place] = changed[place], rng.randrange(256)
        if changed[place] == old or (name == "manifest.json" and chr(old).isspace() and chr(changed[place]).isspace()):
            continue  # the same bytes, or the same JSON written with another blank
        (folder / name).write_bytes(changed)
        refused(folder)
        (folder / name).write_bytes(contents[name])
    assert load_checkpoint(folder).digest == load_checkpoint(original).digest


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "7", '"x"', "[" * 200_000, "\udcff"])
def test_a_manifest_that_is_none(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    refused(folder, "manifest.json")


@pytest.mark.parametrize("entry", [None, [], 3, {}, {"bytes": "many", "sha256": 5}, {"sha256": "0" * 64}])
def test_a_manifest_with_a_strange_entry(folder: Path, entry: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"config.json": entry}))
    refused(folder, "config.json")


# -- forgery: the manifest was made to fit ------------------------------------------------------------


def test_a_checkpoint_without_counts_says_how_to_make_it_anew(folder: Path) -> None:
    """Of the release before items were counted: ranking by its logits alone would recommend the obscure."""
    edit(folder, "config.json", lambda config: config | {"format_version": 1})
    refused(folder, "how often training met each item", "train it again with `python -m surge train`")


@pytest.mark.parametrize("counts", [None, [3, 0, 1, 7, 2, None], [3, 0, 1, -7, 2, 5]])
def test_counts_that_are_none(folder: Path, counts: list[int | None] | None) -> None:
    write_items(folder, ITEMS.drop("count") if counts is None else ITEMS.with_columns(count=pl.Series(counts)))
    refused(folder, "items.parquet", "count")


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), "1", None, 1e9, True])
def test_a_temperature_that_is_none(folder: Path, temperature: object) -> None:
    edit(folder, "config.json", lambda config: config | {"temperature": temperature})
    refused(folder, "no usable temperature")


@pytest.mark.parametrize("constant", ["1", None, float("nan"), float("inf"), -1e9, True])
def test_a_lift_constant_that_is_none(folder: Path, constant: object) -> None:
    edit(folder, "config.json", lambda config: config | {"lift_constant": constant})
    refused(folder, "no usable lift_constant")


def test_the_offset_of_a_lift(tmp_path: Path) -> None:
    """The measured constant, or log K; with a temperature the lift's popularity is still q."""
    log_q = np.log(np.array([3, 1, 1, 7, 2, 5]) / 19)
    plain = load_checkpoint(save_to(tmp_path / "plain"))
    assert plain.catalogue.lift_offset(np.arange(6)) == pytest.approx([np.log(plain.training_config.negatives)] * 6)
    constant = load_checkpoint(save_to(tmp_path / "measured", description=DESCRIPTION | {"lift_constant": -0.5}))
    assert constant.catalogue.lift_offset(2) == pytest.approx(-0.5)
    both = {"lift_constant": -0.5, "temperature": 2.0}
    soft = load_checkpoint(save_to(tmp_path / "soft", description=DESCRIPTION | both))
    assert soft.catalogue.lift_offset(np.arange(6)) == pytest.approx(-0.5 - log_q / 2)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("exclude_seen", "false", "exclude_seen is 'false', but it must be true or false"),
        ("exclude_seen", 0, "exclude_seen is 0"),
        ("exclude_seen", None, "exclude_seen is None"),
        ("dataset", [1], "dataset is [1], but it must be an object"),
        ("dataset", None, "dataset is None"),
        ("dataset", {"digest": 7}, "dataset.digest is 7, but it must be text"),
        ("dataset", {"name": ["shop"]}, "dataset.name is ['shop']"),
        ("best_epoch", "3", "best_epoch is '3', but it must be a whole number"),
        ("best_epoch", True, "best_epoch is True"),
        ("trained_on", {"two\nlines": "x" * 500}, "trained_on is {'two\\nlines': 'xxx"),
        ("torch", 2.1, "torch is 2.1"),
    ],
)
def test_what_config_json_says_must_be_of_its_kind(folder: Path, name: str, value: object, told: str) -> None:
    """Told when it is loaded, not after a whole measurement; the text "false" is not taken for true."""
    edit(folder, "config.json", lambda config: config | {name: value})
    assert len(refused(folder, "config.json of the checkpoint 'shop' says", told, "train it again")) < 250


def test_what_config_json_does_not_say_is_not_missed(folder: Path) -> None:
    kept = ("format_version", "model", "training")
    edit(folder, "config.json", lambda config: {name: config[name] for name in kept})
    loaded = load_checkpoint(folder)
    assert not loaded.exclude_seen and loaded.catalogue.temperature == 1


def test_items_without_counts_say_how_to_make_them_anew(folder: Path) -> None:
    write_items(folder, ITEMS.drop("count"))
    refused(folder, "has no column count", "how often training met each item", "again with `python -m surge train`")


def test_counts_and_temperature_come_back(tmp_path: Path) -> None:
    loaded = load_checkpoint(save_to(tmp_path / "shop", description=DESCRIPTION | {"temperature": 1.25}))
    assert loaded.catalogue.counts.tolist() == [3, 0, 1, 7, 2, 5] and loaded.catalogue.temperature == 1.25
    assert loaded.catalogue.log_popularity == pytest.approx(np.log(np.array([3, 1, 1, 7, 2, 5]) / 19))
    assert load_checkpoint(save_to(tmp_path / "other")).catalogue.temperature == 1


@pytest.mark.parametrize("version", [0, 3, "1", None, [1], float("nan")])
def test_an_unknown_format_version(folder: Path, version: object) -> None:
    edit(folder, "config.json", lambda config: config | {"format_version": version})
    refused(folder, "format version", repr(version), "reads version 2")


@pytest.mark.parametrize("value", [True, False])
def test_a_setting_that_is_gone_and_changed_no_number_is_passed_over(folder: Path, value: bool) -> None:
    before = load_checkpoint(folder).training_config
    edit_settings(folder, "training", compiled=value)
    assert load_checkpoint(folder).training_config == before


@pytest.mark.parametrize("part", ["model", "training", "evaluation"])
@pytest.mark.parametrize("name", ["colour", "two\nlines"])
def test_an_unknown_setting(folder: Path, part: str, name: str) -> None:
    edit_settings(folder, part, **{name: 1})
    refused(folder, "config.json", "Unknown setting", name.split()[-1])


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("model", "item_size", 0),
        ("model", "item_size", 10**9),
        ("model", "item_size", 8.0),
        ("model", "item_size", True),
        ("model", "heads", 5),
        ("model", "sparsity", 1.5),
        ("model", "sparsity", float("nan")),
        ("model", "clusters", []),
        ("model", "clusters", 4),
        ("model", "clusters", [4, "5"]),
        ("model", "clusters", [[4]]),
        ("model", "evolution", "lstm"),
        ("model", "evolution", ["augru"]),
        ("model", "readout", 1),
        ("training", "epochs", -1),
        ("training", "learning_rate", "fast"),
        ("training", "device", "tpu"),
        ("training", "seed", None),
    ],
)
def test_a_setting_out_of_range(folder: Path, part: str, name: str, value: object) -> None:
    edit_settings(folder, part, **{name: value})
    refused(folder, "config.json", name)


@pytest.mark.parametrize("name", ["item_count", "category_count"])
def test_a_missing_setting(folder: Path, name: str) -> None:
    edit(folder, "config.json", lambda config: config | {"model": without(config["model"], name)})
    refused(folder, "config.json", name, "missing")


@pytest.mark.parametrize("part", ["model", "training"])
@pytest.mark.parametrize("value", [None, 3, "text", [], ["item_size"], [["item_size", 8]], [{}], {"a": 1}])
def test_settings_of_another_kind(folder: Path, part: str, value: object) -> None:
    edit(folder, "config.json", lambda config: config | {part: value})
    refused(folder, "config.json")


@pytest.mark.parametrize("part", ["model", "training"])
def test_no_settings(folder: Path, part: str) -> None:
    edit(folder, "config.json", lambda config: without(config, part))
    refused(folder, "config.json", part)


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "history.json"])
@pytest.mark.parametrize("content", ["", "{", "7", "null", '"text"', "[" * 200_000, "\udcff", "1" * 5000])
def test_json_that_is_none(folder: Path, name: str, content: str) -> None:
    (folder / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    remake_manifest(folder)
    refused(folder, name)


def test_metrics_and_history_of_another_kind(folder: Path) -> None:
    edit(folder, "metrics.json", lambda _: [1])
    refused(folder, "metrics.json", "list")
    edit(folder, "metrics.json", lambda _: {})
    edit(folder, "history.json", lambda _: {"epoch": 1})
    refused(folder, "history.json", "dict")


# -- forged weights


def put(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict[str, torch.Tensor]], None]:
    return lambda weights: weights.update({name: change(weights[name])})


def poison(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.clone()
        tensor.view(-1)[-1] = value
        return tensor

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("item_embedding.weight", lambda tensor: tensor[:-1]),
        put("item_embedding.weight", lambda tensor: torch.cat([tensor, tensor])),
        put("item_embedding.weight", lambda tensor: tensor.flatten()),
        put("item_embedding.weight", lambda tensor: tensor.T.contiguous()),
        put("item_embedding.weight", lambda tensor: tensor.double()),
        put("item_embedding.weight", lambda tensor: tensor.half()),
        put("item_category", lambda tensor: tensor.int()),
        lambda weights: weights.update({"item_embedding.extra": torch.zeros(2)}),
        lambda weights: weights.pop("construct.weight"),
        lambda weights: weights.update({"construct.weights": weights.pop("construct.weight")}),
        lambda weights: weights.clear(),
    ],
    ids=["fewer", "more", "flat", "turned", "double", "half", "int", "extra", "missing", "renamed", "none"],
)
def test_weights_that_do_not_fit_the_settings(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    edit_weights(folder, change)
    refused(folder, "weights", "do not fit its settings")


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_no_number(folder: Path, value: float) -> None:
    edit_weights(folder, put("predict.score.0.weight", poison(value)))
    refused(folder, "'predict.score.0.weight'", "not a finite number")


def test_settings_that_ask_for_other_weights(folder: Path) -> None:
    edit_settings(folder, "model", item_size=4096)
    refused(folder, "do not fit its settings")


HUGE = 2**40


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["item_embedding.weight"].update(shape=[HUGE, HUGE]),
        lambda header: header["item_embedding.weight"].update(shape=[HUGE, HUGE], data_offsets=[0, 4 * HUGE * HUGE]),
        lambda header: header.update(more={"dtype": "F32", "shape": [HUGE], "data_offsets": [0, 4 * HUGE]}),
        lambda header: header["item_embedding.weight"].update(shape=[-1, 8]),
        lambda header: header["item_embedding.weight"].update(shape=[]),
        lambda header: header["item_embedding.weight"].update(shape=8),
        lambda header: header["item_embedding.weight"].update(dtype="F64"),
        lambda header: header["item_embedding.weight"].pop("shape"),
        lambda header: header["item_embedding.weight"].pop("dtype"),
        lambda header: header.update({"item_embedding.weight": None}),
        lambda header: header.update({"item_embedding.weight": [1, 2]}),
    ],
)
def test_a_header_that_lies_is_refused_before_anything_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], Any]
) -> None:
    edit_header(folder, change)
    monkeypatch.setattr(checks, "load_weights", lambda _: pytest.fail("read all the same"))
    refused(folder, "'shop'")


@pytest.mark.parametrize(
    "start", [b"", b"\1", struct.pack("<Q", 2**63), struct.pack("<Q", 10**12), b"\xff" * 8 + b"{}"]
)
def test_a_header_of_an_impossible_length(folder: Path, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    (folder / "model.safetensors").write_bytes(start)
    remake_manifest(folder)
    monkeypatch.setattr(checks, "load_weights", lambda _: pytest.fail("read all the same"))
    refused(folder, "model.safetensors", "can't be read")


@pytest.mark.parametrize("header", [b"", b"[]", b"7", b"null", b"{", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_a_header_that_is_no_table(folder: Path, header: bytes) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    remake_manifest(folder)
    refused(folder, "model.safetensors", "can't be read")


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["item_embedding.weight"].pop("data_offsets"),
        lambda header: header["item_embedding.weight"].update(data_offsets=[0, 10**15]),
        lambda header: header["item_embedding.weight"].update(data_offsets=[5, 1]),
        lambda header: header["item_embedding.weight"].update(data_offsets="here"),
        lambda header: header["item_embedding.weight"].update(shape=[6.0, 8.0]),
        lambda header: header.update(__metadata__=[1]),
    ],
)
def test_a_header_of_the_right_shapes_over_the_wrong_bytes(
    folder: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    edit_header(folder, change)
    refused(folder, "model.safetensors", "can't be read")


def test_settings_and_header_agree_on_more_than_there_is(folder: Path) -> None:
    """A model a thousand times as large, by its settings and by its header, over the bytes of the small one."""
    edit_settings(folder, "model", item_size=4096, attention_hidden=[4096])
    config = json.loads((folder / "config.json").read_text())["model"]
    with torch.device("meta"):
        claimed = SurgeModel(from_dict(ModelConfig, config), torch.zeros(6))

    def claim(header: dict[str, Any]) -> None:
        for name, tensor in claimed.state_dict().items():
            header[name]["shape"] = list(tensor.shape)

    edit_header(folder, claim)
    refused(folder, "model.safetensors", "can't be read")


def test_weights_with_bytes_missing_or_more_than_there_should_be(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    for changed in (content[:-4], content + b"\0\0\0\0"):
        path.write_bytes(changed)
        remake_manifest(folder)
        refused(folder, "model.safetensors", "can't be read")


def test_mutated_settings_and_headers_with_a_manifest_made_to_fit(original: Path, folder: Path) -> None:
    """Some of them are fine checkpoints; of the others each is told in a sentence, whatever it is."""
    rng = random.Random(9)
    config, weights = ((original / name).read_bytes() for name in ("config.json", "model.safetensors"))
    header = 8 + struct.unpack("<Q", weights[:8])[0]
    outcomes = []
    for turn in range(200):
        name, content, end = (
            ("config.json", config, len(config)) if turn % 2 else ("model.safetensors", weights, header)
        )
        changed = bytearray(content)
        for _ in range(rng.choice([1, 1, 3])):
            changed[rng.randrange(end)] = rng.choice(b'0123456789-.eE"{}[],: \n\\truefalsnan\xff\x00')
        (folder / name).write_bytes(changed)
        remake_manifest(folder)
        try:
            outcomes.append(isinstance(load_checkpoint(folder), Checkpoint))
        except SurgeError as error:
            outcomes.append(False)
            assert len(str(error).splitlines()) == 1
            assert str(error).endswith(".")
        (folder / name).write_bytes(content)
    assert outcomes.count(False) > 100


# -- forged vocabulary


@pytest.mark.parametrize(
    "items", [ITEMS.head(5), ITEMS.head(0), pl.concat([ITEMS, ITEMS.with_columns(item="x" + pl.col("item"))])]
)
def test_items_of_another_count(folder: Path, items: pl.DataFrame) -> None:
    write_items(folder, items)
    refused(folder, "items.parquet", "do not belong together")


@pytest.mark.parametrize(
    "ids", [["0012", "12", "<b>", "", " ", "12"], ["0012", "12", "<b>", "", " ", None], [None] * 6]
)
def test_ids_twice_or_not_at_all(folder: Path, ids: list[str | None]) -> None:
    write_items(folder, ITEMS.with_columns(item=pl.Series(ids, dtype=pl.String)))
    refused(folder, "items.parquet", "names an item twice or not at all")


def test_numbers_that_become_the_same_text(folder: Path) -> None:
    write_items(folder, ITEMS.with_columns(item=pl.Series([1, 2, 3, 4, 4, 5])))
    refused(folder, "items.parquet", "names an item twice")


def test_changed_categories(folder: Path) -> None:
    write_items(folder, ITEMS.with_columns(category=ITEMS["category"].reverse()))
    refused(folder, "items.parquet", "other categories than it was trained with")
    write_items(folder, ITEMS.with_columns(category=ITEMS["category"].fill_null("New")))
    refused(folder, "items.parquet", "other categories")  # as many of them, and in another order
    write_items(folder, ITEMS.with_columns(category=pl.lit("One")))
    refused(folder, "items.parquet", "6 items in 1 categories")


@pytest.mark.parametrize(
    "items",
    [
        ITEMS.drop("category"),
        ITEMS.rename({"item": "Item"}),
        ITEMS.with_columns(title=pl.Series([[1]] * 6)),
        ITEMS.with_columns(item=pl.Series([b"\xff\xfe"] * 6)),
    ],
    ids=["no category", "other name", "lists", "bytes"],
)
def test_other_columns(folder: Path, items: pl.DataFrame) -> None:
    write_items(folder, items)
    refused(folder, "items.parquet")


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1PAR1", b"item,title,category\n", b"PAR1" + b"\xff" * 40 + b"PAR1"]
)
def test_items_that_are_no_parquet(folder: Path, content: bytes) -> None:
    (folder / "items.parquet").write_bytes(content)
    remake_manifest(folder)
    refused(folder, "items.parquet", "can't be read")


def test_a_panic_of_polars_is_told_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On some files polars raises what is no Exception at all."""

    def from_arrow(_: object) -> None:
        raise pl.exceptions.PanicException("range end index 7254 out of range")

    monkeypatch.setattr(pl, "from_arrow", from_arrow)
    refused(folder, "items.parquet", "can't be read")


def test_a_checkpoint_from_before_the_forms_of_the_paper_could_be_chosen_stays_as_it_was(folder: Path) -> None:
    before = load_checkpoint(folder)
    edit(
        folder,
        "config.json",
        lambda config: (
            config
            | {
                "model": without(without(config["model"], "attention_activation"), "attention_nonlinearity"),
                "training": without(config["training"], "same_mapping"),
            }
        ),
    )
    loaded = load_checkpoint(folder)
    assert (loaded.model_config, loaded.training_config) == (before.model_config, before.training_config)
    forms = loaded.model_config.forms
    assert (forms.attention_activation, forms.attention_nonlinearity) == ("relu", "leaky_relu")
    assert loaded.training_config.loss.same_mapping == "scaled"


def evaluated_by_training(config: dict[str, Any]) -> dict[str, Any]:
    """config.json as it was written while what says how to evaluate stood under training."""
    return without(config, "evaluation") | {"training": config["training"] | config["evaluation"]}


def test_a_checkpoint_from_before_the_evaluation_had_a_part_of_its_own_stays_as_it_was(folder: Path) -> None:
    before = load_checkpoint(folder)
    edit(folder, "config.json", evaluated_by_training)
    stored = (folder / "config.json").read_bytes()
    loaded = store_metrics(load_checkpoint(folder), {"test": {"auc": 0.5}})
    assert (loaded.training_config, loaded.evaluation_config) == (before.training_config, before.evaluation_config)
    assert loaded.evaluation_config == measured() != EvaluationConfig()
    assert (folder / "config.json").read_bytes() == stored
    card = (folder / "README.md").read_text()
    assert "| evaluation_negatives | 20 |" in card and "## Evaluation" not in card
    edit(folder, "config.json", lambda config: config | {"training": without(config["training"], "test_instances")})
    assert load_checkpoint(folder).evaluation_config == measured(test_instances=4000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c | {"training": c["training"] | {"test_instances": 9}}, "test_instances stands under training and"),
        (
            lambda c: c | {"training": c["training"] | {"heads": 1}},
            "heads stands under training; it belongs under model",
        ),
        (lambda c: c | {"evaluation": {"seed": 1}}, "seed stands under evaluation; it belongs under training"),
        (lambda c: c | {"evaluation": {"test_instances": 0}}, "test_instances is 0; it must be a whole number"),
        (lambda c: c | {"evaluation": None}, "lacks its settings"),
        (lambda c: c | {"evaluation": [1]}, "lacks its settings"),
    ],
)
def test_settings_that_stand_where_they_do_not_belong(folder: Path, change: Callable[[Any], Any], words: str) -> None:
    edit(folder, "config.json", change)
    refused(folder, "config.json of the checkpoint 'shop'", words)


def test_a_checkpoint_from_before_inputs_were_normalised_stays_without(folder: Path) -> None:
    edit(folder, "config.json", lambda config: config | {"model": without(config["model"], "normalise")})
    assert load_checkpoint(folder).model_config.forms.normalise is False
