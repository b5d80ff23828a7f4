"""Raw files before they are parsed: unpacked, told from binaries, checked for their encoding and delimiter."""

import bz2
import codecs
import glob
import gzip
import lzma
import os
import re
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow

from surge.errors import SurgeError

_PARQUET_MAGIC = b"PAR1"
_PACKED: dict[bytes, Callable[[Path], Any]] = {  # by their first bytes
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda path: pyarrow.input_stream(str(path), compression="zstd"),
}
_FOR_PEOPLE = re.compile(r"(?i)(readme|licen[cs]e|changelog)(\..*)?|.*\.(md|rst|pdf|html?|docx?)")
_LAYERS = 4
_BLOCK = 1 << 20
_NAMED_BINARIES = {
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"\x93NUMPY": "a NumPy array",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"ARROW1": "an Arrow file",
}


def one_input(inputs: Sequence[Path], what: str) -> Path:
    """The one input there may be; a SurgeError where there are others."""
    if len(inputs) != 1:
        raise SurgeError(f"{len(inputs)} inputs are given; give one, {what}")
    return inputs[0]


def check_file(path: Path) -> None:
    """Raise SurgeError unless the path is a file with something in it."""
    if path.is_symlink() and not path.exists():
        raise SurgeError(f"{path} is a link to {path.readlink()}, which does not exist; mend it, or remove it")
    if not path.exists():
        raise SurgeError(f"{path} does not exist; check the path")
    if not path.is_file():
        raise SurgeError(f"{path} is not a file; give the file itself")
    if path.stat().st_size == 0:
        raise SurgeError(f"{path} is empty; give a file with a header line and rows")


def is_parquet(path: Path) -> bool:
    """Whether the file is Parquet, by its first bytes and not by its name."""
    with open(path, "rb") as file:
        return file.read(4) == _PARQUET_MAGIC


def unpacked(path: Path, work: Path) -> Path:
    """The file itself, or a copy in the working folder of what it packs: gz, bz2, xz, zst, or a zip with one file, also
    of one another."""
    name = path.name
    for _ in range(_LAYERS):
        inner = _unpacked_once(path, work)
        if inner == path:
            return path
        path = inner
    raise SurgeError(f"{name} is packed more than {_LAYERS} times over; unpack it and give the file with the log")


def _unpacked_once(path: Path, work: Path) -> Path:
    check_file(path)
    if zipfile.is_zipfile(path):
        members = zip_members(path)
        if "xl/workbook.xml" in members:
            raise SurgeError(f"{path.name} is an Excel workbook; save the sheet as CSV and give that")
        if not members:
            raise SurgeError(f"{path.name} holds no file; give the archive with the log")
        if len(members) != 1:
            raise SurgeError(f"{path.name} holds {len(members)} files; unpack it and give the one with the log")
        return extract(path, members[0], work)
    with open(path, "rb") as file:
        start = file.read(6)
    opener = next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), None)
    if opener is None:
        return path
    target = fresh(work, path.stem)
    try:
        with opener(path) as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain, _BLOCK)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as problem:
        raise SurgeError(f"{path.name} can't be unpacked; the file is damaged, get it again") from problem
    return target


def zip_members(path: Path) -> list[str]:
    """Names of the files in an archive, without folders and what macOS adds."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except zipfile.BadZipFile as problem:
        if path.suffix.lower() != ".zip":
            raise SurgeError(f"{path.name} is not a zip; for a single file use the format csv") from problem
        raise SurgeError(f"{path.name} is a damaged zip; get it again") from problem
    return [name for name in names if not name.startswith("__MACOSX/")]


def extract(path: Path, member: str, work: Path) -> Path:
    """Copy one file out of an archive; its folder inside the archive is not followed."""
    target = fresh(work, member.replace("\\", "/").rsplit("/", 1)[-1])
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain, _BLOCK)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
        raise SurgeError(f"{path.name} is a damaged zip; get it again") from problem
    except RuntimeError as problem:  # zipfile's way to say that a password is needed
        raise SurgeError(f"{path.name} is locked with a password; unpack it and give the files") from problem
    return target


def named_files(source: Path, work: Path, wanted: Sequence[str]) -> dict[str, Path]:
    """The files of these names in a folder or an archive, those least deep; a SurgeError for an empty one."""
    if source.is_dir():
        paths = sorted(files_below(source), key=lambda path: (len(path.parts), str(path)), reverse=True)
        found = {path.name: path for path in paths if path.name in wanted}
    else:
        check_file(source)
        members = sorted(zip_members(source), key=lambda name: (name.count("/"), name), reverse=True)
        by_name = {name.rsplit("/", 1)[-1]: name for name in members}
        found = {name: extract(source, by_name[name], work) for name in wanted if name in by_name}
    for path in found.values():
        check_file(path)
    return found


def fresh(work: Path, name: str) -> Path:
    """A path in the working folder with that name, in a folder of its own so that equal names don't meet."""
    folder = work / f"source-{sum(1 for _ in work.iterdir())}"
    folder.mkdir()
    return folder / name


