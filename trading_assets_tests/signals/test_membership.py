"""Who is scored: the members of the universe on that day, and a list of a later day is called hindsight."""

from datetime import date

import dagster as dg
import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.lake import Scope
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.lake.store.writes import replace
from trading_assets.predictions.contract import DAILY
from trading_assets_tests.desks import multi_range, open_bench

START, END = date(2015, 1, 1), date(2015, 4, 1)
SOURCE = {"kind": "simulated", "seed": 3, "n_symbols": 4, "start": "2015-01-02", "end": "2015-03-31",
          "listing_rate": 0.0, "delisting_rate": 0.0}  # fmt: skip
DAYS = sessions("XNYS", date(2015, 2, 2), date(2015, 3, 31))
LISTED_ON = date(2015, 3, 2)
SCORES = "signals.scores"
THROUGH = {"2015-02|lgbm_daily": date(2015, 2, 28), "2015-03|lgbm_daily": date(2015, 3, 31)}


def tags(first, last):
    return multi_range({"date": first, "strategy": "ml_alpha"}, {"date": last, "strategy": "ml_alpha"})


@pytest.fixture(scope="module")
def bench(postgres, tmp_path_factory):
    """Predictions of four names, of which three are on a list that was made in the middle of the span."""
    folder = tmp_path_factory.mktemp("membership")
    (folder / "list.csv").write_text("symbol\nSIM0001\nSIM0002\nSIM0004\n")
    universe = {"kind": "file", "path": str(folder / "list.csv"), "as_of": LISTED_ON}
    with open_bench(postgres, folder / "lake", SOURCE, START, END, universe=universe) as opened:
        with pytest.raises(UpstreamNotReadyError, match=r"needs market_data.membership, which has no row yet"):
            opened.run("signal", tags("2015-02", "2015-02"), only=[SCORES])
        opened.list_symbols()
        rows = [(model_day, name, value) for model_day in DAYS for value, name in enumerate("1234")]
        frame = pl.DataFrame(rows, schema=["date", "symbol", "prediction"], orient="row").with_columns(
            symbol=pl.format("SIM000{}", "symbol"),
            prediction=pl.col("prediction").cast(pl.Float64),
            model=pl.lit("lgbm_daily"),
            trained_through=pl.lit(date(2015, 1, 30)),
            model_hash=pl.lit("0" * 64),
        )
        scope = Scope({"model": ("lgbm_daily",)}, "date", START, END, tuple(THROUGH))
        replace(opened.desk.lake, DAILY, frame, scope, through=THROUGH)
        yield opened


def survivorship(result):
    found = [one for one in result.get_asset_check_evaluations() if one.check_name == "survivorship"]
    return found[0]


def test_members_alone_are_scored_against_each_other(bench):
    assert bench.run("signal", tags("2015-02", "2015-03"), only=[SCORES]).success
    scored = bench.read(SCORES)
    assert scored["symbol"].unique().sort().to_list() == ["SIM0001", "SIM0002", "SIM0004"]
    assert scored.filter(pl.col("date") == DAYS[0]).sort("symbol")["score"].to_list() == [-1.0, 0.0, 1.0]


def test_a_list_used_for_a_day_before_it_fails_the_check_and_does_not_stop_the_run(bench):
    result = bench.run("signal", tags("2015-02", "2015-03"), only=[SCORES])
    found = survivorship(result)
    assert result.success
    assert (found.passed, found.severity, found.blocking) == (False, dg.AssetCheckSeverity.ERROR, False)
    row = found.metadata["first_violations"].records[0].data
    assert (row["symbol"], row["listed_on"], row["last_date"]) == ("SIM0001", str(LISTED_ON), "2015-02-27")
    assert "results have survivorship bias" in row["remedy"]


def test_from_the_day_of_the_list_on_the_check_passes(bench):
    assert survivorship(bench.run("signal", tags("2015-03", "2015-03"), only=[SCORES])).passed
