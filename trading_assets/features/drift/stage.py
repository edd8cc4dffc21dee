"""The drift of features: its table, asset, check and job. It comes last: nothing depends on it."""

from datetime import timedelta

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions
from trading_assets.desk.stage import Span, Stage, StageJob
from trading_assets.features.drift.assets import build_assets
from trading_assets.features.drift.checks import CHECKS
from trading_assets.features.drift.contract import DRIFT
from trading_assets.lake.bridge.partition_keys import range_tags

DRIFT_JOB = "report_drift"
# The drift of a month is computed once it is over, and for a few days more in case that run failed.
_COMPUTED_WITHIN = timedelta(days=7)


def tags_of_drift(desk: Desk, span: Span) -> dict[str, str] | None:
    """Ended months of a span; in the first days of a month also the month before, whose features now exist."""
    first = f"{span.first - _COMPUTED_WITHIN:%Y-%m}"
    ended = desk.part(desk_partitions).ended_months.get_partition_keys()
    months = [key for key in ended if first <= key <= f"{span.last:%Y-%m}"]
    return range_tags(months[0], months[-1]) if months else None


STAGE = Stage(
    "features.drift",
    contracts=lambda _: (DRIFT,),
    assets=build_assets,
    checks=lambda _: CHECKS,
    jobs=(StageJob(DRIFT_JOB, lambda _: [DRIFT.table], tags_of_drift),),
)
