"""Adjusted prices against those of two real vendors: what each showed on a day, from what it knew on that day."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.lake import Scope
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.as_of import adjusted_bars
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS
from trading_assets.point_in_time.backward_adjustment import backward_adjust
from trading_assets_tests.market_data.vendors import daily_actions, daily_deliveries, hourly_actions

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("without_coverage")]

TOLERANCE = 1e-6
FIRST, LAST = date(2015, 3, 20), date(2017, 3, 31)
SYMBOL_DAY = ["symbol", "date"]
N_STORED = 150
# Names whose adjusted close was delivered on the evening before the ex-date already, and rows of which that holds.
EARLY = {"CBFV": 6, "DCTH": 1, "EMP": 2, "HCM": 1, "HNSN": 1, "JHX": 1, "MBFIP": 13, "MCX": 1, "NFLX": 1, "OSB": 1,
         "PMV": 8, "RMI": 2, "RTK": 1, "VXDN": 1, "VXUP": 1}  # fmt: skip


@pytest.fixture(scope="module")
def delivered(shared_data):
    return daily_deliveries(shared_data)


@pytest.fixture(scope="module")
def usable(delivered):
    """Rows that are stored: of sessions, with prices; 170 rows of holidays and 12 without a price are not."""
    rows = delivered.filter("is_session", pl.col("close") > 0)
    assert delivered.height - rows.height == 170 + 12 - 1  # one row is both
    return rows


@pytest.fixture(scope="module")
def stored(module_lake, delivered, usable):
    """A lake with a quarter of the names that split, and with others from all of the alphabet."""
    acting = daily_actions(delivered)
    split = acting.filter(pl.col("kind") == "split")["symbol"].unique().sort()
    every = usable["symbol"].unique().sort()
    names = pl.concat([split.gather_every(4), every.gather_every(len(every) // N_STORED)]).unique().to_list()
    bars = usable.filter(pl.col("symbol").is_in(names)).with_columns(
        source=pl.lit("vendor"), feed=pl.lit(None, pl.String), adjustment=pl.lit("none")
    )
    assert replace(module_lake, BARS_DAILY, bars, Scope()).quarantined == 0
    actions = acting.filter(pl.col("symbol").is_in(names))
    assert replace(module_lake, CORPORATE_ACTIONS, actions, Scope()).quarantined == 0
    return module_lake, delivered.filter(pl.col("symbol").is_in(names))


def vendors_close(delivered, day):
    """Close times the product of the ratios, from the row on, that the vendor had shown by a day."""
    known = (pl.col("known_on") <= day) & (pl.col("ex_date") <= day)
    factor = pl.when(known).then("adj_ratio").otherwise(1.0).cum_prod(reverse=True).over("symbol")
    return delivered.filter(pl.col("date") <= day).select(*SYMBOL_DAY, expected=pl.col("close") * factor)


def largest_error(found, expected):
    both = found.join(expected, on=SYMBOL_DAY)
    assert both.height == found.height
    return (both["close"] / both["expected"] - 1).abs().max()


@pytest.mark.parametrize("day", [date(2015, 12, 24), LAST])
def test_all_names_as_of_a_day_have_the_vendors_adjusted_close(delivered, usable, day):
    known = daily_actions(delivered).filter(pl.col("ex_date") <= day, pl.col("known_at").dt.date() <= day)
    found = backward_adjust(usable.filter(pl.col("date") <= day), known, method="total_return")
    assert largest_error(found, vendors_close(delivered, day)) <= TOLERANCE


@settings(deadline=None, max_examples=15)
@given(st.dates(FIRST, LAST))
def test_as_of_any_day_the_lake_gives_the_vendors_adjusted_close(stored, day):
    lake, delivered = stored
    found = adjusted_bars(lake, day, method="total_return")
    if found.is_empty():
        assert day < date(2015, 3, 23)
    else:
        assert largest_error(found, vendors_close(delivered, day)) <= TOLERANCE


def test_what_the_vendor_delivered_adjusted_is_what_was_known_then(delivered, usable):
    late = usable.filter(pl.col("adj_close") != pl.col("close"))
    known = daily_actions(delivered).join(late, on="symbol", how="semi")
    compared = []
    for (seen,), rows in late.group_by("first_seen"):
        bars = usable.join(rows, on="symbol", how="semi").filter(pl.col("date").is_between(rows["date"].min(), seen))
        happened = known.filter(pl.col("ex_date") <= seen, pl.col("known_at").dt.date() <= seen)
        found = backward_adjust(bars, happened, method="total_return").select(*SYMBOL_DAY, found="close")
        compared.append(rows.join(found, on=SYMBOL_DAY))
    both = pl.concat(compared).filter((pl.col("found") / pl.col("adj_close") - 1).abs() > TOLERANCE)
    assert late.height == 1055
    assert (both["first_seen"] < both["ex_date"]).all()
    assert dict(both["symbol"].value_counts().iter_rows()) == EARLY


# --- hourly bars with factor files


def hourly_bars(folder, symbol):
    rows = pl.read_parquet(folder / "us_hour_1998_2021.parquet").filter(pl.col("symbol") == symbol)
    return rows.with_columns(date=pl.col("ts").dt.date()).sort("ts")


def as_actions(steps):
    """A dividend of a factor file is ``(1 - kept) * close`` per old share."""
    split = steps.filter((pl.col("shares") - 1).abs() > 1e-4).with_columns(kind=pl.lit("split"), value="shares")
    paid = steps.filter(pl.col("kept") < 1).with_columns(
        kind=pl.lit("dividend"), value=(1 - pl.col("kept")) * pl.col("close")
    )
    return pl.concat([split, paid]).select("symbol", "ex_date", "kind", "value", "day")


def factors(steps, bars, day):
    """The vendor's factor of each bar, built from the steps up to a day."""
    known = steps.filter(pl.col("ex_date") <= day)
    last, kept, shares = (known[name].to_numpy() for name in ("day", "kept", "shares"))
    after = bars["date"].to_numpy()[:, None] <= last[None, :]
    return np.where(after, kept / shares, 1.0).prod(axis=1)


