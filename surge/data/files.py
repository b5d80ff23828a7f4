"""Raw files before they are parsed: unpacked, told from binaries, checked for their encoding and delimiter."""

import codecs
import csv
import gzip
import shutil
import zipfile
import zlib
from pathlib import Path

from surge.errors import SurgeError

_PARQUET_MAGIC = b"PAR1"
_GZIP_MAGIC = b"\x1f\x8b"
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
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
}


def check_file(path: Path) -> None:
    """Raise SurgeError unless the path is a file with something in it."""
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
    """The file itself, or what a .gz or a .zip with one file in it holds, copied to the working folder."""
    check_file(path)
    if zipfile.is_zipfile(path):
        members = zip_members(path)
        if "xl/workbook.xml" in members:
            raise SurgeError(f"{path.name} is an Excel workbook; save the sheet as CSV and give that")
        if len(members) != 1:
            raise SurgeError(f"{path.name} holds {len(members)} files; unpack it and give the one with the log")
        return extract(path, members[0], work)
    with open(path, "rb") as file:
        if file.read(2) != _GZIP_MAGIC:
            return path
    target = _fresh(work, path.stem)
    try:
        with gzip.open(path) as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain, _BLOCK)
    except (OSError, EOFError, zlib.error) as problem:
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
    target = _fresh(work, member.replace("\\", "/").rsplit("/", 1)[-1])
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain, _BLOCK)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
        raise SurgeError(f"{path.name} is a damaged zip; get it again") from problem
    except RuntimeError as problem:  # zipfile's way to say that a password is needed
        raise SurgeError(f"{path.name} is locked with a password; unpack it and give the files") from problem
    return target


def _fresh(work: Path, name: str) -> Path:
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
    target = None if utf8 else _fresh(work, path.name)
    decoder = codec.incrementaldecoder()
    done = 0
    with open(path, "rb") as source, open(target, "wb") if target else open(path, "rb") as sink:
        while True:
            block = source.read(_BLOCK)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as problem:
                place = done - held + problem.start
                raise SurgeError(
                    f"{path.name} is not {codec.name.upper()} text at byte {place:,}; "
                    "name its encoding, for example --encoding latin-1 or --encoding utf-16"
                ) from problem
            if target:
                sink.write(text.encode())
            if not block:
                return target or path
            done += len(block)


def _refuse_binary(path: Path, encoding: str) -> None:
    with open(path, "rb") as file:
        start = file.read(1 << 16)
    for magic, what in _NAMED_BINARIES.items():
        if start.startswith(magic):
            raise SurgeError(f"{path.name} is {what}, which is not read; save the log as CSV or Parquet")
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    if wide:
        return
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SurgeError(f"{path.name} is UTF-16 text; read it with --encoding utf-16")
    if b"\0" in start:
        raise SurgeError(f"{path.name} is a binary file, not text; give the log as CSV or Parquet")


def header_fields(path: Path, delimiter: str) -> list[str]:
    """The fields of a UTF-8 file's first line."""
    return next(csv.reader([_first_line(path)], delimiter=delimiter), [])


def find_delimiter(path: Path) -> str:
    """The one of comma, semicolon and tab that is most frequent in the header outside quotes; comma if none is."""
    header = _first_line(path)
    unquoted = "".join(header.split('"')[::2])
    return max((",", ";", "\t"), key=unquoted.count)


def _first_line(path: Path) -> str:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return file.readline(_BLOCK).rstrip("\r\n")
