"""Queries of a desk by name: each reads the lake and gives a frame of declared columns; empty tables give no rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from trading_assets.backtest.contract import PNL
from trading_assets.desk.desk import Desk
from trading_assets.errors import TradingAssetsError
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import Contract, LakeFrame
from trading_assets.lake.store.hashing import content_hash
from trading_assets.live.contract import FILLS, PARITY, SUBMISSIONS
from trading_assets.live.contract import PNL as LIVE_PNL
from trading_assets.market_data.contract import MEMBERSHIP, SYMBOLS
from trading_assets.models.contract import FEATURE_IMPORTANCE
from trading_assets.models.specs import models
from trading_assets.portfolio.books import books
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.registry import strategies

Schema = Mapping[str, pl.DataType | type[pl.DataType]]
NAMED: Mapping[str, Callable[[Desk], Iterable[str]]] = {"model": models, "strategy": strategies, "book": books}
"""Columns that name something of a desk, and where its names come from."""


_TABLES = pl.Schema({"table": pl.String, "rows": pl.Int64, "content_hash": pl.String, "quarantined": pl.Int64})
_UNKNOWN = pl.Schema({"table": pl.String, "column": pl.String, "name": pl.String, "rows": pl.Int64})


class QueryParameterError(TradingAssetsError, ValueError):
    """A query was given a parameter that it does not have, or lacks one; the message names both."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a desk.

    Attributes
    ----------
    name, meaning : str
        Its name and what its rows are.
    schema : polars.Schema
        Columns of the answer.
    parameters : tuple of str
        Names of its parameters.
    read : callable
        From a desk and the parameters to rows.
    """

    name: str
    meaning: str
    schema: pl.Schema
    parameters: tuple[str, ...]
    read: Callable[..., pl.DataFrame]

    def __call__(self, desk: Desk, **parameters: Any) -> pl.DataFrame:
        """Rows of the answer, with the columns of `schema`.

        Raises
        ------
        QueryParameterError
            The parameters are not those of the query.
        """
        if set(parameters) != set(self.parameters):
            wanted = ", ".join(self.parameters) or "no parameter"
            msg = f"the query {self.name} takes {wanted}, not {', '.join(sorted(parameters)) or 'none'}"
            raise QueryParameterError(msg)
        return self.read(desk, **parameters).select(self.schema.names()).cast(self.schema)


QUERIES: dict[str, Query] = {}
"""All queries by name."""


def query(schema: Schema) -> Callable[[Callable[..., pl.DataFrame]], Query]:
    """Declare a function from a desk and parameters to rows to be the query of its name."""

    def declare(function: Callable[..., pl.DataFrame]) -> Query:
        name, meaning = function.__name__, " ".join((function.__doc__ or "").split())
        parameters = tuple(inspect.signature(function).parameters)[1:]
        QUERIES[name] = Query(name, meaning, pl.Schema(schema), parameters, function)
        return QUERIES[name]

    return declare


@query(_TABLES)
def tables(desk: Desk, contracts: Iterable[Contract]) -> pl.DataFrame:
    """Tables of some contracts that have been written: rows, hash of their content, rows in quarantine."""
    stored = set(desk.lake.tables())
    found = []
    for contract in contracts:
        if contract.table in stored:
            frame = LakeFrame(desk.lake, contract).read()
            kept = _count(desk, contract.quarantine_table) if contract.quarantine_table in stored else 0
            hashed = content_hash(frame, key=contract.key, exclude=contract.provenance)
            found.append((contract.table, frame.height, hashed, kept))
    return pl.DataFrame(found, schema=_TABLES, orient="row")


@query({**PNL.schema, "costs": pl.Float64})
def book_pnl(desk: Desk, book: str) -> pl.DataFrame:
    """P&L of a simulated book by session, with the costs of its trades: commission and slippage."""
    rows = LakeFrame(desk.lake, PNL).read(book=book)
    return rows.with_columns(costs=pl.col("commission") + pl.col("slippage_cost"))


@query({"date": pl.Date, "symbol": pl.String, "prediction": pl.Float64, "forward_return": pl.Float64})
def scored_returns(desk: Desk, model: str) -> pl.DataFrame:
    """Predictions of a model beside the returns that followed; without those whose labels have not ended."""
    predicted = LakeFrame(desk.lake, DAILY).read(["date", "symbol", "prediction"], model=model)
    earned = LakeFrame(desk.lake, FORWARD_RETURN).read(["symbol", "date", "forward_return"])
    return predicted.join(earned, on=["date", "symbol"], maintain_order="left").drop_nulls("forward_return")


@query({"feature": pl.String, "gain": pl.Float64, "split": pl.Int64})
def latest_importance(desk: Desk, model: str) -> pl.DataFrame:
    """Importance of each feature in the newest version of a model."""
    rows = LakeFrame(desk.lake, FEATURE_IMPORTANCE).read(model=model)
    return rows.filter(pl.col("date") == pl.col("date").max())


@query({"listed_on": pl.Date})
def hindsight(desk: Desk) -> pl.DataFrame:
    """Day of the newest list of names that is used for days before it; no row where membership is dated."""
    used = LakeFrame(desk.lake, MEMBERSHIP).read(["listed_on"], basis="hindsight")
    return used.drop_nulls().select(pl.col("listed_on").max()).drop_nulls()


@query({"last_session": pl.Date})
def newest_session(desk: Desk) -> pl.DataFrame:
    """Last session of which the source of the desk has bars; no row before the universe is known."""
    return LakeFrame(desk.lake, SYMBOLS).read(["last_session"]).max().drop_nulls()


@query({"fills": pl.Int64, "orders": pl.Int64, "equity": pl.Float64, "difference": pl.Float64})
def live_session(desk: Desk, book: str, session: date) -> pl.DataFrame:
    """A session of a book at its broker: fills, orders sent after it, equity and difference from the backtest."""

    def rows(contract: Contract) -> pl.DataFrame:
        return LakeFrame(desk.lake, contract).read(start=session, end=session, book=book)

    parity = rows(PARITY)
    return rows(LIVE_PNL).select(
        "equity",
        fills=pl.lit(rows(FILLS).height),
        orders=pl.lit(rows(SUBMISSIONS).height),
        difference=pl.lit(parity["difference"][0] if parity.height else None, pl.Float64),
    )


@query(_UNKNOWN)
def unknown_names(desk: Desk, contracts: Iterable[Contract]) -> pl.DataFrame:
    """Rows of models, strategies and books that the desk no longer has, by table and name."""
    found = [pl.DataFrame(schema=_UNKNOWN)]
    for contract in contracts:
        for column in contract.key[:1]:
            if column in NAMED and desk.lake.has_files(contract.table):
                known = list(NAMED[column](desk))
                rows = desk.lake.query(
                    f'SELECT "{column}" AS name, count(*) AS rows FROM lake.{contract.table} GROUP BY 1 ORDER BY 1'
                ).filter(~pl.col("name").is_in(known))
                found.append(rows.select(table=pl.lit(contract.table), column=pl.lit(column), name="name", rows="rows"))
    return pl.concat(found)


def _count(desk: Desk, table: str) -> int:
    return int(desk.lake.query(f"SELECT count(*) AS rows FROM lake.{table}")["rows"][0])