@pytest.mark.parametrize("day", [date(1999, 6, 1), date(2000, 6, 20), date(2009, 12, 31), date(2021, 3, 31)])
@pytest.mark.parametrize("symbol", ["AAPL", "AIG", "BAC", "IBM", "SPY"])
def test_hourly_bars_have_the_factors_of_the_vendors_file(shared_data, symbol, day):
    steps = hourly_actions(shared_data, symbol)
    # Before it took over the ticker the company of this file was NB, and the bars here are those of the other BAC.
    first = date(1998, 9, 2) if symbol == "BAC" else date(1998, 1, 2)
    bars = hourly_bars(shared_data, symbol).filter(pl.col("date").is_between(first, day))
    actions = as_actions(steps).filter(pl.col("ex_date") <= day)
    found = backward_adjust(bars, actions, method="total_return")
    expected = bars["close"].to_numpy() * factors(steps, bars, day)
    assert np.abs(found["close"].to_numpy() / expected - 1).max() <= TOLERANCE


def test_the_other_bank_behind_the_ticker_is_the_only_disagreement(shared_data):
    steps, bars = hourly_actions(shared_data, "BAC"), hourly_bars(shared_data, "BAC")
    found = backward_adjust(bars, as_actions(steps), method="total_return")
    expected = bars["close"].to_numpy() * factors(steps, bars, LAST.replace(year=2021))
    wrong = bars.filter(pl.Series(np.abs(found["close"].to_numpy() / expected - 1) > TOLERANCE))
    assert (wrong.height, wrong["date"].max()) == (1176, date(1998, 9, 1))


def test_the_four_splits_of_apple_come_out(shared_data):
    actions = as_actions(hourly_actions(shared_data, "AAPL")).filter(pl.col("kind") == "split")
    assert [(day, round(value, 4)) for day, value in actions.select("ex_date", "value").iter_rows()] == [
        (date(2000, 6, 21), 2.0),
        (date(2005, 2, 28), 2.0),
        (date(2014, 6, 9), 7.0),
        (date(2020, 8, 31), 4.0),
    ]
    bars = hourly_bars(shared_data, "AAPL")
    adjusted = backward_adjust(bars, actions)
    assert adjusted["close"][-1] == bars["close"][-1]
    assert adjusted["close"][0] == pytest.approx(bars["close"][0] / 112, rel=1e-5)
    overnight = adjusted.with_columns(fall=pl.col("close") / pl.col("close").shift(1) - 1)
    on_ex_dates = overnight.join(actions, left_on="date", right_on="ex_date", how="semi")
    assert on_ex_dates["fall"].abs().max() < 0.15
