"""Assets of models: walk-forward by month, tracked and registered in MLflow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.features.matrix.matrix import Matrix
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_out
from trading_assets.lake.contracts import Contract
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.market_data.listing import listed_partitions
from trading_assets.models.contract import FEATURE_IMPORTANCE, FEATURE_SELECTION, PROMOTIONS, TRAINED
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.specs import features_of, resolved_models

OWNER = "research"
# Less than any exchange's year, so that the years that are read hold a whole window.
_SESSIONS_OF_A_YEAR = 230


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage, whose models learn from the desk's matrix of features.

    The selection of features is an asset if a model selects features, and promotions are one if a model has a gate.
    """
    partitions, matrix, specs = desk.part(desk_partitions), desk.part(desk_matrix), desk.part(resolved_models)
    if not any(spec.selection for spec in specs.values()):
        return [_walk_forward(partitions, matrix, specs)]
    return [_feature_selection(partitions, matrix, specs), _walk_forward(partitions, matrix, specs)]


@dataclass(frozen=True)
class _Panel:
    """What the months of a run learn from: features and labels, the months' ends, the snapshot they are of."""

    features: pl.DataFrame
    labels: pl.DataFrame
    cuts: list[date]
    snapshot: int


def _read_panel(desk: Desk, specs: Mapping[str, ModelSpec], scope: Scope, contract: Contract) -> _Panel:
    """What the months of a scope learn from, for any of some models."""
    partitions, matrix, columns = desk.part(desk_partitions), desk.part(desk_matrix), features_of(specs.values())
    first, last = scope.window()
    years_before = -(-max(map(_sessions_read, specs.values())) // _SESSIONS_OF_A_YEAR)
    start = max(date(first.year - years_before, 1, 1), desk.settings.start)
    what = f"{contract.table} ({scope.describe()})"
    labels, listing = LakeFrame(desk.lake, FORWARD_RETURN), LakeFrame(desk.lake, SYMBOLS).read()
    years = partitions.existing_years(start.year, last.year)
    with retry_when_not_ready(desk.settings.retry_seconds):
        matrix.require_written(desk.lake, columns, listing, years, for_what=what)
        needed = listed_partitions(listing, listing["symbol"], range(start.year, last.year + 1))
        labels.require_written(needed, for_what=what)
    tables = [table.table for table in matrix.tables_with(columns)]
    return _Panel(
        features=matrix.read(desk.lake, columns, start, last),
        labels=labels.read(start=start, end=last),
        cuts=month_ends(sessions(desk.settings.exchange, first, last)),
        snapshot=desk.lake.table_snapshot(*tables, FORWARD_RETURN.table),
    )


def _sessions_read(spec: ModelSpec) -> int:
    """Sessions before a month's end that its model depends on."""
    return spec.max_sessions + spec.embargo_sessions + spec.make_learner().lookback


def _upstream(matrix: Matrix, columns: tuple[str, ...]) -> list[dg.AssetDep]:
    tables = (*matrix.tables_with(columns), FORWARD_RETURN)
    parts = [dg.AssetDep(table.asset_key, partition_mapping=mappings.everything_so_far()) for table in tables]
    return [dg.AssetDep(SYMBOLS.asset_key), *parts]


def _feature_selection(partitions: Partitions, matrix: Matrix, specs: Mapping[str, ModelSpec]) -> dg.AssetsDefinition:
    selecting = {name: spec for name, spec in specs.items() if spec.selection}
    columns = features_of(selecting.values())

    @dg.asset(
        **table_asset(FEATURE_SELECTION, owner=OWNER, kinds={*_learners(selecting), "scipy"}),
        deps=_upstream(matrix, columns),
        partitions_def=partitions.by_ended_month("model", specs),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def feature_selection(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        from trading_assets.models.selection import select_by_month

        scope = run_scope_of(context, FEATURE_SELECTION)
        wanted = [name for name in scope.values["model"] if name in selecting]
        found = [FEATURE_SELECTION.empty()]
        if wanted:
            panel = _read_panel(desk, selecting, scope, FEATURE_SELECTION)
            workers = desk.settings.training_workers
            for name in wanted:
                rows, too_early = select_by_month(
                    selecting[name], panel.features, panel.labels, panel.cuts, workers=workers
                )
                found.append(rows)
                for error in too_early:
                    context.log.info(f"not selected: {error}")
        return pl.concat(found)

    return cast("dg.AssetsDefinition", feature_selection)


def _walk_forward(partitions: Partitions, matrix: Matrix, specs: Mapping[str, ModelSpec]) -> dg.AssetsDefinition:
    columns, learners = features_of(specs.values()), _learners(specs)
    selects, gates = (any(getattr(spec, name) for spec in specs.values()) for name in ("selection", "gate"))

    @dg.multi_asset(
        outs={
            "trained": table_out(TRAINED, owner=OWNER, kinds={*learners, "mlflow"}),
            "feature_importance": table_out(FEATURE_IMPORTANCE, owner=OWNER, kinds=learners),
            **({"promotions": table_out(PROMOTIONS, owner=OWNER, kinds=learners)} if gates else {}),
        },
        deps=[*_upstream(matrix, columns), *([dg.AssetDep(FEATURE_SELECTION.asset_key)] if selects else [])],
        partitions_def=partitions.by_ended_month("model", specs),
        backfill_policy=dg.BackfillPolicy.single_run(),
        name="walk_forward",
    )
    def trained(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Iterator[dg.Output[pl.DataFrame]]:
        from trading_assets.models.month import MonthlyTrainer

        scope = run_scope_of(context, TRAINED)
        panel = _read_panel(desk, specs, scope, TRAINED)
        trainer = MonthlyTrainer(desk, panel.features, panel.labels, panel.snapshot)
        for name in scope.values["model"]:
            spec = specs[name]
            if spec.gate:
                _require_judged(desk, partitions, scope, spec)
            selected = _selected(desk, scope, spec, panel.cuts) if spec.selection else None
            for line in trainer.train(spec, panel.cuts, workers=desk.settings.training_workers, selected=selected):
                context.log.info(line)
        yield dg.Output(trainer.trained(), "trained")
        yield dg.Output(trainer.importance(), "feature_importance")
        if gates:
            yield dg.Output(trainer.promotions(), "promotions")

    return trained


def _learners(specs: Mapping[str, ModelSpec]) -> set[str]:
    return {spec.learner for spec in specs.values()}


def _require_judged(desk: Desk, partitions: Partitions, scope: Scope, spec: ModelSpec) -> None:
    """A month is judged against the version that is in use after the month before."""
    before = f"{scope.window()[0] - timedelta(days=1):%Y-%m}"
    if before in partitions.ended_months.get_partition_keys():
        with retry_when_not_ready(desk.settings.retry_seconds):
            LakeFrame(desk.lake, PROMOTIONS).require_written(
                [f"{before}|{spec.name}"], for_what=f"{TRAINED.table} ({scope.describe()})"
            )


def _selected(desk: Desk, scope: Scope, spec: ModelSpec, cuts: list[date]) -> Mapping[date, tuple[str, ...]]:
    """Features that each month of a model learns from; a month with too little history has none."""
    from trading_assets.models.selection import selected_features

    table = LakeFrame(desk.lake, FEATURE_SELECTION)
    with retry_when_not_ready(desk.settings.retry_seconds):
        months = [f"{cut:%Y-%m}|{spec.name}" for cut in cuts]
        table.require_written(months, for_what=f"{TRAINED.table} ({scope.describe()})")
    first, last = scope.window()
    return selected_features(table.read(start=first, end=last, model=spec.name), spec.features)


def month_ends(days: list[date]) -> list[date]:
    """Last session of each month."""
    return [day for day, following in zip(days, [*days[1:], None], strict=True) if _ends_month(day, following)]


def _ends_month(day: date, following: date | None) -> bool:
    return following is None or (day.year, day.month) != (following.year, following.month)
