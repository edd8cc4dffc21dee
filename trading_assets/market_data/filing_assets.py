"""Assets of what is known about companies: who they are, figures of filings, news, and the latest quotes."""

from collections.abc import Sequence
from functools import partial
from typing import cast

import dagster as dg
import polars as pl

from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.desk.symbols import registered_symbols
from trading_assets.lake import Contract, Scope
from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.table_assets import table_asset
from trading_assets.market_data.assets import OWNER, home_of
from trading_assets.market_data.bitemporal import keep_changes, keep_known
from trading_assets.market_data.contract import COMPANIES, FUNDAMENTALS, NEWS, QUOTES, SYMBOLS
from trading_assets.market_data.gathering import gather
from trading_assets.market_data.ingest import Table
from trading_assets.market_data.rows import ask_rows
from trading_assets.market_data.source_assets import fill, record_failures
from trading_assets.market_data.source_policy import source_policy
from trading_assets.market_data.sources import CompaniesSource, QuotesSource, Source

_RESTATED = {
    FUNDAMENTALS.table: ("value", "currency"),
    NEWS.table: ("headline", "summary", "text", "author", "url", "publisher"),
}
_CHANGES = ("name", "sector", "industry", "country", "shares_outstanding", "officers")


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets that the sources of the desk can fill."""
    partitions, policy = desk.part(desk_partitions), desk.part(source_policy)
    found = [
        _dated(contract, method, partitions)
        for contract, method in ((FUNDAMENTALS, "fundamentals"), (NEWS, "news"))
        if policy.of(method)
    ]
    if policy.of("companies"):
        found.append(_companies(partitions))
    if policy.of("quotes"):
        found.append(_quotes())
    return found


def _dated(contract: Contract, method: str, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(contract, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
    )
    def filings(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        moment = now()
        ask = partial(ask_rows, method=method, time=str(contract.time), home=home_of(context, partitions))
        rules = {"known_at is later than now": pl.col("known_at") > moment}
        keep = partial(keep_known, key=contract.key, values=_RESTATED[contract.table], now=moment)
        return fill(context, desk, Table(contract, ask, rules, keep))

    return cast("dg.AssetsDefinition", filings)


def _companies(partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(COMPANIES, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
    )
    def companies(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        def ask(source: Source, symbols: Sequence[str], scope: Scope) -> pl.DataFrame:
            first, last = scope.window()
            rows = cast("CompaniesSource", source).companies(symbols, now())
            return rows.filter(pl.col("known_on").is_between(first, last))

        keep = partial(keep_changes, values=_CHANGES)
        return fill(context, desk, Table(COMPANIES, ask, settle=keep))

    return cast("dg.AssetsDefinition", companies)


def _quotes() -> dg.AssetsDefinition:
    @dg.asset(**table_asset(QUOTES, owner=OWNER, kinds={"polars"}), deps=[SYMBOLS.asset_key])
    def quotes(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        names = registered_symbols(context.instance)
        with retry_when_not_ready(desk.settings.retry_seconds):
            found = gather(
                desk.part(source_policy).of("quotes"),
                names,
                lambda source, asked: cast("QuotesSource", source).quotes(asked),
            )
            rows = found.require_rows()
        record_failures(desk.lake, QUOTES.table, names, found.failures, now())
        return rows

    return cast("dg.AssetsDefinition", quotes)
