"""Assets about companies: their profiles, the figures of their filings, news, and the latest quotes."""

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
from trading_assets.market_data.assets.common import OWNER, catch_all, fill
from trading_assets.market_data.contract import COMPANIES, FUNDAMENTALS, NEWS, QUOTES, SYMBOLS
from trading_assets.market_data.ingest import SourcedTable, fetch, read_rows, replace_failures
from trading_assets.market_data.ingest.settle import settle_changes, settle_versions
from trading_assets.market_data.source_policy import source_policy
from trading_assets.market_data.sources import CompaniesSource, QuotesSource, Source

_RESTATED = {
    FUNDAMENTALS.table: ("value", "currency"),
    NEWS.table: ("headline", "summary", "text", "author", "url", "publisher"),
}
_CHANGES = ("name", "sector", "industry", "country", "shares_outstanding", "officers")


def assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Define the assets that the sources of the desk can fill."""
    partitions, policy = desk.part(desk_partitions), desk.part(source_policy)
    found = [
        _versions(contract, method, partitions)
        for contract, method in ((FUNDAMENTALS, "fundamentals"), (NEWS, "news"))
        if policy.of(method)
    ]
    if policy.of("companies"):
        found.append(_companies(partitions))
    if policy.of("quotes"):
        found.append(_quotes())
    return found


def _versions(contract: Contract, method: str, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(contract, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
    )
    def filings(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        moment = now()
        read = partial(read_rows, method=method, time=str(contract.time), catch_all=catch_all(context, desk))
        rules = {"known_at is later than now": pl.col("known_at") > moment}
        settle = partial(settle_versions, key=contract.key, values=_RESTATED[contract.table], now=moment)
        return fill(context, desk, SourcedTable(contract, read, rules, settle))

    return cast("dg.AssetsDefinition", filings)


def _companies(partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(COMPANIES, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
    )
    def companies(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        nameless = catch_all(context, desk).symbol

        def read(source: Source, request: Scope) -> pl.DataFrame:
            rows = cast("CompaniesSource", source).companies(request.values["symbol"], now())
            is_named = pl.col("symbol").is_not_null() | (nameless in request.values["symbol"])
            return rows.filter(pl.col("known_on").is_between(*request.window()), is_named)

        return fill(context, desk, SourcedTable(COMPANIES, read, settle=partial(settle_changes, values=_CHANGES)))

    return cast("dg.AssetsDefinition", companies)


def _quotes() -> dg.AssetsDefinition:
    @dg.asset(**table_asset(QUOTES, owner=OWNER, kinds={"polars"}), deps=[SYMBOLS.asset_key])
    def quotes(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        symbols = tuple(registered_symbols(context.instance))
        with retry_when_not_ready(desk.settings.retry_seconds):
            answer = fetch(
                desk.part(source_policy).of("quotes"),
                Scope({"symbol": symbols}),
                lambda source, request: cast("QuotesSource", source).quotes(request.values["symbol"]),
            )
            rows = answer.require_rows()
        replace_failures(desk.lake, QUOTES.table, symbols, answer.failures, now())
        return rows

    return cast("dg.AssetsDefinition", quotes)
