"""Assets of signals: one score per name, session and strategy."""

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.market_data.contract import MEMBERSHIP
from trading_assets.market_data.universe import members_only
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.contract import ML_ALPHA
from trading_assets.signals.strategies import STRATEGIES

OWNER = "research"


def build_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""

    @dg.asset(
        **table_asset(ML_ALPHA, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.strategy_sessions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"predictions": table_in(DAILY, mappings.same_session()), "membership": table_in(MEMBERSHIP)},
    )
    def ml_alpha(
        context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], predictions: LakeFrame, membership: LakeFrame
    ) -> pl.DataFrame:
        from trading_assets.signals.ml_alpha import ml_alpha as compute

        scope = run_scope_of(context, ML_ALPHA)
        first, last = scope.window()
        days = sessions(desk.settings.exchange, first, last)
        members = membership.read()
        found = [ML_ALPHA.empty()]
        with retry_when_not_ready(desk.settings.retry_seconds):
            _require_members(members)
        for strategy in scope.values["strategy"]:
            model = STRATEGIES[strategy]
            with retry_when_not_ready(desk.settings.retry_seconds):
                predictions.require_written([f"{day}|{model}" for day in days], for_what=ML_ALPHA.table)
            rows = members_only(predictions.read(start=first, end=last, model=model), members)
            found.append(compute(rows, strategy=strategy))
        return pl.concat(found)

    return [ml_alpha]


def _require_members(members: pl.DataFrame) -> None:
    if members.is_empty():
        msg = (
            f"{ML_ALPHA.table} needs {MEMBERSHIP.table}, which has no row yet: without it no name would be scored. "
            "Materialise them first: market_data/symbols, then market_data/membership"
        )
        raise UpstreamNotReadyError(msg)
