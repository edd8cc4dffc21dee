"""Assets of models: walk-forward by month, tracked and registered in MLflow."""

from datetime import date

import dagster as dg
import polars as pl

from trading_assets.features.matrix import Matrix
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import LakeFrame
from trading_assets.lake.assets import run_scope_of, table_in, table_out
from trading_assets.market_data.calendar import sessions
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.market_data.listing import listed_partitions
from trading_assets.models.contract import FEATURE_IMPORTANCE, TRAINED
from trading_assets.models.specs import MODELS, features_of
from trading_assets.orchestration import mappings
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.orchestration.retries import retry_when_not_ready

OWNER = "research"
_WINDOW_YEARS = 3


def build_assets(partitions: Partitions, matrix: Matrix) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage, whose models learn from a desk's matrix of features."""
    columns = features_of(MODELS.values(), matrix)
    tables = matrix.tables_with(columns)

    @dg.multi_asset(
        outs={
            "trained": table_out(TRAINED, owner=OWNER, kinds={"lightgbm", "mlflow"}),
            "feature_importance": table_out(FEATURE_IMPORTANCE, owner=OWNER, kinds={"lightgbm"}),
        },
        ins={
            "symbols": table_in(SYMBOLS),
            "forward_return": table_in(FORWARD_RETURN, mappings.everything_so_far()),
        },
        deps=[dg.AssetDep(table.asset_key, partition_mapping=mappings.everything_so_far()) for table in tables],
        partitions_def=partitions.model_months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        name="walk_forward",
    )
    def trained(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        symbols: LakeFrame,
        forward_return: LakeFrame,
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        from trading_assets.models.month import MonthlyTrainer

        scope = run_scope_of(context, TRAINED)
        first, last = scope.window()
        start = max(date(first.year - _WINDOW_YEARS, 1, 1), desk.settings.start)
        listing = symbols.read()
        with retry_when_not_ready(desk.settings.retry_seconds):
            needed = listed_partitions(listing, listing["symbol"], range(start.year, last.year + 1))
            forward_return.require_written(needed, for_what=f"{TRAINED.table} ({scope.describe()})")
            years = partitions.existing_years(start.year, last.year)
            matrix.require_written(desk.lake, columns, listing, years, for_what=f"{TRAINED.table} ({scope.describe()})")
        trainer = MonthlyTrainer(
            desk=desk,
            features=matrix.read(desk.lake, columns, start, last),
            labels=forward_return.read(start=start, end=last),
            snapshot=desk.lake.table_snapshot(*(table.table for table in tables), FORWARD_RETURN.table),
        )
        cuts = month_ends(sessions(desk.settings.exchange, first, last))
        for name in scope.values["model"]:
            for error in trainer.train(MODELS[name], cuts, workers=desk.settings.training_workers):
                context.log.info(f"not trained: {error}")
        return trainer.trained(), trainer.importance()

    return [trained]


def month_ends(days: list[date]) -> list[date]:
    """Last session of each month."""
    return [day for day, following in zip(days, [*days[1:], None], strict=True) if _ends_month(day, following)]


def _ends_month(day: date, following: date | None) -> bool:
    return following is None or (day.year, day.month) != (following.year, following.month)
