"""Assets of features in SQL: one for each model of the dbt project whose input tables the desk has.

Models that read their tables in the same way share a step, which runs two of them at a time, because every step has a
fixed cost (`python -m benchmarks graph`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.desk.stage import Asset, keys_of
from trading_assets.features.contract import readable_tables
from trading_assets.features.fingerprint import fingerprint
from trading_assets.features.matrix.matrix import whole_matrix
from trading_assets.features.matrix.view import ensure_matrix
from trading_assets.features.sql.compiled import Dependencies
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.desk_models import models_of_desk
from trading_assets.features.sql.sets import sql_sets
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.features.sql.statements import columns_read, run_on_lake
from trading_assets.lake import Contract, Lake, LakeFrame, Scope, WriteResult
from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.partition_keys import scope_of_keys
from trading_assets.lake.bridge.table_assets import run_scope_of, table_in, table_out
from trading_assets.lake.store.incremental import Input, stale_rows
from trading_assets.lake.store.writes import brought_up_to_date, replace, together
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.market_data.listing import listed_months, listed_partitions
from trading_assets.parallel import map_ordered

OWNER = "research"
_DAYS_OF_A_YEAR = 365


def build_assets(desk: Desk, made: Iterable[Asset]) -> list[dg.AssetsDefinition]:
    """Build the assets of the models that the desk has all tables for.

    Parameters
    ----------
    desk : Desk
        The desk.
    made : iterable of AssetsDefinition
        Assets of the stages before, and of features in Python.
    """
    partitions, contracts = desk.part(desk_partitions), desk.part(readable_tables)
    tables: dict[str, dg.PartitionsDefinition | None] = {
        ".".join(key.path): asset.partitions_def for asset in made for key in keys_of(asset)
    }
    wanted = possible_sets(tables, desk.part(sql_sets).values())
    tables |= {one.table: partitions.years for one in wanted}
    reads = {
        one.name: [Read(partitions, one, contracts[table], tables[table]) for table in one.reads] for one in wanted
    }
    return [_asset(name, alike, reads, partitions) for name, alike in steps(wanted).items()]


def steps(sets: Iterable[SqlSet]) -> dict[str, list[SqlSet]]:
    """Sets that are computed together, by name of their step: none reads another, and all or none have a look-back.

    A set with a look-back reads other partitions of the same tables, and a step can depend on a table in one way only.
    The user's own sets have separate steps: a step waits for all tables of its sets, and must not delay shipped ones.
    """
    rank: dict[str, int] = {}
    found: dict[str, list[SqlSet]] = {}
    for one in sets:
        rank[one.table] = 1 + max((rank.get(table, 0) for table in one.reads), default=0)
        name = "sql_features" if one.is_shipped else "own_sql_features"
        name += "_with_look_back" if one.lookback else ""
        found.setdefault(name if rank[one.table] == 1 else f"{name}_{rank[one.table]}", []).append(one)
    return found


def possible_sets(tables: Iterable[str], sets: Iterable[SqlSet]) -> list[SqlSet]:
    """Sets whose input tables all exist, counting those that other sets make; a set comes after the sets it reads."""
    waiting, there, found = list(sets), set(tables), list[SqlSet]()
    while ready := [one for one in waiting if there.issuperset(one.reads)]:
        found += ready
        there |= {one.table for one in ready}
        waiting = [one for one in waiting if one not in ready]
    return found


@dataclass(frozen=True)
class Read:
    """A table that a model reads: which partitions it depends on, and which must have been written."""

    partitions: Partitions
    reader: SqlSet
    contract: Contract
    partitions_def: dg.PartitionsDefinition | None

    @cached_property
    def is_by_session(self) -> bool:
        """Whether the model reads the table's rows of its own days, rather than everything that was known by then."""
        return self.contract.time == "date"

    @property
    def dependency(self) -> dg.AssetDep:
        """The edge of the graph."""
        key = self.contract.asset_key
        if self.partitions_def is None:
            return dg.AssetDep(key)
        if self.partitions_def is self.partitions.panel and self.is_by_session and not self.reader.lookback:
            return dg.AssetDep(key, partition_mapping=mappings.all_symbols_of_the_year())
        if self.partitions_def is self.partitions.years and not self.reader.lookback:
            return dg.AssetDep(key)
        return dg.AssetDep(key, partition_mapping=mappings.everything_so_far())

    def require_written(self, desk: Desk, listing: pl.DataFrame, scope: Scope) -> None:
        """Require that the rows of every listed name have been written.

        Raises
        ------
        UpstreamNotReadyError
            Some partitions have not been written; the message lists the first ones.
        """
        needed = self.needed(listing, scope)
        what = f"{self.reader.table} ({scope.describe()})"
        LakeFrame(desk.lake, self.contract).require_written(needed, for_what=what)

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


