"""What was known stays known: an answer about filings or news never rewrites the past."""

from datetime import UTC, date, datetime

import polars as pl

from trading_assets.market_data.bitemporal import keep_changes, keep_known

NOW = datetime(2020, 6, 1, 12, tzinfo=UTC)
KEY = ("symbol", "period_end", "item", "known_at")


def figures(*rows):
    names = ["symbol", "period_end", "item", "value", "known_on", "known_at", "basis"]
    kind = {"known_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides=kind)


def figure(value, known=date(2020, 5, 1), basis="filing", item="revenue"):
    moment = datetime(known.year, known.month, known.day, tzinfo=UTC)
    return ("A", date(2020, 3, 31), item, value, known, moment, basis)


def settled(rows, stored):
    return keep_known(rows, stored, rows.select(KEY), key=KEY, values=("value",), now=NOW)


def test_the_first_answer_is_stored_as_it_is():
    rows = figures(figure(100.0))
    assert settled(rows, rows.clear()).equals(rows)


def test_the_same_answer_again_changes_nothing():
    rows = figures(figure(100.0), figure(7.0, item="net_income"))
    assert settled(rows, rows).sort(KEY).equals(rows.sort(KEY))


def test_a_restated_figure_is_known_from_now_on_and_the_first_one_stays():
    found = settled(figures(figure(90.0)), figures(figure(100.0))).sort("known_at")
    assert found.select("value", "known_on", "known_at", "basis").rows() == [
        (100.0, date(2020, 5, 1), datetime(2020, 5, 1, tzinfo=UTC), "filing"),
        (90.0, date(2020, 6, 1), NOW, "first_seen"),
    ]


def test_a_figure_that_the_source_no_longer_tells_stays():
    assert settled(figures(figure(7.0, item="net_income")), figures(figure(100.0)))["value"].sort().to_list() == [
        7.0,
        100.0,
    ]


def test_a_bad_answer_restates_nothing():
    stored, bad = figures(figure(100.0)), figures(figure(None))
    found = keep_known(bad, stored, bad.select(KEY).clear(), key=KEY, values=("value",), now=NOW)
    assert found.filter(pl.col("known_at") == NOW).is_empty()
    assert 100.0 in found["value"].to_list()


def test_a_company_gets_a_row_when_something_about_it_changes():
    def company(day, sector):
        return pl.DataFrame({"symbol": ["A"], "known_on": [date(2020, 1, day)], "sector": [sector]})

    def keep(answer, stored):
        return keep_changes(answer, stored, answer.select("symbol", "known_on"), values=("sector",))

    first = keep(company(2, "Tech"), company(2, "Tech").clear())
    same = keep(company(3, "Tech"), first)
    moved = keep(company(6, "Media"), same)
    assert same.equals(first)
    assert moved.sort("known_on").rows() == [("A", date(2020, 1, 2), "Tech"), ("A", date(2020, 1, 6), "Media")]
