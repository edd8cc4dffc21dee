"""The whole desk on real prices: 505 names over five years, from an empty lake to the tear sheet."""

from pathlib import Path

from benchmarks.measure import Comparison, SkippedError, Timing, scratch_settings

_PRICES = Path(__file__).resolve().parents[2] / "shared" / "data" / "us_daily_2013_2018.parquet"


def whole_graph(folder: Path) -> Timing:
    """Every stage in turn; the parts are seconds per stage, and of all stages the share that is orchestration."""
    from trading_assets.cli import full_run as demo

    if not _PRICES.exists():
        msg = f"real market data is not there: {_PRICES}"
        raise SkippedError(msg)
    with scratch_settings(folder) as settings:
        configured = demo.configure(settings, {"kind": "files", "path": str(_PRICES)})
        reports = list(demo.run(configured))
        rows = demo.summarise(configured).rows
    total = sum(report.seconds for report in reports)
    orchestration = sum(report.orchestration_seconds for report in reports)
    parts = {report.job: report.seconds for report in reports} | {"orchestration_share": orchestration / total}
    return Timing([total], sum(rows.values()), parts)


COMPARISONS = (Comparison("graph", whole_graph),)
