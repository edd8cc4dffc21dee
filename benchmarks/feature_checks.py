"""Cost of the blocking checks in a run that makes every daily feature of 505 real names over five years."""

from pathlib import Path

from benchmarks.desk import DATA, opened, require
from benchmarks.measure import Comparison, Timing

_PRICES = DATA / "us_daily_2013_2018.parquet"
_BARS = ("market_data.bars_daily", "market_data.corporate_actions")


def share(folder: Path) -> Timing:
    """Seconds of the run; its parts: making the features, checking them, and the checks' share of both."""
    from trading_assets.features.catalogue import SHIPPED

    with opened(folder, require(_PRICES)) as desk:
        desk.symbols()
        first, last = desk.settings.start, desk.settings.last_day
        assert last is not None
        desk.run("refresh_panel", first, last, _BARS)
        report = desk.run("refresh_panel", first, last, [one.table() for one in SHIPPED if "daily" in one.intervals])
        steps = desk.instance.get_run_step_stats(report.run_id)
    seconds = {step.step_key: (step.end_time or 0.0) - (step.start_time or 0.0) for step in steps}
    checks = sum(spent for name, spent in seconds.items() if name.startswith("check_"))
    made = sum(seconds.values()) - checks
    parts = {"features": made, "checks": checks, "share_of_checks": checks / (made + checks)}
    return Timing([report.seconds], parts=parts)


COMPARISONS = (Comparison("feature_checks", share),)