def _asset(
    name: str, sets: Sequence[SqlSet], reads: Mapping[str, Sequence[Read]], partitions: Partitions
) -> dg.AssetsDefinition:
    dependencies = {read.contract.table: read.dependency for one in sets for read in reads[one.name]}
    dependencies.pop(SYMBOLS.table, None)

    @dg.multi_asset(
        name=name,
        outs={
            one.name: table_out(contract_of(one), owner=OWNER, kinds={"dbt", "duckdb"}, is_required=False)
            for one in sets
        },
        partitions_def=partitions.years,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        ins={"symbols": table_in(SYMBOLS)},
        deps=list(dependencies.values()),
        internal_asset_deps={
            one.name: {dg.AssetKey(table.split(".")) for table in (SYMBOLS.table, *one.reads)} for one in sets
        },
    )
    def features(
        context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], symbols: LakeFrame
    ) -> Iterator[dg.Output[Written]]:
        wanted = [one for one in sets if one.name in context.op_execution_context.selected_output_names]
        scope = run_scope_of(context, contract_of(sets[0]))
        needed = {(read.contract.table, one.days_before): read for one in wanted for read in reads[one.name]}
        with retry_when_not_ready(desk.settings.retry_seconds):
            listing = symbols.read()
            for read in needed.values():
                read.require_written(desk, listing, scope)
        models, tables = models_of_desk(desk), desk.part(readable_tables)
        keys = sorted(context.partition_keys)

        def written(one: SqlSet) -> WriteResult | Exception:
            years = [scope_of_keys(partitions.years, [key], contract_of(one)) for key in keys]
            try:
                sql = models.of(one.name).sql
                return together([write(desk.lake, one, sql, year, tables, author=context.run.run_id) for year in years])
            except Exception as error:  # noqa: BLE001 - raised after the other sets have been written
                return error

        failed: list[Exception] = []
        for one, result in zip(wanted, map_ordered(written, wanted), strict=True):
            if isinstance(result, Exception):
                failed.append(result)
                continue
            lineage = column_lineage(models.of(one.name).lineage)
            context.add_output_metadata({"dagster/column_lineage": lineage}, output_name=one.name)
            yield dg.Output(Written(result), one.name)
        ensure_matrix(desk.lake, desk.part(whole_matrix))
        if failed:
            raise failed[0] if len(failed) == 1 else ExceptionGroup(f"{len(failed)} models failed", failed)

    return features


def write(
    lake: Lake, one: SqlSet, sql: str, year: Scope, tables: Mapping[str, Contract], *, author: str
) -> WriteResult:
    """Bring a year up to date with the tables that its model reads: only stale days are computed and written.

    Parameters
    ----------
    lake : Lake
        The lake.
    one : SqlSet
        The set.
    sql : str
        Compiled SQL of its model.
    year : Scope
        Rows of a year, so that the sums of windows and the memory they take never depend on the run's span.
    tables : mapping of str to Contract
        Contracts of the tables that it reads, by table.
    author : str
        Recorded with the snapshot.
    """
    contract = contract_of(one)
    first, last = year.window()
    inputs = [_input(one, sql, tables[table], first) for table in one.reads]
    stale = stale_rows(lake, [contract], year, inputs, fingerprint(sql))
    results = []
    for rows, part in stale.parts():
        found = run_on_lake(lake, contract, sql, first_day_of_windows(one, rows.window()[0]), last)
        frame, made_from = found.filter(rows.expr()), stale.made_from(part)
        message = f"{contract.table} in SQL"
        results.append(replace(lake, contract, frame, rows, author=author, message=message, made_from=made_from))
    return brought_up_to_date(lake, contract, stale, results)


def first_day_of_windows(one: SqlSet, first: date) -> date:
    """Day from which a model must run so that rows from `first` on have the same bits as in a run of the whole year.

    The last bits of a window's sum may depend on the row that the sum started with.
    """
    return date(first.year, 1, 1) if one.lookback else first


def _input(one: SqlSet, sql: str, table: Contract, first: date) -> Input:
    since = first - timedelta(days=one.days_before) if table.time == "date" else None
    return Input(table, table.time, since=since, columns=columns_read(sql, table, contract_of(one)))


def column_lineage(found: Dependencies) -> dg.TableColumnLineage:
    """Lineage of columns as the web UI shows it."""
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(table.split(".")), name) for table, name in of]
            for column, of in found.items()
        }
    )
