"""The asset of signals: the scores of every strategy of the desk."""

from collections.abc import Mapping, Sequence
from dataclasses import replace as replaced
from datetime import date

import dagster as dg

from trading_assets.desk import mappings
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import closed_sessions_of, desk_partitions, through_by_month
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.errors import RetryableError
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.features.matrix.matrix import Matrix
from trading_assets.lake import Scope
from trading_assets.lake.bridge.io_manager import Written, write_metadata
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.lake.store.writes import WriteResult, replace, together
from trading_assets.market_data.contract import MEMBERSHIP, SYMBOLS
from trading_assets.models.specs import models
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.contract import SCORES
from trading_assets.signals.declaration import Strategy
from trading_assets.signals.errors import StrategyError
from trading_assets.signals.registry import feature_names, require_known, strategies

OWNER = "research"


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage.

    Raises
    ------
    StrategyError
        A strategy reads a model or a feature that the desk does not have.
    """
    known, matrix = desk.part(strategies), desk.part(desk_matrix)
    require_known(known, models=desk.part(models), features=feature_names(desk))

    @dg.asset(
        **table_asset(SCORES, owner=OWNER, kinds={"polars"}),
        partitions_def=desk.part(desk_partitions).by_month("strategy", known),
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=_dependencies(known, matrix),
    )
    def scores(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        scope = run_scope_of(context, SCORES)
        days = closed_sessions_of(desk, scope)
        written, failed = dict[str, WriteResult](), list[Exception]()
        for name in scope.values["strategy"]:
            try:
                written[name] = _written(desk, known[name], _of_strategy(scope, name), days, context.run.run_id)
            except Exception as error:  # noqa: BLE001 - the other strategies are scored all the same
                failed.append(_named(error, name, days))
        if failed:
            _record(context, scope, written)
            with retry_when_not_ready(desk.settings.retry_seconds):
                raise _together(failed)
        return Written(together(list(written.values())))

    return [scores]


def _dependencies(known: Mapping[str, Strategy], matrix: Matrix) -> list[dg.AssetDep]:
    """What the strategies read: of predictions the month itself where no strategy looks back at them."""
    reads = [(table, one) for one in known.values() for part in one.inputs.values() for table in part.tables(matrix)]
    wide = {table.table for table, one in reads if table is not DAILY or one.lookback}
    mapping = {table.table: mappings.everything_so_far() for table, _ in reads}
    mapping |= {DAILY.table: mappings.same_month()} if DAILY.table in set(mapping) - wide else {}
    found = [dg.AssetDep(table.asset_key) for table in (SYMBOLS, MEMBERSHIP)]
    return found + [dg.AssetDep(table.split("."), partition_mapping=one) for table, one in mapping.items()]


def _of_strategy(scope: Scope, name: str) -> Scope:
    keys = tuple(key for key in scope.partition_keys if key.partition("|")[2] == name)
    return replaced(scope, values={"strategy": (name,)}, partition_keys=keys)


def _written(desk: Desk, one: Strategy, scope: Scope, days: Sequence[date], author: str) -> WriteResult:
    """Replace the rows of a strategy's scope with its scores of the sessions that have closed."""
    from trading_assets.signals.reading import require_inputs, stored_scores

    frame = SCORES.empty()
    if days:
        require_inputs(desk, one, days[0], days[-1])
        frame = stored_scores(desk, one, days[0], days[-1])
    through = through_by_month(days, "strategy", one.name)
    return replace(desk.lake, SCORES, frame, scope, author=author, message=f"scores of {one.name}", through=through)


def _record(context: dg.AssetExecutionContext, scope: Scope, written: Mapping[str, WriteResult]) -> None:
    """Report to Dagster which partitions a failing step has written."""
    for name, result in written.items():
        for key in _of_strategy(scope, name).partition_keys:
            made = dg.AssetMaterialization(SCORES.asset_key, partition=key, metadata=write_metadata(result))
            context.log_event(made)


def _named(error: Exception, name: str, days: Sequence[date]) -> Exception:
    """The error, with the strategy and the sessions in its message."""
    if isinstance(error, StrategyError | RetryableError):
        return error
    span = f"{days[0]} to {days[-1]}" if days else "no session"
    named = StrategyError(f"strategy {name!r} cannot be scored ({span}): {type(error).__name__}: {error}")
    named.__cause__ = error
    return named


def _together(failed: Sequence[Exception]) -> Exception:
    """One error for all of them; it is retryable only if every one of them is."""
    if len(failed) == 1:
        return failed[0]
    if all(isinstance(error, RetryableError) for error in failed):
        return UpstreamNotReadyError("; ".join(map(str, failed)))
    return ExceptionGroup(f"{len(failed)} strategies failed", failed)
