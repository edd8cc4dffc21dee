"""Assets of features in SQL: one for each model of the dbt project whose tables the desk has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import cast

import dagster as dg
import polars as pl

from trading_assets.features.contract import BY_SET, SQL
from trading_assets.features.fingerprint import fingerprint
from trading_assets.features.matrix.view import ensure_matrix
from trading_assets.features.sql.compiled import Dependencies, compiled_models
from trading_assets.features.sql.sets import SQL_SETS
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.features.sql.statements import columns_read, run_on_lake
from trading_assets.lake import Contract, Lake, LakeFrame, Scope, WriteResult
from trading_assets.lake.assets import run_scope_of, table_asset, table_in
from trading_assets.lake.incremental import Input, stale_rows
from trading_assets.lake.io_manager import Written
from trading_assets.lake.partitions import scope_of_keys
from trading_assets.lake.writes import brought_up_to_date, replace, together
from trading_assets.market_data.contract import CONTRACTS as MARKET_DATA
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.market_data.listing import listed_months, listed_partitions
from trading_assets.orchestration import mappings
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.orchestration.retries import retry_when_not_ready

OWNER = "research"
SOURCES: Mapping[str, Contract] = {one.table: one for one in (*MARKET_DATA, *BY_SET.values(), *SQL.values())}
"""Contracts of the tables that models may read."""

Definitions = Mapping[str, dg.PartitionsDefinition | None]
_DAYS_OF_A_YEAR = 365


def build_assets(
    partitions: Partitions,
    made: Iterable[dg.AssetsDefinition | dg.AssetSpec],
    sets: Iterable[SqlSet] = tuple(SQL_SETS.values()),
) -> list[dg.AssetsDefinition]:
    """Build the assets of the models that the desk has all tables for.

    Parameters
    ----------
    partitions : Partitions
        Partitions of the lake.
    made : iterable of AssetsDefinition
        Assets of the stages before, and of features in Python.
    sets : iterable of SqlSet
        What there are models of.
    """
    tables: dict[str, dg.PartitionsDefinition | None] = {
        ".".join(key.path): asset.partitions_def
        for asset in made
        for key in (asset.keys if isinstance(asset, dg.AssetsDefinition) else [asset.key])
    }
    wanted = possible_sets(tables, sets)
    tables |= {one.table: partitions.years for one in wanted}
    return [_asset(one, [Read(partitions, one, table, tables[table]) for table in one.reads]) for one in wanted]


def possible_sets(tables: Iterable[str], sets: Iterable[SqlSet]) -> list[SqlSet]:
    """Sets of which all tables that they read are there, those of other sets included; a set comes after its tables."""
    waiting, there, found = list(sets), set(tables), list[SqlSet]()
    while ready := [one for one in waiting if there.issuperset(one.reads)]:
        found += ready
        there |= {one.table for one in ready}
        waiting = [one for one in waiting if one not in ready]
    return found


@dataclass(frozen=True)
class Read:
    """A table that a model reads: which partitions of it, and what must have been written of it."""

    partitions: Partitions
    reader: SqlSet
    table: str
    partitions_def: dg.PartitionsDefinition | None

    @cached_property
    def is_by_session(self) -> bool:
        """Whether the model reads the rows of its own days; of other tables it reads all that was known by then."""
        return SOURCES[self.table].time == "date"

    @property
    def dependency(self) -> dg.AssetDep:
        """The edge of the graph."""
        key = self.table.split(".")
        if self.partitions_def is None:
            return dg.AssetDep(key)
        if self.partitions_def is self.partitions.panel and self.is_by_session and not self.reader.lookback:
            return dg.AssetDep(key, partition_mapping=mappings.all_symbols_of_the_year())
        if self.partitions_def is self.partitions.years and not self.reader.lookback:
            return dg.AssetDep(key)
        return dg.AssetDep(key, partition_mapping=mappings.everything_so_far())

    def require_written(self, desk: Desk, listing: pl.DataFrame, scope: Scope) -> None:
        """Make sure that the rows are there, of every listed name.

        Raises
        ------
        UpstreamNotReadyError
            Some partitions have not been written; the message lists the first ones.
        """
        needed = self.needed(listing, scope)
        what = f"{self.reader.table} ({scope.describe()})"
        LakeFrame(desk.lake, SOURCES[self.table]).require_written(needed, for_what=what)

    def needed(self, listing: pl.DataFrame, scope: Scope) -> Sequence[str]:
        """Partition keys of the table that the model reads for a scope."""
        first, last = scope.window()
        before = -(-self.reader.days_before // _DAYS_OF_A_YEAR)
        earliest = first.year - before if self.is_by_session else self.partitions.first_day.year
        years = self.partitions.existing_years(earliest, last.year)
        if self.partitions_def is None:
            return []
        if self.partitions_def is self.partitions.years:
            return [str(year) for year in years]
        if self.partitions_def is self.partitions.panel:
            return listed_partitions(listing, listing["symbol"], years)
        months = [key for key in self.partitions.months_so_far() if f"{earliest}-01" <= key <= f"{last:%Y-%m}"]
        return listed_months(listing, listing["symbol"], months)


def _asset(one: SqlSet, reads: Sequence[Read]) -> dg.AssetsDefinition:
    contract = SQL[one.name]

    @dg.asset(
        **table_asset(contract, owner=OWNER, kinds={"dbt", "duckdb"}),
        partitions_def=reads[0].partitions.years,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"symbols": table_in(SYMBOLS)},
        deps=[read.dependency for read in reads if read.table != SYMBOLS.table],
    )
    def features(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], symbols: LakeFrame) -> Written:
        scope = run_scope_of(context, contract)
        with retry_when_not_ready(desk.settings.retry_seconds):
            listing = symbols.read()
            for read in reads:
                read.require_written(desk, listing, scope)
        model = compiled_models()[one.name]
        context.add_output_metadata({"dagster/column_lineage": column_lineage(model.lineage)})
        definition = reads[0].partitions.years
        years = [scope_of_keys(definition, [key], contract) for key in sorted(context.partition_keys)]
        results = [write(desk.lake, one, model.sql, year, author=context.run.run_id) for year in years]
        ensure_matrix(desk.lake)
        return Written(together(results))

    return cast("dg.AssetsDefinition", features)


def write(lake: Lake, one: SqlSet, sql: str, year: Scope, *, author: str) -> WriteResult:
    """Make a year what the model gives: days that are behind what it reads are computed and written, the others left.

    Parameters
    ----------
    lake : Lake
        The lake.
    one : SqlSet
        The set.
    sql : str
        Compiled SQL of its model.
    year : Scope
        Rows of a year: what a window adds up, and the memory it takes, then never depend on the run's span.
    author : str
        Recorded with the snapshot.
    """
    contract = SQL[one.name]
    first, last = year.window()
    inputs = [_input(one, sql, SOURCES[table], first) for table in one.reads]
    stale = stale_rows(lake, [contract], year, inputs, fingerprint(sql))
    results = []
    for rows, part in stale.parts():
        found = run_on_lake(lake, contract, sql, first_day_of_windows(one, rows.window()[0]), last)
        frame, made_from = found.filter(rows.expr()), stale.made_from(part)
        message = f"{contract.table} in SQL"
        results.append(replace(lake, contract, frame, rows, author=author, message=message, made_from=made_from))
    return brought_up_to_date(lake, contract, stale, results)


def first_day_of_windows(one: SqlSet, first: date) -> date:
    """Where a model must begin for the rows of a day on to have the bits of its whole year.

    What a window adds up may depend, in its last bits, on the row that it began to add up with.
    """
    return date(first.year, 1, 1) if one.lookback else first


def _input(one: SqlSet, sql: str, table: Contract, first: date) -> Input:
    since = first - timedelta(days=one.days_before) if table.time == "date" else None
    return Input(table, table.time, since=since, columns=columns_read(sql, table, SQL[one.name]))


def column_lineage(found: Dependencies) -> dg.TableColumnLineage:
    """Lineage of columns as the web UI shows it."""
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(table.split(".")), name) for table, name in of]
            for column, of in found.items()
        }
    )