def as_utf8(path: Path, encoding: str, work: Path) -> Path:
    """The file itself when it is UTF-8 text, or a copy of it as UTF-8; raises SurgeError for anything else."""
    try:
        codec = codecs.lookup(encoding)
        is_text = codec._is_text_encoding
    except LookupError:
        is_text = False
    if not is_text:
        raise SurgeError(f"there is no text encoding {encoding!r}; try utf-8, latin-1, cp1252 or utf-16")
    _refuse_binary(path, encoding)
    utf8 = codec.name in ("utf-8", "utf-8-sig")
    target = None if utf8 else fresh(work, path.name)
    decoder = codec.incrementaldecoder()
    done = 0
    with open(path, "rb") as source, open(target, "wb") if target else open(path, "rb") as sink:
        while True:
            block = source.read(_BLOCK)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as problem:  # utf-16 without a mark of its order of bytes is no UnicodeDecodeError
                place = done - held + getattr(problem, "start", 0)
                other = (
                    "utf-16-le or --encoding utf-16-be" if codec.name == "utf-16" else "latin-1 or --encoding utf-16"
                )
                raise SurgeError(
                    f"{path.name} is not {codec.name.upper()} text at byte {place:,}; "
                    f"name its encoding, for example --encoding {other}"
                ) from problem
            if target:
                sink.write(text.encode())
            if not block:
                return target or path
            done += len(block)


def with_line_ends(path: Path, work: Path) -> Path:
    """The file itself, or a copy with line feeds where all its lines end with a carriage return alone."""
    with open(path, "rb") as file:
        if any(b"\n" in block for block in iter(lambda: file.read(_BLOCK), b"")):
            return path
        file.seek(0)
        if b"\r" not in file.read(_BLOCK):
            return path
        file.seek(0)
        target = fresh(work, path.name)
        with open(target, "wb") as copy:
            for block in iter(lambda: file.read(_BLOCK), b""):
                copy.write(block.replace(b"\r", b"\n"))
    return target


def _refuse_binary(path: Path, encoding: str) -> None:
    with open(path, "rb") as file:
        start = file.read(1 << 16)
    for magic, what in _NAMED_BINARIES.items():
        if start.startswith(magic):
            raise SurgeError(f"{path.name} is {what}, which is not read; save the log as CSV or Parquet")
    if start[257:262] == b"ustar":
        raise SurgeError(
            f"{path.name} is a tar archive; unpack it (tar -xf) and give the file with the log, or its folder"
        )
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    if wide:
        return
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SurgeError(f"{path.name} is UTF-16 text; read it with --encoding utf-16")
    lines = start.split(b"\n")
    if 4 * sum(b"\0" in line for line in lines) > len(lines):  # a few in a text are lines that can't be read
        raise SurgeError(f"{path.name} is a binary file, not text; give the log as CSV or Parquet")


def listed_files(inputs: Sequence[Path], work: Path) -> tuple[list[Path], list[str]]:
    """The files that are given, and what to tell of those that are passed over.

    Files themselves, those in a folder and below it, what a pattern such as `logs/*/part.csv` means, and the standard
    input for `-`; of a folder without what is hidden, empty or there to be read by people, in the order of their names.
    A link is followed. What can't be read or is no file is a SurgeError.
    """
    found: list[Path] = []
    passed: list[str] = []
    for source in inputs:
        if str(source) == "-":
            found.append(_copied(sys.stdin.buffer if sys.stdin is not None else None, work, "standard-input"))
        elif source.is_dir():
            inside = files_below(source, passed)
            if not inside:
                raise SurgeError(f"the folder {source} holds no files with something in them; check the path")
            found += inside
        elif not source.exists() and not source.is_symlink() and glob.has_magic(str(source)):
            matched = [Path(path) for path in sorted(glob.glob(str(source), recursive=True))]
            files = [path for path in matched if path.is_file() and path.stat().st_size and not _is_hidden(path.name)]
            files += [file for path in matched if path.is_dir() for file in files_below(path, passed)]
            if not files:
                raise SurgeError(f"no file with something in it is called like {str(source)!r}; check the pattern")
            found += files
        elif source.is_fifo() or source.is_char_device():
            with open(source, "rb") as pipe:
                found.append(_copied(pipe, work, source.name))
        else:
            found.append(source)
    told = f"passed over in folders: {', '.join(passed[:5])}" + (" and others" if len(passed) > 5 else "")
    return found, [told] if passed else []


def _copied(stream: IO[bytes] | None, work: Path, name: str) -> Path:
    target = fresh(work, name)
    with open(target, "wb") as copy:
        if stream is not None:
            shutil.copyfileobj(stream, copy, _BLOCK)
    if not target.stat().st_size:
        raise SurgeError(f"nothing came from {name.replace('-', ' ')}; give a file, or a command that writes the log")
    return target


def files_below(folder: Path, passed: list[str] | None = None) -> list[Path]:
    """The files in a folder and below it, links followed, in the order of their names, without what is hidden, empty or
    there to be read by people; of the last the names are added to `passed`. One that can't be read is a SurgeError."""
    found: list[Path] = []
    told = [] if passed is None else passed
    ways = {folder.resolve()}

    def fail(problem: OSError) -> None:
        raise SurgeError(f"{problem.filename} can't be read ({problem.strerror}); check its permissions")

    for place, folders, names in os.walk(folder, followlinks=True, onerror=fail):
        below = [Path(place) / name for name in folders if not _is_hidden(name)]
        folders[:] = [path.name for path in below if path.resolve() not in ways]  # a link may lead back
        ways |= {path.resolve() for path in below}
        for path in (Path(place) / name for name in names if not _is_hidden(name)):
            if _FOR_PEOPLE.fullmatch(path.name):
                told.append(path.name)
            elif path.is_file() and path.stat().st_size == 0:
                continue
            else:
                check_file(path)
                found.append(path)
    return sorted(found)


def _is_hidden(name: str) -> bool:
    """Of the names that a folder's own bookkeeping has, such as `_SUCCESS` and `.part-0.crc`."""
    return name.startswith((".", "_"))
