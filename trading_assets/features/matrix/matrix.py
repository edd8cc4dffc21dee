"""The feature matrix: columns of the tables of daily features, side by side, as models read them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.features.catalogue import SHIPPED
from trading_assets.features.contract import daily_contracts
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.sets import feature_sets
from trading_assets.features.sql.catalogue import SHIPPED as SHIPPED_IN_SQL
from trading_assets.features.sql.contract import contract_of as contract_of_sql
from trading_assets.features.sql.sets import sql_sets
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.contracts import Contract
from trading_assets.market_data.listing import listed_partitions
from trading_assets.suggest import did_you_mean

KEY = ("symbol", "date")

# Columns read at once, which bound the memory that is held twice: `python -m benchmarks matrix.all` prints the peak.
_COLUMNS_AT_ONCE = 40


def features_in(table: Contract) -> tuple[str, ...]:
    """Columns of a table that are features: the numeric ones outside its key."""
    return tuple(name for name, dtype in table.schema.items() if dtype.is_numeric() and name not in table.key)


def short_name(table: Contract) -> str:
    """Name by which a model asks for a whole table, such as "technical"."""
    return table.asset_key[-1]


@dataclass(frozen=True)
class Matrix:
    """The matrix of a desk.

    A row of session d holds what was known at the close of d: each table guarantees that for its own rows, as-of joins
    included, and the tables are joined on the session itself.

    Attributes
    ----------
    tables : tuple of Contract
        Tables that it is made of, the first of them with a row for every bar.
    by_year : frozenset of str
        Those whose partitions are years of all names; the others have a partition for each name and year.
    """

    tables: tuple[Contract, ...]
    by_year: frozenset[str] = frozenset()

    def among(self, tables: Collection[str]) -> Matrix:
        """The matrix restricted to the tables of some names."""
        return replace(self, tables=tuple(table for table in self.tables if table.table in tables))

    @cached_property
    def places(self) -> Mapping[str, Contract]:
        """Table of each feature.

        Raises
        ------
        ValueError
            Two tables have a feature of the same name; SQL ignores case.
        """
        found: dict[str, Contract] = {}
        spelled: dict[str, str] = {}
        for table in self.tables:
            for name in features_in(table):
                other = spelled.setdefault(name.lower(), name)
                if other in found:
                    msg = f"{table.table}.{name} and {found[other].table}.{other} are one column in SQL; rename one"
                    raise ValueError(msg)
                found[name] = table
        return found

    def columns(self, wanted: Iterable[str] = ()) -> tuple[str, ...]:
        """Features that a model asks for.

        Parameters
        ----------
        wanted : iterable of str
            Names of features and of whole tables such as "technical"; all features if it is empty.

        Returns
        -------
        tuple of str
            Features in the order asked for, those of a table in its order, each once.

        Raises
        ------
        ValueError
            A name is neither a feature nor a table; the message suggests the closest ones.
        """
        whole = {short_name(table): features_in(table) for table in self.tables}
        asked = list(wanted) or list(self.places)
        unknown = [name for name in asked if name not in self.places and name not in whole]
        if unknown:
            hint = did_you_mean(unknown[0], [*self.places, *whole])
            raise ValueError(
                f"there is no feature or table of features {', '.join(unknown)}{hint}; tables are {', '.join(whole)}"
            )
        found = (part for name in asked for part in ((name,) if name in self.places else whole[name]))
        return tuple(dict.fromkeys(found))

    def tables_with(self, columns: Iterable[str]) -> tuple[Contract, ...]:
        """Tables that hold some of the features."""
        wanted = {self.places[name].table for name in self.columns(columns)}
        return tuple(table for table in self.tables if table.table in wanted)

    def require_written(
        self, lake: Lake, columns: Sequence[str], symbols: pl.DataFrame, years: Sequence[int], *, for_what: str
    ) -> None:
        """Require that the tables of some features have been written, for every listed name, in some years.

        Raises
        ------
        UpstreamNotReadyError
            Some partitions have not been written; the message lists the first ones.
        """
        by_name = listed_partitions(symbols, symbols["symbol"], years)
        for table in self.tables_with(columns):
            needed = [str(year) for year in years] if table.table in self.by_year else by_name
            LakeFrame(lake, table).require_written(needed, for_what=for_what)

    def read(self, lake: Lake, columns: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Read features of a span of sessions.

        Parameters
        ----------
        lake : Lake
            The lake.
        columns : sequence of str
            Features or whole tables; all features if it is empty.
        start, end : date
            First and last session.

        Returns
        -------
        polars.DataFrame
            symbol, date and the features as Float32 in the order of their tables, sorted by symbol and date; one row
            for each row of the first table with a symbol that has any of them.
        """
        wanted = set(self.columns(columns))
        tables = [table for table in self.tables if wanted & set(features_in(table))]
        base = next((table for table in tables if table.key == KEY), self.tables[0])
        found = pl.DataFrame()
        for table in dict.fromkeys((base, *tables)):
            names = [name for name in features_in(table) if name in wanted]
            for portion in _portions(names):
                frame = LakeFrame(lake, table).read([*table.key, *portion], start=start, end=end)
                found = _beside(found, frame.cast(dict.fromkeys(portion, pl.Float32)), table.key)
        return found


def whole_matrix(desk: Desk) -> Matrix:
    """The matrix of all sets of a desk, for ``desk.part(whole_matrix)``; a desk may lack the sources of some tables."""
    return matrix_of(desk.part(feature_sets).values(), desk.part(sql_sets).values())


def matrix_of(python: Iterable[FeatureSet] = SHIPPED, in_sql: Iterable[SqlSet] = SHIPPED_IN_SQL) -> Matrix:
    """The matrix of daily features of some sets."""
    of_sql = tuple(map(contract_of_sql, in_sql))
    return Matrix((*daily_contracts(python).values(), *of_sql), frozenset(contract.table for contract in of_sql))


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, max(len(names), 1), _COLUMNS_AT_ONCE):
        yield names[first : first + _COLUMNS_AT_ONCE]


def _beside(left: pl.DataFrame, right: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Join on the key; tables usually have the same rows, which are then placed side by side without a join."""
    if left.is_empty() and not left.columns:
        return right
    if tuple(key) == KEY and all(left[name].equals(right[name]) for name in reversed(key)):
        return left.hstack(right.drop(key))
    return left.join(right, on=list(key), how="left", maintain_order="left")
