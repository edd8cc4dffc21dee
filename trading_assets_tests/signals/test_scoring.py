"""Scores are made month by month: from the month and its look-back alone, of names while they are members."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from trading_assets.signals import StrategyError, bars, features, ranked, strategy
from trading_assets.signals.contract import SCORES
from trading_assets.signals.scoring import first_day_read, monthly_scores, scores_at_once, with_membership
from trading_assets.signals.strategies.ml_alpha import ml_alpha
from trading_assets.signals.strategies.moving_average_cross import moving_average_cross
from trading_assets.testing.strategies import DAYS, SYMBOLS, membership, rows_of, scored

CROSS = moving_average_cross.of(fast=10, slow=40)
LAST = DAYS[-1]
seen: list[pl.DataFrame] = []


@strategy(inputs={"prices": bars("close", "volume")}, lookback=3)
def looking(prices: pl.DataFrame) -> pl.DataFrame:
    """Whatever it is handed, which is remembered."""
    seen.append(prices)
    return prices.select("date", "symbol", score=pl.lit(0.5))


@pytest.fixture
def handed():
    """Frames that the rule of `looking` has seen."""
    seen.clear()
    return seen


def test_the_look_back_is_read_from_whole_months_before():
    assert first_day_read(ml_alpha, date(2016, 5, 17)) == date(2016, 5, 1)
    assert first_day_read(looking, date(2016, 1, 4)) == date(2015, 12, 1)
    # 199 sessions are in fourteen months of fifteen sessions
    assert first_day_read(moving_average_cross, date(2016, 5, 17)) == date(2015, 3, 1)


def test_a_rule_sees_its_month_and_the_look_back_of_each_name(handed):
    scored(looking, date(2015, 3, 10), date(2015, 4, 3))
    march, april = handed
    assert march.columns == ["symbol", "date", "close", "volume", "is_member"]
    expected = [
        *[day for day in DAYS if day < date(2015, 3, 1)][-3:],
        *[day for day in DAYS if day.year == 2015 and day.month == 3],
    ]
    assert march.filter(symbol="A")["date"].to_list() == expected
    assert april.filter(symbol="A")["date"][0] == date(2015, 3, 27)
    assert march.select("symbol", "date").rows() == sorted(march.select("symbol", "date").rows())


def test_prices_are_those_of_the_first_row_in_the_shares_of_its_day(handed):
    raw = rows_of(looking)["prices"].filter(symbol="A", date=DAYS[200])
    assert raw["share_step"].to_list() == [2.0]
    scored(looking, DAYS[200], DAYS[200])
    before = rows_of(looking)["prices"].filter(pl.col("symbol") == "A", pl.col("date") < DAYS[200])
    rows = handed[0].filter(symbol="A")
    assert rows["close"][0] == before.filter(date=rows["date"][0])["close"][0]
    assert rows.filter(date=DAYS[200])["close"][0] == raw["close"][0] * 2
    assert rows.filter(date=DAYS[200])["volume"][0] == raw["volume"][0] / 2


def test_a_split_leaves_no_trace_in_a_score():
    rows = rows_of(CROSS)["prices"]
    halved = pl.when((pl.col("symbol") == "C") & (pl.col("date") >= DAYS[300])).then(0.5).otherwise(1.0)
    stepped = pl.when((pl.col("symbol") == "C") & (pl.col("date") == DAYS[300])).then(2.0).otherwise(1.0)
    split = rows.with_columns(
        close=pl.col("close") * halved,
        price_step=pl.col("price_step") * stepped,
        share_step=pl.col("share_step") * stepped,
    )
    assert scored(CROSS, DAYS[0], LAST, {"prices": split}).equals(scored(CROSS, DAYS[0], LAST))


@pytest.mark.parametrize("one", [ml_alpha, CROSS], ids=lambda one: one.name)
def test_a_month_that_is_not_over_has_the_bits_of_the_whole_month(one):
    whole = scored(one, date(2015, 10, 1), date(2015, 10, 31))
    for last in (date(2015, 10, 1), date(2015, 10, 14), date(2015, 10, 30)):
        assert scored(one, date(2015, 10, 1), last).equals(whole.filter(pl.col("date") <= last))
    middle = pl.col("date").is_between(date(2015, 10, 9), date(2015, 10, 20))
    assert scored(one, date(2015, 10, 9), date(2015, 10, 20)).equals(whole.filter(middle))


@pytest.mark.parametrize("one", [ml_alpha, CROSS], ids=lambda one: one.name)
def test_rows_around_what_is_read_do_not_matter(one):
    span = date(2015, 10, 1), date(2015, 10, 31)
    assert monthly_scores(one, rows_of(one), *span).equals(scored(one, *span))


@pytest.mark.parametrize("one", [ml_alpha, CROSS], ids=lambda one: one.name)
def test_names_are_scored_while_they_are_members(one):
    found = scored(one, DAYS[0], LAST)
    assert found.filter(symbol="E")["date"].min() == DAYS[400]
    outside = [day for day in found.filter(symbol="F")["date"] if DAYS[300] < day < DAYS[360]]
    assert outside == []
    assert found.filter(symbol="F")["date"].max() == LAST


def test_history_before_the_membership_counts():
    # D of 150 sessions later has a full window long before E becomes a member, which then has one at once
    found = scored(CROSS, DAYS[0], LAST)
    assert found.filter(symbol="E")["date"][0] == DAYS[400]
    assert found.filter(symbol="D")["date"][0] == DAYS[150 + 39]


def test_a_name_that_did_not_trade_is_scored_once_its_rows_of_the_months_read_suffice():
    found = scored(CROSS, DAYS[0], LAST).filter(symbol="C")
    again = next(day for day in found["date"] if day >= DAYS[420])
    rows = rows_of(CROSS)["prices"].filter(pl.col("symbol") == "C", pl.col("date") >= first_day_read(CROSS, again))
    assert again > DAYS[461]
    assert rows.filter(pl.col("date") <= again).height >= 40 > rows.filter(pl.col("date") < again.replace(day=1)).height


def test_only_members_are_ranked_against_each_other():
    @strategy(inputs={"known": features("some")})
    def best(known: pl.DataFrame) -> pl.DataFrame:
        """The greatest."""
        return ranked(known, by="some")

    day = DAYS[100]
    rows = pl.DataFrame({"symbol": list(SYMBOLS), "date": [day] * 6, "some": [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]})
    listed = membership(("B", day, None), ("D", day, None), ("F", day, day))
    assert monthly_scores(best, {"known": with_membership(rows, listed)}, day, day)["score"].to_list() == [
        1.0,
        0.0,
        -1.0,
    ]


def test_without_rows_there_is_no_score():
    empty = {name: frame.clear() for name, frame in rows_of(CROSS).items()}
    found = monthly_scores(CROSS, empty, DAYS[0], LAST)
    assert found.is_empty()
    assert found.schema == SCORES.schema


def test_a_rule_that_fails_is_named_with_its_month_and_error():
    @strategy(inputs={"prices": bars("close")})
    def failing(prices: pl.DataFrame) -> pl.DataFrame:
        """Fails in March."""
        return prices.select("date", "symbol", score=1 / (prices["date"][0].month - 3) * pl.lit(0.1))

    said = "strategy 'failing' fails on 2015-03-01 to 2015-03-20: ZeroDivisionError: division by zero"
    with pytest.raises(StrategyError, match=said):
        scored(failing, date(2015, 1, 15), date(2015, 3, 20))
    assert scored(failing, date(2015, 1, 15), date(2015, 2, 20)).height > 0


def test_a_score_of_a_session_that_was_not_read_is_refused():
    @strategy(inputs={"known": features("some")})
    def later(known: pl.DataFrame) -> pl.DataFrame:
        """Scores the day after."""
        return known.select(pl.col("date").dt.offset_by("1d"), "symbol", score=pl.lit(0.5))

    with pytest.raises(StrategyError, match="'later' scores A on 2015-03-07, a session that it has no row of"):
        scored(later, date(2015, 3, 1), date(2015, 3, 31))


@strategy(inputs={"prices": bars("close")}, lookback=20)
def falling(prices: pl.DataFrame) -> pl.DataFrame:
    """Losers of twenty sessions before winners."""
    change = (pl.col("close") / pl.col("close").shift(20)).over("symbol") - 1
    return prices.select("date", "symbol", score=-change.clip(-1, 1)).drop_nulls()


def test_a_rule_looks_back_over_no_long_silence_of_a_name():
    rows = dict(rows_of(falling))
    first, last = DAYS[30], DAYS[230]
    prices = rows["prices"]
    silent = (pl.col("symbol") == "A") & pl.col("date").is_between(DAYS[60], DAYS[190])
    given = {"prices": prices.filter(~silent)}
    found = monthly_scores(falling, given, first, last, 100)
    begun = [day for day in found.filter(symbol="A")["date"] if day > DAYS[60]]
    assert begun[0] == DAYS[211]  # twenty sessions after the first one, DAYS[191]
    alone = monthly_scores(falling, {"prices": prices.filter(pl.col("date") >= DAYS[191])}, DAYS[191], last)
    assert found.filter(pl.col("symbol") == "A", pl.col("date") > DAYS[60]).equals(alone.filter(symbol="A"))
    others = pl.col("symbol") != "A"
    assert found.filter(others).equals(monthly_scores(falling, rows, first, last).filter(others))
    at_once = scores_at_once(falling, given, first, 100).filter(pl.col("date") <= last)
    assert (
        at_once.sort("date", "symbol")
        .select("date", "symbol")
        .equals(found.sort("date", "symbol").select("date", "symbol"))
    )
