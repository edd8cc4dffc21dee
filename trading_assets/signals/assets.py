"""Assets of signals: one score per name, session and strategy."""

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import closed_sessions_of, desk_partitions, through_by_month
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.io_manager import Rows
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.market_data.contract import MEMBERSHIP
from trading_assets.market_data.universe import members_only
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.contract import ML_ALPHA
from trading_assets.signals.strategies import strategies

OWNER = "research"


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""
    partitions, known = desk.part(desk_partitions), desk.part(strategies)

    @dg.asset(
        **table_asset(ML_ALPHA, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.by_month("strategy", known),
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"predictions": table_in(DAILY, mappings.same_month()), "membership": table_in(MEMBERSHIP)},
    )
    def ml_alpha(
        context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], predictions: LakeFrame, membership: LakeFrame
    ) -> Rows:
        from trading_assets.signals.ml_alpha import ml_alpha as compute

        scope = run_scope_of(context, ML_ALPHA)
        days = closed_sessions_of(desk, scope)
        if not days:
            return Rows(ML_ALPHA.empty())
        first, last = days[0], days[-1]
        members = membership.read()
        found = [ML_ALPHA.empty()]
        with retry_when_not_ready(desk.settings.retry_seconds):
            _require_members(members)
        for strategy in scope.values["strategy"]:
            model = known[strategy]
            with retry_when_not_ready(desk.settings.retry_seconds):
                predictions.require_written_through(through_by_month(days, "model", model), for_what=ML_ALPHA.table)
            rows = members_only(predictions.read(start=first, end=last, model=model), members)
            found.append(compute(rows, strategy=strategy))
        return Rows(pl.concat(found), through=last)

    return [ml_alpha]


def _require_members(members: pl.DataFrame) -> None:
    if members.is_empty():
        msg = (
            f"{ML_ALPHA.table} needs {MEMBERSHIP.table}, which has no row yet: without it no name would be scored. "
            "Materialise them first: market_data/symbols, then market_data/membership"
        )
        raise UpstreamNotReadyError(msg)
