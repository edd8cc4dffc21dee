"""Checks of features in SQL: nothing from the future, nothing beyond the look-back."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from functools import partial

import polars as pl

from trading_assets.features.contract import SQL
from trading_assets.features.sql.assets import SOURCES
from trading_assets.features.sql.compiled import compiled_models
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.sets import SQL_SETS
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.features.sql.statements import run_on_frames
from trading_assets.lake import LakeFrame, Scope
from trading_assets.orchestration.recomputation import Recomputation, point_in_time_check, stored_span
from trading_assets.orchestration.resources import Desk

_CHECKED_DAYS = 15
_SESSIONS = "sessions"
_WORD = re.compile(r"\w+")


def recompute(one: SqlSet, desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Rows of a model, by its compiled SQL, over the days that are checked."""
    del run_id
    table = LakeFrame(desk.lake, SQL[one.name])
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None:
        return
    last = span[1]
    # what is computed of a window may depend, in its last bits, on the rows that the window's year begins with
    first = date(last.year, 1, 1) if one.lookback else span[0]
    earliest = first - timedelta(days=one.days_before)
    sql = compiled_models()[one.name].sql
    named = {*_WORD.findall(sql), *table.contract.schema}
    inputs = {of: _read(LakeFrame(desk.lake, SOURCES[of]), named, earliest, last) for of in one.reads}
    yield recomputation(one, sql, inputs, table.read(start=first, end=last), first, last)


def recomputation(
    one: SqlSet, sql: str, inputs: Mapping[str, pl.DataFrame], stored: pl.DataFrame, first: date, last: date
) -> Recomputation:
    """How to compute stored rows again from frames in place of the tables.

    History is counted in sessions, since a model may look at all names of each: the tables with a row for each session
    lose their first ones together, those of what became known at some time lose nothing.
    """
    contract = contract_of(one)
    dated = {of: SOURCES[of].time for of in one.reads}
    by_session = [of for of, time in dated.items() if time == "date"]
    days = pl.concat([pl.DataFrame(schema={"date": pl.Date}), *(inputs[of].select("date") for of in by_session)])

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        earliest = frames[_SESSIONS]["date"].min()
        kept = {
            of: frames[of].filter(pl.col("date") >= earliest) if of in by_session else frames[of] for of in one.reads
        }
        return run_on_frames(kept, contract, sql, first, last)

    return Recomputation(
        compute,
        inputs={**inputs, _SESSIONS: days.unique().sort("date")},
        stored=stored,
        known_on={of: time for of, time in dated.items() if time},
        history={_SESSIONS: "date"},
        lookback=one.lookback,
        key=contract.key,
    )


def _read(table: LakeFrame, named: Collection[str], first: date, last: date) -> pl.DataFrame:
    """Columns of a table that the model names, and those that say which row it is: a set has hundreds of others."""
    contract = table.contract
    columns = [name for name in contract.schema if name in named or name in (*contract.key, contract.time)]
    if contract.time is None:
        return table.read(columns)
    return table.read(columns, start=first if contract.time == "date" else None, end=last)


CHECKS = tuple(point_in_time_check(SQL[one.name], partial(recompute, one)) for one in SQL_SETS.values())
