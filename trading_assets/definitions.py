"""The one place that assembles Dagster objects: the web UI, the CLI and tests all load what `build_defs` returns."""

import gc
import logging

import dagster as dg

from trading_assets.desk.checks import asset_checks
from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.desk.settings import Settings, load_settings
from trading_assets.lake.bridge.io_manager import LakeIOManager
from trading_assets.lake.bridge.table_assets import IO_MANAGER_KEY
from trading_assets.live.sensors import build_live_sensors
from trading_assets.orchestration import stages
from trading_assets.orchestration.instance import ignore_expected_warnings
from trading_assets.orchestration.jobs import build_jobs
from trading_assets.orchestration.schedules import build_schedules
from trading_assets.orchestration.sensors import build_sensors

_LOG = logging.getLogger("trading_assets")


def build_defs(settings: Settings | None = None, *, desk: Desk | None = None) -> dg.Definitions:
    """Assemble the desk.

    Parameters
    ----------
    settings : Settings, optional
        Settings of the lake; read from its folder if None.
    desk : Desk, optional
        A desk with its own lake or source, for tests.
    """
    ignore_expected_warnings()
    desk = desk or Desk(settings or load_settings())
    contracts, checks = desk.part(stages.contracts), stages.checks(desk)
    assets, jobs = desk.part(stages.assets), build_jobs(desk)
    for fault in desk.part(own_work).faults:
        _LOG.warning("left out: %s", fault)
    return dg.Definitions(
        assets=assets,
        asset_checks=[
            asset_checks(asset, contracts, checks) for asset in assets if isinstance(asset, dg.AssetsDefinition)
        ],
        jobs=list(jobs.values()),
        schedules=build_schedules(desk, jobs),
        sensors=[*build_sensors(desk, jobs), *build_live_sensors(desk, jobs)],
        resources={
            "desk": desk,
            IO_MANAGER_KEY: dg.IOManagerDefinition(
                lambda context: LakeIOManager(context.resources.desk.lake, contracts), required_resource_keys={"desk"}
            ),
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Assemble what the web UI, the daemon and ``dg`` load; a function, so that importing this touches no lake."""
    found = build_defs()
    gc.freeze()  # a process loads this once; see `trading_assets.orchestration.refresh.few_collections`
    return found
