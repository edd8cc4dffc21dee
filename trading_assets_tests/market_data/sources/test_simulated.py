"""Laws of the simulation: what a name's bars may depend on, and what they look like."""

from dataclasses import replace
from datetime import date, timedelta
from time import perf_counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.desk import calendar
from trading_assets.market_data.sources import (
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    INTRADAY_BARS_SCHEMA,
    SYMBOLS_SCHEMA,
    SimulatedSource,
    SimulationParameters,
    Source,
    SourceConfigError,
    UnknownSymbolError,
    UnsupportedIntervalError,
)

SPAN = (date(2018, 1, 2), date(2020, 12, 31))
BUSY = SimulationParameters(
    seed=7,
    n_symbols=40,
    start=SPAN[0],
    end=SPAN[1],
    split_rate=0.8,
    dividend_rate=0.9,
    gap_rate=0.02,
    listing_rate=0.3,
    delisting_rate=0.3,
)
SOURCE = SimulatedSource(BUSY)
NAMES = SOURCE.symbols()["symbol"].to_list()
BARS, ACTIONS = SOURCE.bars(NAMES, *SPAN), SOURCE.corporate_actions(NAMES, *SPAN)
LAWS = settings(deadline=None, max_examples=20)
days = st.dates(SPAN[0], SPAN[1])


def changed(**settings_):
    return SimulatedSource(replace(BUSY, **settings_))


def test_simulation_is_a_source_with_the_shared_schemas():
    assert isinstance(SOURCE, Source)
    assert SOURCE.symbols().schema == SYMBOLS_SCHEMA
    assert SOURCE.bars(NAMES, *SPAN).schema == DAILY_BARS_SCHEMA
    assert SOURCE.bars(NAMES[:1], SPAN[0], date(2018, 1, 9), "1m").schema == INTRADAY_BARS_SCHEMA
    assert SOURCE.corporate_actions(NAMES, *SPAN).schema == CORPORATE_ACTIONS_SCHEMA
    assert SOURCE.bars([], *SPAN).is_empty()


@LAWS
@given(st.sets(st.sampled_from(NAMES), min_size=1, max_size=5), days, st.integers(0, 300))
def test_answer_does_not_depend_on_the_window_or_the_other_names(names, start, length):
    end = start + timedelta(days=length)
    asked = SOURCE.bars(sorted(names), start, end)
    assert_frame_equal(asked, BARS.filter(pl.col("symbol").is_in(list(names)), pl.col("date").is_between(start, end)))
    actions = SOURCE.corporate_actions(sorted(names), start, end)
    assert_frame_equal(
        actions,
        ACTIONS.filter(pl.col("symbol").is_in(list(names)), pl.col("ex_date").is_between(start, end)),
    )


@LAWS
@given(st.integers(1, 60), st.sampled_from(NAMES[:10]))
def test_name_does_not_depend_on_how_many_names_there_are(n_symbols, name):
    n_symbols = max(n_symbols, int(name.removeprefix("SIM")))
    assert_frame_equal(changed(n_symbols=n_symbols).bars([name], *SPAN), SOURCE.bars([name], *SPAN), check_exact=True)


@LAWS
@given(st.dates(date(2018, 3, 1), SPAN[1]))
def test_longer_simulation_changes_no_earlier_bar_or_action(end):
    shorter = changed(end=end, n_symbols=10)
    names = shorter.symbols()["symbol"].to_list()
    earlier = pl.col("symbol").is_in(names)
    assert_frame_equal(shorter.bars(names, *SPAN), BARS.filter(earlier, pl.col("date") <= end), check_exact=True)
    assert_frame_equal(
        shorter.corporate_actions(names, *SPAN), ACTIONS.filter(earlier, pl.col("ex_date") <= end), check_exact=True
    )


@LAWS
@given(st.integers(0, 2**40))
def test_same_seed_same_bars_and_another_seed_others(seed):
    quiet = {"listing_rate": 0.0, "gap_rate": 0.0, "delisting_rate": 0.0}
    first = changed(seed=seed, **quiet).bars(["SIM0001"], *SPAN)
    assert_frame_equal(first, changed(seed=seed, **quiet).bars(["SIM0001"], *SPAN), check_exact=True)
    assert not first.equals(changed(seed=seed + 1, **quiet).bars(["SIM0001"], *SPAN))


