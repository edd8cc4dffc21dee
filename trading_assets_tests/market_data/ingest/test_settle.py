"""Which rows of an answer are stored: beside stored bars, and in tables where what was known stays known."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.market_data.ingest.settle import bar_rules, settle_bars, settle_changes, settle_versions


def test_a_bar_is_known_after_the_close_of_its_session_and_not_before() -> None:
    days = [date(2016, 6, 30), date(2016, 7, 1), date(2016, 7, 2), date(2016, 7, 5)]
    bars = pl.DataFrame({"date": days})
    rules = bar_rules([date(2016, 6, 30), date(2016, 7, 1), date(2016, 7, 5)], date(2016, 7, 4), "XNYS")
    broken = {name: bars.filter(rule)["date"].to_list() for name, rule in rules.items()}
    assert broken == {
        "date is not a session of XNYS": [date(2016, 7, 2)],
        "date is after the last close known, 2016-07-04": [date(2016, 7, 5)],
    }
    assert BARS_DAILY.quarantine_limit == 0.01


# --- bars


def bars(*rows):
    frame = pl.DataFrame(
        rows, schema=["symbol", "date", "open", "high", "low", "close", "volume", "source"], orient="row"
    )
    return frame.with_columns(raw=pl.lit(None, dtype=pl.String))


def bar(day, close=10.0, volume=100, source="yahoo"):
    return ("A", date(2015, 1, day), close, close, close, close, volume, source)


KEYS = bars(bar(2), bar(5), bar(6)).select("symbol", "date")


@pytest.mark.parametrize("close", [10.0, 10.0 * (1 + 2e-6), 10.0 * (1 - 2e-6)])
def test_the_noise_of_undoing_an_adjustment_is_not_a_restatement(close):
    stored = bars(bar(2)).drop("raw")
    assert settle_bars(bars(bar(2, close)), stored, KEYS)["close"].to_list() == [10.0]


def test_a_changed_price_or_volume_is_stored():
    stored = bars(bar(2), bar(5)).drop("raw")
    found = settle_bars(bars(bar(2, 10.01), bar(5, volume=150)), stored, KEYS).sort("date")
    assert found.select("close", "volume").rows() == [(10.01, 100), (10.0, 150)]


def test_a_bar_that_the_answer_lacks_stays():
    stored = bars(bar(2), bar(5)).drop("raw")
    assert settle_bars(bars(bar(5), bar(6)), stored, KEYS).sort("date")["date"].dt.day().to_list() == [2, 5, 6]


def test_a_bad_answer_does_not_take_the_good_bar_away():
    stored = bars(bar(2)).drop("raw")
    found = settle_bars(bars(bar(2, -1.0)), stored, KEYS.clear())
    assert sorted(found["close"].to_list()) == [-1.0, 10.0]


def test_the_first_bars_are_stored_as_they_are():
    answer = bars(bar(2), bar(5))
    assert_frame_equal(settle_bars(answer, bars().drop("raw").clear(), KEYS), answer)


# --- filings and companies


NOW = datetime(2020, 6, 1, 12, tzinfo=UTC)
KEY = ("symbol", "period_end", "item", "known_at")


def figures(*rows):
    names = ["symbol", "period_end", "item", "value", "known_on", "known_at", "basis"]
    kind = {"known_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides=kind)


def figure(value, known=date(2020, 5, 1), basis="filing", item="revenue"):
    moment = datetime(known.year, known.month, known.day, tzinfo=UTC)
    return ("A", date(2020, 3, 31), item, value, known, moment, basis)


def versions(rows, stored):
    return settle_versions(rows, stored, rows.select(KEY), key=KEY, values=("value",), now=NOW)


def test_the_first_answer_about_filings_is_stored_as_it_is():
    rows = figures(figure(100.0))
    assert versions(rows, rows.clear()).equals(rows)


def test_the_same_answer_again_changes_nothing():
    rows = figures(figure(100.0), figure(7.0, item="net_income"))
    assert versions(rows, rows).sort(KEY).equals(rows.sort(KEY))


def test_a_restated_figure_is_known_from_now_on_and_the_first_one_stays():
    found = versions(figures(figure(90.0)), figures(figure(100.0))).sort("known_at")
    assert found.select("value", "known_on", "known_at", "basis").rows() == [
        (100.0, date(2020, 5, 1), datetime(2020, 5, 1, tzinfo=UTC), "filing"),
        (90.0, date(2020, 6, 1), NOW, "first_seen"),
    ]


def test_a_figure_that_the_source_no_longer_reports_stays():
    assert versions(figures(figure(7.0, item="net_income")), figures(figure(100.0)))["value"].sort().to_list() == [
        7.0,
        100.0,
    ]


def test_a_bad_answer_restates_nothing():
    stored, bad = figures(figure(100.0)), figures(figure(None))
    found = settle_versions(bad, stored, bad.select(KEY).clear(), key=KEY, values=("value",), now=NOW)
    assert found.filter(pl.col("known_at") == NOW).is_empty()
    assert 100.0 in found["value"].to_list()


def test_a_company_gets_a_row_when_something_about_it_changes():
    def company(day, sector):
        return pl.DataFrame({"symbol": ["A"], "known_on": [date(2020, 1, day)], "sector": [sector]})

    def keep(answer, stored):
        return settle_changes(answer, stored, answer.select("symbol", "known_on"), values=("sector",))

    first = keep(company(2, "Tech"), company(2, "Tech").clear())
    same = keep(company(3, "Tech"), first)
    moved = keep(company(6, "Media"), same)
    assert same.equals(first)
    assert moved.sort("known_on").rows() == [("A", date(2020, 1, 2), "Tech"), ("A", date(2020, 1, 6), "Media")]
