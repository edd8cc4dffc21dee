"""Checks of features in SQL: nothing from the future, nothing beyond the look-back."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import polars as pl

from trading_assets.desk.checks import ScopeCheck
from trading_assets.desk.desk import Desk
from trading_assets.desk.recomputation import Recomputation, point_in_time_check, stored_span
from trading_assets.features.contract import readable_tables
from trading_assets.features.sql.assets import first_day_of_windows
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.desk_models import models_of_desk
from trading_assets.features.sql.sets import sql_sets
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.features.sql.statements import columns_read, run_on_frames, run_on_lake
from trading_assets.lake import Contract, LakeFrame, Scope

_CHECKED_DAYS = 15
# Planning a statement costs more than its rows, and each cut takes two; the next session has other cuts.
_CUTS = 2
# Names in the trials: some names show how far a model reaches in time as well as all of them do.
_NAMES = 50
_SESSIONS = "sessions"


def recompute(one: SqlSet, desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Rows of a model, by its compiled SQL, over the days that are checked."""
    del run_id
    table, tables = LakeFrame(desk.lake, contract_of(one)), desk.part(readable_tables)
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None:
        return
    first, last = span
    if one.lookback:  # each year is computed separately, see `first_day_of_windows`
        first = max(first, date(last.year, 1, 1))
    earliest = first - timedelta(days=one.days_before)
    sql = models_of_desk(desk).of(one.name).sql
    with ThreadPoolExecutor(1) as meanwhile:
        made = meanwhile.submit(run_on_lake, desk.lake, table.contract, sql, first_day_of_windows(one, first), last)
        stored = table.read(start=first, end=last)
        read = {of: tables[of] for of in one.reads}
        names = _sampled(desk, read.values(), stored, first, last)
        inputs = {
            of: _read(LakeFrame(desk.lake, of_it), columns_read(sql, of_it, table.contract), earliest, last, names)
            for of, of_it in read.items()
        }
    again = recomputation(one, sql, read, inputs, stored, first, last)
    yield replace(again, made=made.result().filter(pl.col("date") >= first))


def _sampled(desk: Desk, read: Iterable[Contract], stored: pl.DataFrame, first: date, last: date) -> list[str] | None:
    """Names with rows in the days that are checked, evenly spread; None if it reads no table by symbol and date."""
    by_session = [contract for contract in read if contract.time == "date" and "symbol" in contract.schema]
    if not by_session:
        return None
    if "symbol" not in stored.columns:
        stored = LakeFrame(desk.lake, by_session[0]).read(["symbol"], start=first, end=last)
    names = stored["symbol"].unique().sort()
    return names.gather_every(max(-(-len(names) // _NAMES), 1)).to_list()


def recomputation(
    one: SqlSet,
    sql: str,
    read: Mapping[str, Contract],
    inputs: Mapping[str, pl.DataFrame],
    stored: pl.DataFrame,
    first: date,
    last: date,
) -> Recomputation:
    """How to compute stored rows again from frames in place of the tables.

    History is counted in sessions, since a model may look at all names of a session: tables with rows by session lose
    the same first sessions, and tables of facts that became known at some time lose nothing.
    """
    contract = contract_of(one)
    dated = {of: contract.time for of, contract in read.items()}
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
        cuts=_CUTS,
    )


def _read(table: LakeFrame, columns: list[str], first: date, last: date, names: list[str] | None) -> pl.DataFrame:
    time, schema = table.contract.time, table.contract.schema
    symbols = names if "symbol" in schema else None
    if time is None:
        return table.read(columns, symbol=symbols)
    return table.read(columns, start=first if time == "date" else None, end=last, symbol=symbols)


def checks(desk: Desk) -> tuple[ScopeCheck, ...]:
    """Checks of the sets in SQL of a desk."""
    return tuple(point_in_time_check(contract_of(one), partial(recompute, one)) for one in desk.part(sql_sets).values())
