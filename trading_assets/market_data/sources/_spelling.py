"""One spelling per symbol: which symbol of the bars a cell of any file means.

Vendors write a share class in different ways, and some write symbols in lower case or with blanks around them. A symbol
is read without the blanks; ``BRK-B``, ``BRK.B``, ``BRK/B``, ``BRK_B``, ``BRK B`` and ``brk.b`` are one. The bars decide
how it is written, in every table. Spellings that have bars of the same day are different symbols, and each is read as
it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from trading_assets.market_data.sources._columns import Cell

__all__ = ["Spelling", "key_of", "spelling_of", "stripped"]

_BLANKS = r"^[\s\p{Cf}]+|[\s\p{Cf}]+$"
_SEPARATORS = r"[-./_ ]"
# What the key of a partition must not have; "..." stands for a range of partitions.
_UNUSABLE = r"[|\p{Cc}]|\.\.\."


@dataclass(frozen=True, eq=False)
class Spelling:
    """The symbols that the bars have, and how other spellings are read.

    Attributes
    ----------
    known : tuple of str
        Symbols of the bars, sorted.
    changed : mapping of str to str or None
        How the bars' files write a symbol -> the symbol, where they differ; None where it is empty or not usable.
    by_key : mapping of str to str
        Key of a spelling -> the one symbol that it can mean.
    """

    known: tuple[str, ...]
    changed: Mapping[str, str | None]
    by_key: Mapping[str, str]

    def of_bars(self, symbol: pl.Expr, file: str) -> Cell:
        """Read the symbols of a file of bars, as `spelling_of` has found them."""
        if not self.changed:
            return Cell(symbol)
        read = pl.Series(list(self.changed.values()), dtype=pl.String)
        rules = {
            written: f"symbol: {written!r} of {Path(file).name} can name no partition, it has '|', '...' or a control "
            "character; rename it in the file"
            for written, known in self.changed.items()
            if known is None and written.strip()
        }
        rejected = symbol.replace_strict(rules, default=None, return_dtype=pl.String) if rules else None
        return Cell(
            symbol.replace(list(self.changed), read), None if rejected is None else rejected.is_not_null(), rejected
        )

    def of_others(self, symbol: pl.Expr, file: str) -> Cell:
        """Read the symbols of a file of another table; a symbol without bars is null, and its row is rejected."""
        written = stripped(symbol)
        meant = key_of(written).replace_strict(self.by_key, default=None, return_dtype=pl.String)
        value = pl.when(written.is_in(self.known)).then(written).otherwise(meant)
        rule = pl.format("symbol: '{}' of {} has no bars", written, pl.lit(Path(file).name))
        rejected = pl.when(value.is_null() & (written != "")).then(rule)
        return Cell(value, rejected.is_not_null(), rejected)


def spelling_of(found: Sequence[str], days: Callable[[Sequence[str]], pl.DataFrame]) -> Spelling:
    """Decide how the symbols of files of bars are written.

    Of several spellings of one symbol the first in alphabetical order is taken.

    Parameters
    ----------
    found : sequence of str
        Distinct symbols as the files write them.
    days : callable
        From some of them to the columns `symbol`, as written, and `date` of their bars; called only for symbols that
        are written in several ways.
    """
    rows = pl.DataFrame({"raw": list(found)}, schema={"raw": pl.String}).with_columns(written=stripped(pl.col("raw")))
    is_usable = (pl.col("written") != "") & ~pl.col("written").str.contains(_UNUSABLE)
    usable = rows.filter(is_usable).with_columns(key=key_of(pl.col("written")))
    several = usable.filter(pl.col("written").n_unique().over("key") > 1)
    apart = _on_the_same_day(several, days) if several.height else []
    usable = usable.with_columns(
        symbol=pl.when(pl.col("key").is_in(apart)).then("written").otherwise(pl.col("written").min().over("key"))
    )
    symbols: dict[str, str] = dict(usable.select("raw", "symbol").iter_rows())
    by_key: dict[str, str] = dict(usable.filter(~pl.col("key").is_in(apart)).select("key", "symbol").iter_rows())
    changed = {raw: symbols.get(raw) for raw in rows["raw"] if symbols.get(raw) != raw}
    return Spelling(tuple(sorted(set(symbols.values()))), changed, by_key)


def stripped(symbol: pl.Expr) -> pl.Expr:
    """Return a symbol without the blanks and invisible characters around it."""
    return symbol.cast(pl.String).str.replace_all(_BLANKS, "")


def key_of(symbol: pl.Expr) -> pl.Expr:
    """Return what all spellings of a symbol have in common: upper case, one separator."""
    return symbol.str.to_uppercase().str.replace_all(_SEPARATORS, ".")


def _on_the_same_day(several: pl.DataFrame, days: Callable[[Sequence[str]], pl.DataFrame]) -> list[str]:
    """Keys of which two spellings have bars of one day."""
    dated = days(several["raw"].to_list()).join(several, left_on="symbol", right_on="raw")
    per_day = dated.group_by("key", "date").agg(spellings=pl.col("written").n_unique())
    return per_day.filter(pl.col("spellings") > 1)["key"].unique().to_list()
