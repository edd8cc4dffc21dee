"""One defect in a clean panel: its kind, name and session are told, and nothing else is."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from trading_assets.desk.calendar import sessions
from trading_assets.market_data.checks import ORDER_OF_KINDS
from trading_assets.market_data.contract import ANOMALIES
from trading_assets.market_data.contract.quality import ANOMALY_KINDS
from trading_assets.market_data.quality import QualityRules, anomalies
from trading_assets_tests.market_data.quality.panels import (
    NO_ACTIONS,
    NO_JUMPS,
    NOTHING_QUARANTINED,
    SESSIONS,
    at,
    clean_bars,
    found,
    listed,
    scaled,
)

NAMES = ("AAA", "BBB", "CCC")
CLEAN = clean_bars(NAMES)
DAY = 150
SHORT = QualityRules(window_sessions=20, min_returns=8)


def keys(rows: pl.DataFrame) -> list[tuple[str, date, str]]:
    return rows.select("symbol", "date", "kind").rows()


def test_a_clean_panel_has_no_anomaly() -> None:
    assert found(CLEAN).is_empty()
    assert found(CLEAN).schema == ANOMALIES.empty().schema


def test_a_missing_session_is_a_gap_and_its_neighbours_are_not() -> None:
    rows = found(CLEAN.filter(~at("BBB", SESSIONS[DAY])))
    assert keys(rows) == [("BBB", SESSIONS[DAY], "gap")]
    assert rows["value"].to_list() == [1.0]
    assert "fetch the bars of the symbol again" in rows["message"][0]


def test_a_gap_says_when_the_bar_is_in_quarantine_and_by_which_rule() -> None:
    held = pl.DataFrame({"symbol": ["BBB"], "date": [SESSIONS[DAY]], "rule": ["low: greater_than(0)"]})
    rows = found(CLEAN.filter(~at("BBB", SESSIONS[DAY])), quarantined=held)
    assert keys(rows) == [("BBB", SESSIONS[DAY], "gap")]
    assert "its bar is in quarantine (low: greater_than(0))" in rows["message"][0]


def test_a_long_gap_is_listed_up_to_the_limit_and_left_to_the_coverage_then() -> None:
    rows = found(CLEAN.filter((pl.col("symbol") != "BBB") | ~pl.col("date").is_in(SESSIONS[100:140])))
    assert keys(rows) == [("BBB", day, "gap") for day in SESSIONS[100:110]]
    assert rows["value"].to_list() == [float(number) for number in range(1, 11)]
    assert rows["message"].str.contains("counted in market_data.coverage").to_list() == [False] * 9 + [True]


@pytest.mark.parametrize(
    ("kept", "missing"),
    [(slice(0, -4), SESSIONS[-4:]), (slice(3, None), SESSIONS[:3])],
    ids=["at the end", "from the listing on"],
)
def test_sessions_before_the_first_and_after_the_last_bar_are_gaps_too(kept, missing) -> None:
    bars = CLEAN.filter((pl.col("symbol") != "CCC") | pl.col("date").is_in(SESSIONS[kept]))
    rows = found(bars, symbols=listed(CLEAN))
    assert keys(rows) == [("CCC", day, "gap") for day in missing]


def test_a_name_that_is_not_listed_yet_or_no_longer_misses_nothing() -> None:
    inside = (pl.col("symbol") != "CCC") | pl.col("date").is_in(SESSIONS[20:200])
    names = listed(CLEAN.filter(inside)).with_columns(
        delisted_on=pl.when(pl.col("symbol") == "CCC").then(pl.lit(SESSIONS[200]))
    )
    assert found(CLEAN.filter(inside), symbols=names).is_empty()


def test_a_listed_name_without_any_bar_is_a_gap() -> None:
    rows = found(CLEAN.filter(pl.col("symbol") != "AAA"), symbols=listed(CLEAN))
    assert keys(rows) == [("AAA", day, "gap") for day in SESSIONS[:10]]


@pytest.mark.parametrize("is_traded", [True, False], ids=["identical bars", "equal closes without volume"])
def test_the_fifth_equal_bar_is_stale(is_traded: bool) -> None:
    stuck = (pl.col("symbol") == "AAA") & pl.col("date").is_in(SESSIONS[DAY + 1 : DAY + 6])
    source = CLEAN.filter(at("AAA", SESSIONS[DAY])).row(0, named=True)
    values = {name: source[name] for name in ("open", "high", "low", "close", "volume")}
    if not is_traded:
        values = {"close": values["close"], "volume": 0}
    bars = CLEAN.with_columns(
        pl.when(stuck).then(pl.lit(value)).otherwise(name).alias(name) for name, value in values.items()
    )
    rows = found(bars)
    stale = [("AAA", SESSIONS[DAY + 4], "stale"), ("AAA", SESSIONS[DAY + 5], "stale")]
    assert keys(rows.filter(kind="stale")) == stale
    assert rows.filter(kind="stale")["value"].to_list() == [5.0, 6.0]
    others = [("AAA", day, "zero_volume") for day in SESSIONS[DAY + 1 : DAY + 6]]
    assert keys(rows.filter(pl.col("kind") != "stale")) == ([] if is_traded else others)


def test_equal_closes_with_volume_are_not_stale() -> None:
    bars = CLEAN.with_columns(close=pl.lit(50.0), high=pl.lit(99.0), low=pl.lit(9.0))
    assert found(bars).is_empty()


def test_a_bar_without_volume_is_told() -> None:
    bars = CLEAN.with_columns(volume=pl.when(at("CCC", SESSIONS[DAY])).then(0).otherwise("volume"))
    assert keys(found(bars)) == [("CCC", SESSIONS[DAY], "zero_volume")]


# --- outliers -------------------------------------------------------------------------------------------------------


def test_a_wrong_price_is_one_outlier_and_its_way_back_is_none() -> None:
    rows = found(scaled(CLEAN, at("BBB", SESSIONS[DAY]), 1.5))
    assert keys(rows) == [("BBB", SESSIONS[DAY], "outlier")]
    assert rows["value"][0] == pytest.approx(0.5, abs=0.05)
    assert "its volume is only 0.9 times the median" in rows["message"][0]
    assert "compare with another source" in rows["message"][0]


def test_a_crash_that_stays_is_one_outlier_and_looks_real_by_its_volume() -> None:
    crashed = (pl.col("symbol") == "AAA") & (pl.col("date") >= SESSIONS[DAY])
    bars = scaled(scaled(CLEAN, crashed, 0.5), at("AAA", SESSIONS[DAY]), 1.0, volume=9.0)
    rows = found(bars)
    assert keys(rows) == [("AAA", SESSIONS[DAY], "outlier")]
    assert rows["value"][0] == pytest.approx(-0.5, abs=0.02)
    assert "looks real: its volume is 8.6 times the median" in rows["message"][0]


@pytest.mark.parametrize(
    ("kind", "value", "factor"), [("split", 2.0, 0.5), ("split", 0.1, 10.0), ("dividend", None, 0.6)]
)
def test_a_known_split_or_dividend_is_no_outlier(kind: str, value: float | None, factor: float) -> None:
    after = (pl.col("symbol") == "AAA") & (pl.col("date") >= SESSIONS[DAY])
    before = CLEAN.filter(at("AAA", SESSIONS[DAY - 1]))["close"][0]
    action = pl.DataFrame(
        {"symbol": ["AAA"], "ex_date": [SESSIONS[DAY]], "kind": [kind], "value": [value or before * (1 - factor)]}
    )
    assert keys(found(scaled(CLEAN, after, factor))) == [("AAA", SESSIONS[DAY], "outlier")]
    assert found(scaled(CLEAN, after, factor), actions=action).is_empty()


def test_an_action_takes_effect_with_the_first_bar_from_its_day_on() -> None:
    after = (pl.col("symbol") == "AAA") & (pl.col("date") > SESSIONS[DAY])
    bars = scaled(CLEAN, after, 0.5).filter(~at("AAA", SESSIONS[DAY]))
    split = pl.DataFrame({"symbol": ["AAA"], "ex_date": [SESSIONS[DAY]], "kind": ["split"], "value": [2.0]})
    assert keys(found(bars, actions=split)) == [("AAA", SESSIONS[DAY], "gap")]


def test_what_is_large_depends_on_the_name() -> None:
    """The same move of 20 % is an outlier of a quiet name, and none of a wild one."""
    rng = np.random.default_rng(4)
    wild = np.exp(np.cumsum(rng.choice([-0.08, 0.08], len(SESSIONS))) * 0.9)
    quiet = CLEAN.filter(symbol="AAA")
    restless = CLEAN.filter(symbol="BBB").with_columns(pl.Series(name, 50 * wild) for name in ("open", "close"))
    panel = pl.concat([quiet, restless]).sort("symbol", "date")
    later = pl.col("date") >= SESSIONS[DAY]
    assert keys(found(scaled(panel, later, 1.2))) == [("AAA", SESSIONS[DAY], "outlier")]


def test_nothing_is_an_outlier_before_there_is_a_usual_move() -> None:
    for day, expected in ((15, []), (30, [("AAA", SESSIONS[30], "outlier")])):
        later = (pl.col("symbol") == "AAA") & (pl.col("date") >= SESSIONS[day])
        assert keys(found(scaled(CLEAN, later, 0.5))) == expected


def test_a_jump_like_a_split_is_told_as_such_and_not_as_outlier() -> None:
    after = (pl.col("symbol") == "AAA") & (pl.col("date") >= SESSIONS[DAY])
    jump = pl.DataFrame({"symbol": ["AAA"], "date": [SESSIONS[DAY]], "ratio": [2.0], "message": ["like 2 for 1"]})
    rows = found(scaled(CLEAN, after, 0.5), jumps=jump.cast(dict(NO_JUMPS.schema)))
    assert rows.rows() == [("AAA", SESSIONS[DAY], "split_without_action", 2.0, "like 2 for 1")]


def test_one_bad_name_changes_nothing_of_the_others() -> None:
    bad = scaled(CLEAN, at("BBB", SESSIONS[DAY]), 1e-9).with_columns(
        volume=pl.when(pl.col("symbol") == "BBB").then(0).otherwise("volume")
    )
    rows = found(bad.filter(~at("AAA", SESSIONS[DAY])))
    assert keys(rows.filter(pl.col("symbol") != "BBB")) == [("AAA", SESSIONS[DAY], "gap")]
    assert rows.filter(symbol="BBB").height > 200


# --- laws -----------------------------------------------------------------------------------------------------------

DEFECTS = st.lists(
    st.tuples(
        st.sampled_from(["gap", "jump", "step", "stuck", "idle"]),
        st.sampled_from(NAMES),
        st.integers(0, 119),
        st.integers(1, 30),
        st.sampled_from([0.2, 0.5, 0.85, 1.3, 4.0]),
    ),
    max_size=6,
)


def damaged(seed: int, defects: list[tuple[str, str, int, int, float]]) -> pl.DataFrame:
    bars = clean_bars(NAMES, SESSIONS[:120], seed=seed)
    for kind, name, day, length, factor in defects:
        run = (pl.col("symbol") == name) & pl.col("date").is_in(SESSIONS[day : day + length])
        if kind == "gap":
            bars = bars.filter(~run)
        elif kind == "jump":
            bars = scaled(bars, at(name, SESSIONS[day]), factor, volume=3 * factor)
        elif kind == "step":
            bars = scaled(bars, (pl.col("symbol") == name) & (pl.col("date") >= SESSIONS[day]), factor)
        elif kind == "stuck":
            bars = bars.with_columns(
                pl.when(run).then(pl.lit(value)).otherwise(column).alias(column)
                for column, value in {"open": 9.0, "high": 9.5, "low": 8.5, "close": 9.0, "volume": 7}.items()
            )
        else:
            bars = bars.with_columns(volume=pl.when(run).then(0).otherwise("volume"))
    return bars


@given(seed=st.integers(0, 10_000))
@hypothesis_settings(max_examples=30, deadline=None)
def test_no_clean_panel_has_an_anomaly(seed: int) -> None:
    days = SESSIONS[:120]
    assert found(clean_bars(NAMES, days, seed=seed), days=days).is_empty()


@given(seed=st.integers(0, 9), defects=DEFECTS, until=st.integers(1, 119))
@hypothesis_settings(max_examples=60, deadline=None)
def test_later_sessions_never_change_what_was_said_of_earlier_ones(seed, defects, until) -> None:
    bars, names = damaged(seed, defects), listed(clean_bars(NAMES, SESSIONS[:120]))
    everything = found(bars, symbols=names, days=SESSIONS[:120], rules=SHORT)
    known = bars.filter(pl.col("date") <= SESSIONS[until - 1])
    early = found(known, symbols=names, days=SESSIONS[:until], rules=SHORT)
    assert early.equals(everything.filter(pl.col("date") <= SESSIONS[until - 1]))


@given(seed=st.integers(0, 9), defects=DEFECTS, start=st.integers(1, 80))
@hypothesis_settings(max_examples=60, deadline=None)
def test_what_is_said_does_not_depend_on_how_much_was_read_before_the_window(seed, defects, start) -> None:
    """So one range says what its years say one by one."""
    bars, names = damaged(seed, defects), listed(clean_bars(NAMES, SESSIONS[:120]))
    everything = found(bars, symbols=names, days=SESSIONS[:120], rules=SHORT)
    read = bars.filter(pl.col("date") >= SESSIONS[start])
    some = found(read, symbols=names, days=SESSIONS[start:120], rules=SHORT)
    settled = pl.col("date") >= SESSIONS[start + 2 * SHORT.window_sessions - 1]
    assert some.filter(settled).equals(everything.filter(settled))


def test_a_panel_without_bars_or_without_sessions_has_nothing_to_tell() -> None:
    assert found(CLEAN.clear(), days=[]).is_empty()
    assert found(CLEAN, days=[]).is_empty()
    assert found(CLEAN, quarantined=NOTHING_QUARANTINED).is_empty()


YEARS = sessions("XNYS", date(2015, 1, 2), date(2018, 12, 31))


def relisted(bars: pl.DataFrame, **options) -> pl.DataFrame:
    return found(bars, days=YEARS, **options).filter(pl.col("kind") == "relisted")


def test_a_bar_after_a_long_silence_is_named_with_both_sides_of_it() -> None:
    silent = pl.col("date").is_between(date(2015, 6, 1), date(2016, 4, 29))
    bars = clean_bars(("AAA", "BBB"), YEARS).filter((pl.col("symbol") != "BBB") | ~silent)
    rows = relisted(bars)
    assert keys(rows) == [("BBB", date(2016, 5, 2), "relisted")]
    assert rows["value"].to_list() == [339.0]  # since Friday 29 May 2015
    assert "339 days after that of 2015-05-29 at" in rows["message"][0]
    assert "raise quality.relisted_after (180 days)" in rows["message"][0]
    assert relisted(bars, rules=QualityRules(relisted_after=339)).is_empty()


def test_a_silence_of_years_is_seen_by_a_run_that_reads_none_of_the_bars_before_it() -> None:
    silent = pl.col("date").is_between(date(2015, 6, 1), date(2018, 3, 29))
    bars = clean_bars(("AAA", "BBB"), YEARS).filter((pl.col("symbol") != "BBB") | ~silent)
    names = listed(bars)
    whole = relisted(bars, symbols=names)
    assert keys(whole) == [("BBB", date(2018, 4, 2), "relisted")]
    assert whole["value"].to_list() == [None]
    assert "after more than two years without one" in whole["message"][0]
    late = pl.col("date") >= date(2016, 1, 1)
    part = anomalies(
        bars.filter(late), NO_ACTIONS, NOTHING_QUARANTINED, names, [day for day in YEARS if day.year > 2015],
        jumps=NO_JUMPS, rules=QualityRules(), since=YEARS[0],
    )  # fmt: skip
    assert part.filter(pl.col("kind") == "relisted").equals(whole)


def test_a_lake_that_begins_after_the_first_session_of_a_name_has_no_relisting() -> None:
    bars = clean_bars(("AAA",), YEARS)
    names = listed(bars).with_columns(first_session=date(1990, 1, 2))
    assert relisted(bars, symbols=names).is_empty()


def test_the_check_has_a_place_for_every_kind_of_anomaly() -> None:
    assert {*ORDER_OF_KINDS, "gap"} == set(ANOMALY_KINDS)
