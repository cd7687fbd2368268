"""The bytes of a user's file as text in UTF-8, whatever they were."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from keras_lstm_ext.demo.errors import UserError

PACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"PK\x03\x04": lambda data: _only_member(data),
}
"""How packed files begin, and how they are unpacked."""

OTHERS = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save the sheet as CSV",
    b"PAR1": "a Parquet file: write it as CSV, with pandas for example",
    b"\x89HDF": "an HDF5 or NetCDF file: write it as CSV, with pandas or ncdump for example",
    b"CDF": "a NetCDF file: write it as CSV, with ncdump for example",
    b"%PDF": "a PDF: look for the same table as CSV",
    b"{": "JSON: write it as CSV, with pandas for example",
    b"[{": "JSON: write it as CSV, with pandas for example",
    b"<!": "a web page: look for a link to the file itself",
    b"<html": "a web page: look for a link to the file itself",
    b"<?xml": "XML: look for the same table as CSV",
}
"""How files begin that hold no table as text, and what to do."""

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def load(path: Path, encoding: str | None = None) -> tuple[bytes, str]:
    """Reads a file, unpacked where it is packed.

    Args:
        path: The file.
        encoding: Its encoding. Default: that of the byte order mark; else UTF-8 or UTF-16, if it is
            that; else Windows-1252.

    Returns:
        The text in UTF-8 with lines that end in a newline, and the encoding that it had.

    Raises:
        UserError: If there is no such file, or no text in it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    data = _unpacked(path, data)
    for start, what in OTHERS.items():
        if data[:1000].lstrip(codecs.BOM_UTF8 + b" \r\n").startswith(start):
            raise UserError(f"{path} is not a comma-separated table but {what}")
    text, found = _decoded(path, data, encoding)
    if "\0" in text[:10_000]:
        raise UserError(f"{path} is not a comma-separated table: it holds bytes that are no text")
    if found != "utf-8" or text.startswith("\ufeff"):
        data = text.removeprefix("\ufeff").encode()
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.strip():
        raise UserError(f"{path} is not a comma-separated table: the file is empty")
    return data, found


def _unpacked(path: Path, data: bytes) -> bytes:
    for start, unpack in PACKED.items():
        if data.startswith(start):
            try:
                return unpack(data)
            except (OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile) as error:
                raise UserError(f"{path} is packed, and damaged: fetch it again") from error
            except LookupError as error:
                raise UserError(f"{path} is {error.args[0]}") from error
    return data


def _only_member(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if "[Content_Types].xml" in names or "mimetype" in names:
            raise LookupError("not a comma-separated table but a workbook: save the sheet as CSV")
        if len(names) != 1:
            raise LookupError(f"an archive of {len(names)} files: unpack the one to read")
        return archive.read(names[0])


def _decoded(path: Path, data: bytes, encoding: str | None) -> tuple[str, str]:
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
    found = encoding or marked or _guessed(data)
    try:
        return data.decode(found), found
    except LookupError as error:
        raise UserError(
            f"--encoding {found} is unknown; known are utf-8, utf-16, cp1252 (Windows), latin-1, "
            "cp1251, shift-jis, gb18030 and the others that Python knows"
        ) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} is not a comma-separated table in {found}: line {line} has other bytes; "
            "give its encoding, for example --encoding cp1252"
        ) from error


def _guessed(data: bytes) -> str:
    even, odd = data[:10_000:2].count(0), data[1:10_000:2].count(0)
    if max(even, odd) > len(data[:10_000]) / 5:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252" if not set(data) & set(b"\x81\x8d\x8f\x90\x9d") else "latin-1"
    return "utf-8"
