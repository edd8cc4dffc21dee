"""How a run over a year's sessions starts when it reads the panel: mapped to all partitions, or session by session."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import dagster as dg

from benchmarks.measure import Comparison, Timing, repeat, scratch_settings
from trading_assets.desk import mappings
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.orchestration.instance import open_instance

_N_SYMBOLS = 505
_FIRST, _LAST = date(2016, 1, 1), date(2016, 12, 29)


class _Nowhere(dg.IOManager):
    """Keeps nothing and loads nothing, like a lazy read."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Forget the rows."""

    def load_input(self, context: dg.InputContext) -> int:
        """Give nothing worth reading."""
        del context
        return 0


def _run(folder: Path, *, mapping: Callable[[], dg.PartitionMapping]) -> Timing:
    years = dg.TimeWindowPartitionsDefinition(start="2014", end="2017", fmt="%Y", cron_schedule="0 0 1 1 *")
    symbols = dg.StaticPartitionsDefinition([f"S{number:04d}" for number in range(_N_SYMBOLS)])
    weekdays = dg.TimeWindowPartitionsDefinition(
        start="2014-01-01", end="2017-01-01", fmt="%Y-%m-%d", cron_schedule="0 0 * * 1-5"
    )
    panel = dg.MultiPartitionsDefinition({"date": years, "symbol": symbols})
    sessions = dg.MultiPartitionsDefinition({"date": weekdays, "book": dg.StaticPartitionsDefinition(["main"])})

    @dg.asset(partitions_def=panel)
    def bars() -> int:
        return 0

    @dg.asset(
        partitions_def=sessions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"bars": dg.AssetIn(partition_mapping=mapping())},
    )
    def book(bars: object) -> None:
        del bars

    trade = dg.define_asset_job("trade", selection=[book])
    defs = dg.Definitions(assets=[bars, book], jobs=[trade], resources={"io_manager": _Nowhere()})
    job = defs.resolve_job_def("trade")
    tags = range_tags(f"main|{_FIRST}", f"main|{_LAST}")
    with scratch_settings(folder) as settings, open_instance(settings) as instance:
        return repeat(lambda: job.execute_in_process(instance=instance, tags=tags), 1, rows=_N_SYMBOLS)


COMPARISONS = (
    Comparison(
        "mappings",
        partial(_run, mapping=mappings.everything_so_far),
        "every session mapped to its year of each name",
        partial(_run, mapping=mappings.same_month),
    ),
)