@LAWS
@given(st.sampled_from(NAMES), days)
def test_minutes_add_up_to_the_daily_bar(name, start):
    end = start + timedelta(days=10)
    minutes = SOURCE.bars([name], start, end, "1m")
    added = minutes.group_by("symbol", "date", maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )
    daily = SOURCE.bars([name], start, end)
    assert_frame_equal(added, daily.select(added.columns), check_exact=True)
    assert valid(minutes)
    held = calendar.session_minutes("XNYS", *SPAN).filter(pl.col("date").is_in(daily["date"].to_list()))
    assert_frame_equal(minutes.select("date", "ts"), held)


def valid(bars):
    body = bars.select(top=pl.max_horizontal("open", "close"), bottom=pl.min_horizontal("open", "close"))
    return (
        (bars["high"] >= body["top"]).all()
        and (bars["low"] <= body["bottom"]).all()
        and (bars["low"] > 0).all()
        and (bars["volume"] >= 0).all()
        and bars.drop("feed", "raw").null_count().sum_horizontal()[0] == 0
    )


def test_half_day_has_210_minutes():
    source = SimulatedSource(
        SimulationParameters(start=date(2019, 11, 1), end=date(2019, 12, 31), listing_rate=0, gap_rate=0)
    )
    counts = source.bars(["SIM0001"], date(2019, 11, 27), date(2019, 12, 2), "1m").group_by("date").len()
    assert dict(counts.iter_rows()) == {date(2019, 11, 27): 390, date(2019, 11, 29): 210, date(2019, 12, 2): 390}


def test_bars_are_valid_sessions_in_order_and_unique():
    bars = BARS
    assert valid(bars)
    assert set(bars["date"]) <= set(calendar.sessions("XNYS", *SPAN))
    assert not bars.select("symbol", "date").is_duplicated().any()
    assert_frame_equal(bars, bars.sort("symbol", "date"))


def test_gaps_listings_and_delistings_happen_and_symbols_tell_of_them():
    symbols, bars = SOURCE.symbols(), BARS
    sessions = len(calendar.sessions("XNYS", *SPAN))
    assert symbols.filter(pl.col("first_session") > SPAN[0]).height >= 3
    assert symbols["delisted_on"].count() >= 10
    spans = bars.group_by("symbol").agg(
        first_session=pl.col("date").min(), last_session=pl.col("date").max(), rows=pl.len()
    )
    assert_frame_equal(
        spans.select("symbol", "first_session", "last_session").sort("symbol"),
        symbols.select("symbol", "first_session", "last_session"),
    )
    assert (symbols["delisted_on"] > symbols["last_session"]).drop_nulls().all()
    whole = symbols.filter(pl.col("first_session") == SPAN[0], pl.col("delisted_on").is_null())["symbol"].to_list()
    gaps = 1 - spans.filter(pl.col("symbol").is_in(whole))["rows"].mean() / sessions
    assert 0.01 < gaps < 0.03


def test_rates_of_zero_give_every_session_of_every_name_and_no_action():
    source = changed(split_rate=0, dividend_rate=0, gap_rate=0, listing_rate=0, delisting_rate=0)
    names = source.symbols()["symbol"].to_list()
    assert len(names) == 40
    assert source.bars(names, *SPAN).height == 40 * len(calendar.sessions("XNYS", *SPAN))
    assert source.corporate_actions(names, *SPAN).is_empty()


def with_previous_close(source):
    names = source.symbols()["symbol"].to_list()
    bars = source.bars(names, *SPAN).with_columns(previous=pl.col("close").shift(1).over("symbol"))
    return source.corporate_actions(names, *SPAN).join(bars, left_on=["symbol", "ex_date"], right_on=["symbol", "date"])


def test_raw_price_falls_by_the_ratio_of_a_split_and_volume_rises():
    splits = with_previous_close(changed(gap_rate=0)).filter(kind="split")
    assert splits.height > 30
    surprise = (splits["open"] * splits["value"] / splits["previous"]).log()
    assert surprise.abs().max() < 0.06
    assert abs(surprise.mean()) < 0.005


