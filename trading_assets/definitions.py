"""The one place that assembles Dagster objects: the web UI, the CLI and tests all load what `build_defs` returns."""

import gc
from collections.abc import Iterable, Mapping

import dagster as dg

from trading_assets.backtest import assets as backtest_assets
from trading_assets.backtest import contract as backtest
from trading_assets.desk import maintenance
from trading_assets.desk.checks import ScopeCheck, asset_checks
from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.exchange import Exchange, exchange_of
from trading_assets.desk.partitions import Partitions, make_partitions
from trading_assets.desk.settings import Settings, load_settings
from trading_assets.features import assets as feature_assets
from trading_assets.features import checks as feature_checks
from trading_assets.features import contract as features
from trading_assets.features.drift import assets as drift_assets
from trading_assets.features.drift import checks as drift_checks
from trading_assets.features.matrix import assets as matrix_assets
from trading_assets.features.matrix.matrix import Matrix
from trading_assets.features.sql import assets as feature_sql_assets
from trading_assets.features.sql import checks as feature_sql_checks
from trading_assets.labels import assets as label_assets
from trading_assets.labels import contract as labels
from trading_assets.lake.bridge.io_manager import LakeIOManager
from trading_assets.lake.bridge.table_assets import IO_MANAGER_KEY
from trading_assets.lake.contracts import Contract
from trading_assets.live import assets as live_assets
from trading_assets.live import checks as live_checks
from trading_assets.live import contract as live
from trading_assets.live.sensors import build_live_sensors
from trading_assets.market_data import assets as market_data_assets
from trading_assets.market_data import checks as market_data_checks
from trading_assets.market_data import contract as market_data
from trading_assets.market_data import filing_assets, intraday_assets, quality_assets
from trading_assets.market_data.source_policy import source_policy
from trading_assets.models import assets as model_assets
from trading_assets.models import contract as models
from trading_assets.models.specs import MODELS
from trading_assets.orchestration.instance import ignore_expected_warnings
from trading_assets.orchestration.jobs import build_jobs
from trading_assets.orchestration.schedules import build_schedules
from trading_assets.orchestration.sensors import build_sensors
from trading_assets.portfolio import assets as portfolio_assets
from trading_assets.portfolio import contract as portfolio
from trading_assets.portfolio.books import Book, load_books
from trading_assets.predictions import assets as prediction_assets
from trading_assets.predictions import checks as prediction_checks
from trading_assets.predictions import contract as predictions
from trading_assets.reports import assets as report_assets
from trading_assets.reports import contract as reports
from trading_assets.signals import assets as signal_assets
from trading_assets.signals import checks as signal_checks
from trading_assets.signals import contract as signals
from trading_assets.signals.strategies import STRATEGIES

STAGES = (market_data, features, labels, models, predictions, signals, portfolio, backtest, live, reports, maintenance)
CONTRACTS: Mapping[str, Contract] = {contract.table: contract for stage in STAGES for contract in stage.CONTRACTS}
CHECKS: tuple[ScopeCheck, ...] = (
    *market_data_checks.CHECKS,
    *feature_checks.CHECKS,
    *feature_sql_checks.CHECKS,
    *drift_checks.CHECKS,
    *prediction_checks.CHECKS,
    *signal_checks.CHECKS,
    *live_checks.CHECKS,
)


def desk_partitions(settings: Settings, books: Mapping[str, Book], exchange: Exchange) -> Partitions:
    """Partitions of a lake for the desk's models, strategies and books."""
    return make_partitions(
        settings,
        models=list(MODELS),
        strategies=list(STRATEGIES),
        books=list(books),
        live_books=[book.name for book in books.values() if book.live is not None],
        exchange=exchange,
    )


def build_defs(settings: Settings | None = None, *, desk: Desk | None = None) -> dg.Definitions:
    """Assemble the desk.

    Parameters
    ----------
    settings : Settings, optional
        Settings of the lake; read from its folder if None.
    desk : Desk, optional
        Another way to reach lake and source, for tests.
    """
    ignore_expected_warnings()
    desk = desk or Desk(settings or load_settings())
    books = load_books(desk.settings.books)
    exchange = exchange_of(desk.settings, now().date())
    partitions = desk_partitions(desk.settings, books, exchange)
    assets = _assets(desk, partitions, books, exchange)
    jobs = build_jobs(partitions, {tuple(key.path) for asset in assets for key in _keys(asset)})
    return dg.Definitions(
        assets=assets,
        asset_checks=[
            asset_checks(asset, CONTRACTS, CHECKS) for asset in assets if isinstance(asset, dg.AssetsDefinition)
        ],
        jobs=list(jobs.values()),
        schedules=build_schedules(desk.settings, exchange, jobs),
        sensors=[*build_sensors(desk, partitions, jobs), *build_live_sensors(desk, books, jobs)],
        resources={
            "desk": desk,
            IO_MANAGER_KEY: dg.IOManagerDefinition(
                lambda context: LakeIOManager(context.resources.desk.lake, CONTRACTS),
                required_resource_keys={"desk"},
            ),
        },
        executor=dg.in_process_executor,
    )


def _assets(
    desk: Desk, partitions: Partitions, books: Mapping[str, Book], exchange: Exchange
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    market = [
        *market_data_assets.build_assets(partitions, desk.settings, exchange, desk.part(source_policy)),
        *intraday_assets.build_assets(partitions, desk.part(source_policy)),
        *filing_assets.build_assets(partitions, desk.part(source_policy)),
        *quality_assets.build_assets(partitions, desk.settings),
    ]
    in_python = feature_assets.build_assets(partitions, desk.part(source_policy))
    feature_tables = [*in_python, *feature_sql_assets.build_assets(partitions, [*market, *in_python])]
    matrix = Matrix.among({".".join(key.path) for asset in feature_tables for key in asset.keys})
    return [
        *market,
        *feature_tables,
        *matrix_assets.build_assets(matrix),
        *label_assets.build_assets(partitions),
        *model_assets.build_assets(partitions, matrix),
        *prediction_assets.build_assets(partitions, matrix),
        *signal_assets.build_assets(partitions),
        *portfolio_assets.build_assets(partitions, books),
        *backtest_assets.build_assets(partitions, books),
        *live_assets.build_assets(partitions, books),
        *report_assets.build_assets(partitions, books),
        *drift_assets.build_assets(partitions, matrix),
        *maintenance.build_assets(),
    ]


def _keys(asset: dg.AssetsDefinition | dg.AssetSpec) -> Iterable[dg.AssetKey]:
    return asset.keys if isinstance(asset, dg.AssetsDefinition) else [asset.key]


@dg.definitions
def defs() -> dg.Definitions:
    """Assemble what the web UI, the daemon and ``dg`` load; a function, so that importing this touches no lake."""
    found = build_defs()
    gc.freeze()  # a process loads this once; see `trading_assets.orchestration.refresh.few_collections`
    return found
