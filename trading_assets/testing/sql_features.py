"""What every feature in SQL must satisfy, and its rows on tables that a test writes down."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from trading_assets.desk.own_work import OwnWork
from trading_assets.features.contract import tables_read_by_sql
from trading_assets.features.sets import sets_with
from trading_assets.features.sql.checks import recomputation
from trading_assets.features.sql.compiled import compiled_own
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.sets import sets_with as sql_sets_with
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.features.sql.statements import run_on_frames
from trading_assets.lake import Contract, Scope
from trading_assets.point_in_time.explain import in_words
from trading_assets.testing.tables import LAST, full, made_up

_CHECKED_FROM = date(2016, 1, 1)


def check_sql_feature(name: str, own: Path, tables: Mapping[str, pl.DataFrame] | None = None) -> None:
    """Fail unless a model in SQL satisfies the rules of features, on made-up tables.

    It must know nothing of the future, read no more than its look-back, and have the same finite values for any number
    of threads.

    Parameters
    ----------
    name
        Name of the file and its table.
    own
        Folder of the user's own work.
    tables
        Rows of tables that are not made up, by table such as "market_data.news".

    Raises
    ------
    AssertionError
        A rule is broken, there is no such model, or it cannot be compiled; the message says which and where.
    """
    one, sql, read = _compiled(name, own)
    given = {table: full(read[table], frame) for table, frame in (tables or {}).items()}
    inputs = given | made_up({table: contract for table, contract in read.items() if table not in given})
    contract = contract_of(one)
    stored = run_on_frames(inputs, contract, sql, _CHECKED_FROM, LAST)
    values = stored.select(pl.exclude(contract.key))
    if all(values[column].null_count() == values.height for column in values.columns):
        raise AssertionError(f"{name} has no value on any row of the made-up tables")
    infinite = [column for column in values.columns if not values[column].drop_nulls().is_finite().all()]
    if infinite:
        raise AssertionError(f"{name} has values that are not finite: {', '.join(infinite)}; write nullif(...) below /")
    broken = contract.split(stored).quarantined
    if broken.height:
        raise AssertionError(f"{name} breaks its contract: {broken.row(0, named=True)}")
    if not run_on_frames(inputs, contract, sql, _CHECKED_FROM, LAST, threads=2).equals(stored):
        raise AssertionError(f"{name} depends on the number of threads; write {{{{ exact_mean(...) }}}} for means")
    again = recomputation(one, sql, read, inputs, stored, _CHECKED_FROM, LAST)
    for violations in (again.look_ahead(Scope()), again.warm_up()):
        for violation in violations.head(1).iter_rows(named=True):
            raise AssertionError(in_words(violation))


def run_sql_feature(name: str, tables: Mapping[str, pl.DataFrame], own: Path) -> pl.DataFrame:
    """Rows of a model in SQL on tables that a test writes down.

    Parameters
    ----------
    name
        Name of the file and its table.
    tables
        Rows of the tables that it reads, by table such as "market_data.bars_daily"; columns that a frame lacks are
        null.
    own
        Folder of the user's own work.

    Returns
    -------
    polars.DataFrame
        The table's key and its columns, sorted by the key.
    """
    one, sql, read = _compiled(name, own)
    frames = {table: full(contract, tables[table]) for table, contract in read.items()}
    return run_on_frames(frames, contract_of(one), sql, date(1900, 1, 1), date(2999, 12, 31))


def _compiled(name: str, folder: Path) -> tuple[SqlSet, str, dict[str, Contract]]:
    """A set, its compiled SQL, and the contracts of the tables that it reads."""
    work = OwnWork(folder)
    in_sql = sql_sets_with(work)
    one = in_sql.get(name)
    if one is None or one.is_shipped:
        there = ", ".join(found.name for found in in_sql.values() if not found.is_shipped) or "none"
        said = f"there is no feature {name!r} of your own in SQL; there is {there}"
        raise AssertionError("; ".join([said, *map(str, work.faults)]))
    tables = tables_read_by_sql(sets_with(work, in_sql.values()).values(), in_sql.values())
    own = [found for found in in_sql.values() if not found.is_shipped]
    compiled = compiled_own(own, tables, _cache(work.folder))
    if name in compiled.errors:
        raise AssertionError(f"{one.model}: {compiled.errors[name]}")
    return one, compiled.of(name).sql, {table: tables[table] for table in one.reads}


def _cache(folder: Path) -> Path:
    """Folder of this user for what dbt makes of a folder's files: a test may run where the lake cannot be written."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"trading_assets_{os.getuid()}" / digest
