"""Assets of predictions."""

from datetime import date, timedelta

import dagster as dg

from trading_assets.desk import mappings
from trading_assets.desk.desk import Desk
from trading_assets.desk.failures import Failures
from trading_assets.desk.partitions import Partitions, closed_sessions_of, desk_partitions
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.io_manager import Rows, TableOutput
from trading_assets.lake.bridge.portions import PortionWriter
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.models.contract import TRAINED
from trading_assets.models.specs import features_of, resolved_models
from trading_assets.predictions.contract import DAILY
from trading_assets.predictions.versions import month_before

OWNER = "research"


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage, whose models read the desk's matrix of features."""
    partitions, matrix = desk.part(desk_partitions), desk.part(desk_matrix)
    specs = desk.part(resolved_models)
    columns = features_of(specs.values())

    @dg.asset(
        **table_asset(DAILY, owner=OWNER, kinds={spec.learner for spec in specs.values()}),
        deps=[
            dg.AssetDep(table.asset_key, partition_mapping=mappings.everything_so_far())
            for table in matrix.tables_with(columns)
        ],
        partitions_def=partitions.by_month("model", specs),
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={
            "symbols": table_in(SYMBOLS),
            "trained": table_in(TRAINED, mappings.previous_month_of_the_model()),
        },
    )
    def daily(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        symbols: LakeFrame,
        trained: LakeFrame,
    ) -> TableOutput:
        from trading_assets.predictions.predict import predict
        from trading_assets.predictions.versions import load_versions, sessions_read

        scope = run_scope_of(context, DAILY)
        days = closed_sessions_of(desk, scope)
        if not days:
            return Rows(DAILY.empty())
        first, last = days[0], days[-1]
        months = [month for month in months_before(first, last) if month in _month_keys(partitions)]
        writer, failures = PortionWriter(context, desk.lake, DAILY, scope, "model", through=last), Failures("model")
        for model in scope.values["model"]:
            with failures.of(model):
                trained.require_written([f"{month}|{model}" for month in months], for_what=DAILY.table)
                versions, said = load_versions(desk, model, first, last)
                for line in said:
                    context.log.info(line)
                calendar = sessions_read(desk, first, last, versions)
                wanted = features_of([specs[model]])
                years, what = range(calendar[0].year, last.year + 1), f"{DAILY.table} ({scope.describe()})"
                matrix.require_written(desk.lake, wanted, symbols.read(), years, for_what=what)
                rows = matrix.read(desk.lake, wanted, calendar[0], last)
                writer.add(model, predict(rows, versions, model=model, start=first, calendar=calendar))
        writer.flush()
        failures.raise_them(desk.settings.retry_seconds)
        return writer.written()

    return [daily]


def months_before(first: date, last: date) -> list[str]:
    """Months whose models score the sessions from ``first`` to ``last``: for each session, the month before."""
    months, month = [], month_before(first)
    while month <= month_before(last):
        months.append(f"{month:%Y-%m}")
        month = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return months


def _month_keys(partitions: Partitions) -> set[str]:
    return set(partitions.ended_months.get_partition_keys())
