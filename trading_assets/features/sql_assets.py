"""Assets of features in SQL: models of the dbt project ``dbt_features``, run through dagster-dbt."""

import json
import sys
from pathlib import Path

import dagster as dg

from trading_assets.features.contract import CROSS_SECTION, DAILY
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.assets import run_scope_of, table_asset, table_in
from trading_assets.lake.io_manager import write_metadata
from trading_assets.lake.writes import replace
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.market_data.listing import listed_partitions
from trading_assets.orchestration import mappings
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.orchestration.retries import retry_when_not_ready

OWNER = "research"
PROJECT = Path(__file__).resolve().parents[2] / "dbt_features"


def build_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage that are written in SQL."""
    upstream = [DAILY[name] for name in ("technical", "price_action", "volatility")]

    @dg.asset(
        **table_asset(CROSS_SECTION, owner=OWNER, kinds={"dbt", "duckdb"}),
        partitions_def=partitions.years,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"symbols": table_in(SYMBOLS)},
        deps=[dg.AssetDep(of.asset_key, partition_mapping=mappings.all_symbols_of_the_year()) for of in upstream],
    )
    def cross_section(
        context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], symbols: LakeFrame
    ) -> dg.MaterializeResult[None]:
        scope = run_scope_of(context, CROSS_SECTION)
        first, last = scope.window()
        listing = symbols.read()
        with retry_when_not_ready(desk.settings.retry_seconds):
            needed = listed_partitions(listing, listing["symbol"], range(first.year, last.year + 1))
            for of in upstream:
                LakeFrame(desk.lake, of).require_written(needed, for_what=f"{CROSS_SECTION.table} ({scope.describe()})")
        desk.lake.ensure_table(CROSS_SECTION)
        run_model("cross_section", scope, target_path=target_path(desk, context.run.run_id))
        # dbt wrote the rows; the one writer path takes them over: contract, registry of partitions, content hash.
        rows = LakeFrame(desk.lake, CROSS_SECTION).read(start=first, end=last)
        result = replace(desk.lake, CROSS_SECTION, rows, scope, author=context.run.run_id, message="adopted from dbt")
        return dg.MaterializeResult(metadata=write_metadata(CROSS_SECTION, result))

    return [cross_section]


def target_path(desk: Desk, run_id: str) -> Path:
    """Folder of a run's dbt artifacts, the compiled SQL among them."""
    return desk.settings.home / "dbt" / run_id


def compiled_sql(desk: Desk, run_id: str, model: str) -> str:
    """SQL that dbt ran for a model in a run."""
    return next(target_path(desk, run_id).glob(f"compiled/**/{model}.sql")).read_text()


def run_model(model: str, scope: Scope, *, target_path: Path) -> None:
    """Run one model of the project for the window of a scope; dbt prints errors only.

    Raises
    ------
    DagsterDbtCliRuntimeError
        dbt failed; the message holds its own.
    """
    from dagster_dbt import DbtCliResource

    first, last = scope.window()
    executable = Path(sys.executable).with_name("dbt")
    dbt = DbtCliResource(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=str(executable))
    variables = json.dumps({"start": str(first), "end": str(last)})
    target_path.mkdir(parents=True, exist_ok=True)
    dbt.cli(["run", "--quiet", "--select", model, "--vars", variables], target_path=target_path).wait()