def test_raw_price_falls_by_the_cash_on_the_ex_date_of_a_dividend():
    dividends = with_previous_close(changed(gap_rate=0)).filter(kind="dividend")
    assert dividends.height > 200
    yields = dividends["value"] / dividends["previous"]
    with_cash = ((dividends["open"] + dividends["value"]) / dividends["previous"] - 1).mean()
    without = (dividends["open"] / dividends["previous"] - 1).mean()
    assert yields.min() > 0.001
    assert abs(with_cash) < 0.0015 < abs(without)


def test_action_is_known_at_the_close_before_its_ex_date():
    for row in SOURCE.corporate_actions(NAMES[:5], *SPAN).iter_rows(named=True):
        assert row["known_at"] == calendar.session_close("XNYS", calendar.previous_session("XNYS", row["ex_date"]))


def test_names_move_together_but_not_as_one():
    source = changed(split_rate=0, dividend_rate=0, gap_rate=0, listing_rate=0, delisting_rate=0)
    bars = source.bars(source.symbols()["symbol"].to_list(), *SPAN)
    returns = bars.pivot("symbol", index="date", values="close").drop("date").to_numpy()
    correlation = np.corrcoef(np.diff(np.log(returns), axis=0).T)
    assert 0.15 < np.median(correlation[np.triu_indices(40, 1)]) < 0.6


@pytest.mark.parametrize(("strength", "lowest", "highest"), [(0.0, -0.02, 0.02), (0.3, 0.12, 0.35)])
def test_signal_strength_is_what_volume_says_about_the_next_session(strength, lowest, highest):
    source = changed(signal_strength=strength, split_rate=0, listing_rate=0, delisting_rate=0, gap_rate=0)
    volume = pl.col("volume").log()
    panel = (
        source.bars(source.symbols()["symbol"].to_list(), *SPAN)
        .with_columns(
            feature=(volume - volume.rolling_mean(60)).over("symbol"),
            following=(pl.col("close") / pl.col("open")).log().shift(-1).over("symbol"),
        )
        .drop_nulls(["feature", "following"])
    )
    daily = panel.group_by("date").agg(ic=pl.corr("feature", "following", method="spearman"))
    assert lowest < daily["ic"].mean() < highest


def test_ten_thousandth_name_exists_and_unlisted_or_foreign_names_do_not():
    assert (
        SimulatedSource(SimulationParameters(n_symbols=10_000, listing_rate=0, delisting_rate=0))
        .bars(["SIM10000"], *SPAN)
        .height
    )
    late = changed(listing_rate=1.0, end=date(2018, 1, 5), n_symbols=5)
    listed = late.symbols()["symbol"].to_list()
    assert len(listed) < 5
    for name in {"SIM0001", "SIM0002", "SIM0003", "SIM0004", "SIM0005"} - set(listed):
        with pytest.raises(UnknownSymbolError, match=name):
            late.bars([name], *SPAN)
    with pytest.raises(UnknownSymbolError, match=r"'AAPL'.*40 symbols"):
        SOURCE.bars(["AAPL"], *SPAN)
    with pytest.raises(UnsupportedIntervalError, match="1h"):
        SOURCE.bars(NAMES, *SPAN, "1h")


@pytest.mark.parametrize(
    "setting",
    [
        {"split_rate": -0.1},
        {"gap_rate": 1.5},
        {"signal_strength": 1.0},
        {"seed": -1},
        {"n_symbols": 0},
        {"end": date(2000, 1, 1)},
        {"delisting_rate": float("nan")},
    ],
)
def test_senseless_parameter_is_refused_by_name(setting):
    with pytest.raises(SourceConfigError, match=f"source.simulated.{next(iter(setting))}"):
        SimulationParameters(**setting)


def test_hundred_names_over_ten_years_take_under_three_seconds():
    source = SimulatedSource(SimulationParameters(seed=11, listing_rate=0, delisting_rate=0, gap_rate=0))
    names = [f"SIM{number:04d}" for number in range(1, 101)]
    started = perf_counter()
    bars = source.bars(names, date(2015, 1, 2), date(2024, 12, 31))
    assert perf_counter() - started < 3.0
    assert bars.height == 100 * len(calendar.sessions("XNYS", date(2015, 1, 2), date(2024, 12, 31)))
