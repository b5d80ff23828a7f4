"""The folder that compiled code is kept in: nobody else's code is loaded from it, and what is damaged is made anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from surge.native import fall_back
from surge.native import library as compiled
from surge.native.library import library
from tests.kernel import needs_kernel

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def cache(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, empty and of this user; nothing has been told."""
    monkeypatch.setattr(fall_back, "told", [])
    monkeypatch.setattr(compiled, "_version", lambda compiler: "12.2.0")
    folder = fresh / "surge-explorer"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def kept(cache: Path) -> Path:
    """A compiled library in it."""
    assert library("edges") is not None
    (path,) = cache.iterdir()
    return path


# -- the folder ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o720])
@needs_kernel
def test_a_folder_that_others_may_write_to_is_not_used(
    kept: Path, mode: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not even for what is in it and looks right."""
    monkeypatch.setattr(compiled.ctypes, "CDLL", lambda path: pytest.fail("loaded"))
    kept.parent.chmod(mode)
    before = kept.read_bytes()
    assert library("edges") is None and library("reading") is None
    assert list(kept.parent.iterdir()) == [kept] and kept.read_bytes() == before
    told = capfd.readouterr().err
    assert told.count("\n") == 1 and str(kept.parent) in told and "XDG_CACHE_HOME" in told


@needs_kernel
def test_a_folder_of_another_user_is_not_used(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert library("edges") is None and list(cache.iterdir()) == []
    assert "belongs to another user" in capfd.readouterr().err


@needs_kernel
def test_a_link_in_its_place_is_not_followed(cache: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    real = cache.rename(tmp_path / "real")
    cache.symlink_to(real)
    assert library("edges") is None and list(real.iterdir()) == []
    assert "is a link" in capfd.readouterr().err


@needs_kernel
def test_another_folder_mends_it(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.chmod(0o777)
    assert library("edges") is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own" / "cache"))
    assert library("edges") is not None
    assert (tmp_path / "own" / "cache" / "surge-explorer").stat().st_mode & 0o777 == 0o700


@needs_kernel
@pytest.mark.skipif(not hasattr(os, "ST_NOEXEC"), reason="this system doesn't tell")
def test_where_nothing_may_be_executed_nothing_is_compiled(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.os, "statvfs", lambda folder: SimpleNamespace(f_flag=os.ST_NOEXEC))
    assert library("edges") is None and list(cache.iterdir()) == []


def test_a_user_without_a_home_has_no_kernel(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(compiled.Path, "home", home)
    assert library("edges") is None


@needs_kernel
def test_a_cache_is_named_in_full(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What begins at the folder one happens to stand in is no cache, as the XDG specification has it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert library("edges") is not None
    assert not (tmp_path / "here").exists() and (tmp_path / "home" / ".cache" / "surge-explorer").is_dir()


# -- what is in it ------------------------------------------------------------------------------------


def whole(path: Path) -> bool:
    """Whether a fresh process can load it; half a library may end the process that tries."""
    code = f"import ctypes; ctypes.CDLL({str(path)!r}).attend"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def damage(path: Path, content: bytes) -> None:
    """In another file of this name: the one that this process has loaded would end it, at the latest at its exit."""
    path.unlink()
    path.write_bytes(content)
    path.chmod(0o700)


@needs_kernel
@pytest.mark.parametrize("part", [0.0, 0.01, 0.2, 0.5, 0.9, 0.9999])
def test_a_library_that_was_cut_is_made_anew(kept: Path, part: float) -> None:
    good = kept.read_bytes()
    damage(kept, good[: int(part * len(good))])
    assert library("edges") is not None
    (made,) = kept.parent.iterdir()
    assert made.read_bytes() == good and whole(made)


@needs_kernel
def test_a_library_with_another_byte_is_made_anew(kept: Path) -> None:
    good = kept.read_bytes()
    damage(kept, good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    assert library("edges") is not None
    assert next(kept.parent.iterdir()).read_bytes() == good


@needs_kernel
def test_a_library_that_does_not_load_is_made_anew(kept: Path) -> None:
    """Whole, by its digest, but of another machine, or of a C library that is gone."""
    content = b"no library"
    other = kept.with_name(kept.name.replace(kept.stem[-16:], compiled._digest(content)))
    other.write_bytes(content)
    other.chmod(0o700)
    kept.unlink()
    assert library("edges") is not None
    assert next(kept.parent.glob("*.so")) == kept and whole(kept) and not other.exists()


@needs_kernel
@pytest.mark.parametrize("change", ["mode", "link", "folder"])
def test_a_library_that_others_could_have_put_there_is_not_loaded(kept: Path, tmp_path: Path, change: str) -> None:
    before = kept.stat().st_ino
    if change == "mode":
        kept.chmod(0o722)
    else:
        shutil.move(kept, tmp_path / "elsewhere.so")
        kept.symlink_to(tmp_path / "elsewhere.so") if change == "link" else kept.mkdir()
    found = library("edges")
    if change == "folder":
        assert found is None  # it can't be replaced, and does no harm
        return
    assert found is not None and kept.lstat().st_ino != before
    assert kept.is_file() and not kept.is_symlink() and kept.stat().st_mode & 0o777 == 0o700


@needs_kernel
def test_it_is_private_under_any_umask(cache: Path) -> None:
    before = os.umask(0)
    try:
        assert library("edges") is not None
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in cache.iterdir()] == [0o700]


# -- its name -----------------------------------------------------------------------------------------


def test_another_compiler_of_the_same_name_is_another_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for version in ("12.2.0", "14.1.0"):
        compiler = tmp_path / version
        compiler.write_text(f"#!/bin/sh\necho 'c++ (Debian) {version}'\n")
        compiler.chmod(0o755)
        told = compiled._version(str(compiler))
        assert told == f"c++ (Debian) {version}\n"
        with monkeypatch.context() as patch:
            patch.setattr(compiled, "_version", {"c++": told}.__getitem__)
            keys.append(compiled._key("edges", "c++"))
    assert keys[0] != keys[1]


def test_another_c_library_is_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_version", lambda compiler: "12.2.0")
    keys = [compiled._key("edges", "c++")]
    with monkeypatch.context() as patch:
        patch.setattr(compiled.os, "confstr", lambda name: "glibc 2.17", raising=False)
        patch.setattr(compiled.os, "confstr_names", {"CS_GNU_LIBC_VERSION": 2}, raising=False)
        keys.append(compiled._key("edges", "c++"))
    with monkeypatch.context() as patch:
        patch.setattr(compiled.os, "confstr_names", {}, raising=False)
        patch.setattr(compiled.platform, "libc_ver", lambda: ("", ""))
        patch.setattr(compiled.sysconfig, "get_config_var", lambda name: "x86_64-pc-linux-musl")
        keys.append(compiled._key("edges", "c++"))
    assert len(set(keys)) == 3 and compiled._key("edges", "c++") == keys[0]


def test_a_compiler_that_does_not_tell_its_version_is_none(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "c++"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(compiled.shutil, "which", lambda name: str(compiler))
    assert library("edges") is None
