"""Open CSV files however they are written: encoding, separator, decimal sign and lines before the header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import polars as pl

__all__ = ["Dialect", "dialect_of", "scan"]

_HEAD = 1 << 16
# Where two are as frequent in the header, the rarer one in ordinary text is the separator.
_SEPARATORS = "\t;|,"
_COMMENT = "#"
_COMMENT_LINE = b"\n#"
_STATED = re.compile(r"sep=(.)")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = ("utf-8", "utf-8-sig")
_DECIMAL_COMMA = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+),\d+")
_DECIMAL_POINT = re.compile(r"-?\d+\.\d+")
_THOUSANDS = re.compile(r"-?\d{1,3}(\.\d{3})+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written.

    Attributes
    ----------
    encoding : str
        Codec of its text.
    separator : str
        Character between two cells.
    skipped : int
        Lines before the header: comments, blank ones, and the statement of the separator that spreadsheets write.
    header : tuple of str
        Names of the columns, without blanks around them.
    has_decimal_comma : bool
        Whether ``10,5`` is a number between 10 and 11; only where cells are not separated by commas.
    has_old_line_ends : bool
        Whether lines end with a carriage return alone.
    has_comments : bool
        Whether lines after the header may be comments.
    """

    encoding: str
    separator: str
    skipped: int
    header: tuple[str, ...]
    has_decimal_comma: bool
    has_old_line_ends: bool
    has_comments: bool


def dialect_of(path: Path) -> Dialect:
    """Recognise how a CSV file is written, from all of its bytes and its first lines.

    A text without a byte order mark that is not UTF-8 is taken for Windows-1252, or ISO 8859-1 where it cannot be that.

    Raises
    ------
    OSError
        The file cannot be read or decompressed.
    """
    with _opened(path) as stream:
        head = stream.read(_HEAD)
    encoding = _encoding(path, head)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head)
    lines = text.splitlines()
    skipped, stated = _before_header(lines)
    first = lines[skipped] if skipped < len(lines) else ""
    separator = stated or max(_SEPARATORS, key=_without_quoted(first).count)
    if not stated and _is_commented_header(lines, skipped, separator):
        skipped -= 1
        first = lines[skipped].lstrip(_COMMENT)
    data = lines[skipped + 1 :] if len(head) < _HEAD else lines[skipped + 1 : -1]
    return Dialect(
        encoding,
        separator,
        skipped,
        tuple(name.strip() for name in _cells([first], separator)),
        separator != "," and _has_decimal_comma(_cells(data, separator)),
        b"\n" not in head and b"\r" in head,
        encoding not in _UTF8 or any(_COMMENT_LINE in chunk for chunk in _chunks(path)),
    )


def scan(path: Path, dialect: Dialect) -> pl.LazyFrame:
    """Read a CSV file lazily, all cells as text; one that is not UTF-8 is decoded in memory."""
    source: Path | io.BytesIO = path
    if dialect.encoding not in _UTF8 or dialect.has_old_line_ends:
        with _opened(path) as stream:
            text = stream.read().decode(dialect.encoding)
        source = io.BytesIO("\n".join(text.splitlines()).encode())
    rows = pl.scan_csv(source, infer_schema=False, glob=False, separator=dialect.separator, skip_lines=dialect.skipped)
    first = rows.collect_schema().names()[0]
    if first.startswith(_COMMENT) and not dialect.header[0].startswith(_COMMENT):
        rows = rows.rename({first: dialect.header[0]})
    if not dialect.has_comments:
        return rows
    # A row whose first cell begins like a comment, and which has another cell, is a row.
    names = rows.collect_schema().names()
    is_comment = pl.col(names[0]).str.starts_with(_COMMENT) & pl.all_horizontal(pl.col(names[1:]).is_null())
    return rows.filter(~is_comment.fill_null(value=False)) if names[1:] else rows


def _opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Open a file of bytes, decompressed by the ending of its name."""
    import pyarrow as pa  # type: ignore[import-untyped]

    stream: AbstractContextManager[IO[bytes]] = pa.input_stream(str(path), compression="detect")
    return stream


def _encoding(path: Path, head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
    return next(codec for codec in ("utf-8", "cp1252", "latin-1") if _is_written_in(path, codec))


def _is_written_in(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(path):
            if not chunk.isascii() or decoder.getstate()[0]:
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _chunks(path: Path) -> Iterator[bytes]:
    with _opened(path) as stream:
        while chunk := stream.read(16 * _HEAD):
            yield chunk


def _before_header(lines: Sequence[str]) -> tuple[int, str | None]:
    """How many lines there are before the first that is neither blank nor a comment, and the separator they state."""
    stated = None
    for place, line in enumerate(lines):
        statement = _STATED.fullmatch(line.strip("\ufeff\r\n "))
        if statement and stated is None:
            stated = statement[1]
        elif line.strip("\ufeff \t") and not line.lstrip("\ufeff \t").startswith(_COMMENT):
            return place, stated
    return 0, stated


def _is_commented_header(lines: Sequence[str], skipped: int, separator: str) -> bool:
    """Whether the last comment has as many cells as the line after it, and that one has numbers."""
    if not skipped or not lines[skipped - 1].startswith(_COMMENT):
        return False
    names, cells = list(_cells([lines[skipped - 1]], separator)), list(_cells([lines[skipped]], separator))
    return len(names) == len(cells) > 1 and any(cell.strip().replace(".", "", 1).isdecimal() for cell in cells)


def _has_decimal_comma(cells: Iterator[str]) -> bool:
    has_comma = False
    for cell in map(str.strip, cells):
        if _DECIMAL_POINT.fullmatch(cell) and not _THOUSANDS.fullmatch(cell):
            return False
        has_comma = has_comma or _DECIMAL_COMMA.fullmatch(cell) is not None
    return has_comma


def _cells(lines: Sequence[str], separator: str) -> Iterator[str]:
    return (cell for row in csv.reader(lines, delimiter=separator) for cell in row)


def _without_quoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)
