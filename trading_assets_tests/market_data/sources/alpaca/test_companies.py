"""Corporate actions, listings, news and quotes of Alpaca."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from trading_assets.lake.store.frames import LakeFrame
from trading_assets.market_data.contract import CORPORATE_ACTIONS, LISTINGS, NEWS, QUOTES
from trading_assets.market_data.sources import PartialAnswerError, UnknownSymbolError
from trading_assets.market_data.sources.alpaca import _actions
from trading_assets.market_data.sources.alpaca import _requests as module
from trading_assets_tests.market_data.sources.alpaca.conftest import DAYS, calls_of

EARLY, LATE = date(2024, 1, 1), date(2024, 12, 31)


def split(kind: str, symbol: str, new: object, old: object, day: str = "2024-06-10", number: int = 1) -> dict:
    return {"id": f"{kind}-{number}", "symbol": symbol, "new_rate": new, "old_rate": old, "ex_date": day,
            "process_date": day}  # fmt: skip


def dividend(symbol: str, rate: object, day: str = "2024-06-10", number: int = 1, **more: object) -> dict:
    return {
        "id": f"dividend-{number}",
        "symbol": symbol,
        "rate": rate,
        "ex_date": day,
        "process_date": "2024-07-01",
        **more,
    }


def read(page: dict, *symbols: str) -> list[tuple]:
    rows = _actions.read_actions([page], symbols or ("AAA",), EARLY, LATE, "alpaca")
    return rows.select("symbol", "ex_date", "kind", "value").rows()


def test_actions_are_the_lake_s_as_far_as_they_are_known(source, market):
    rows = source.corporate_actions(["AAA", "BBB"], EARLY, LATE)
    columns = ["symbol", "ex_date", "kind", "value"]
    stored = LakeFrame(market, CORPORATE_ACTIONS).read(columns, start=EARLY, end=date(2024, 7, 11))
    assert rows.select(columns).equals(stored)
    assert CORPORATE_ACTIONS.split(rows).quarantined.is_empty()


def test_action_is_known_from_the_start_of_its_ex_date(source):
    rows = source.corporate_actions(["AAA"], DAYS[4], DAYS[4])
    assert rows["known_at"].to_list() == [datetime(2024, 6, 28, tzinfo=UTC)]


def test_dividend_that_is_booked_after_the_window_belongs_to_its_ex_date(source, broker):
    source.corporate_actions(["AAA"], DAYS[0], DAYS[0])
    asked = [call["query"] for call in broker.calls() if call["path"] == "/v1/corporate-actions"][-1]
    assert date.fromisoformat(asked["end"]) >= date(2024, 9, 1)
    assert "limit" in asked


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ({"forward_splits": [split("f", "AAA", 10, 1)]}, ("split", 10.0)),
        ({"reverse_splits": [split("r", "AAA", 1, 8)]}, ("split", 0.125)),
        ({"stock_dividends": [dividend("AAA", 0.05)]}, ("split", 1.05)),
        ({"cash_dividends": [dividend("AAA", 0.25)]}, ("dividend", 0.25)),
        ({"cash_dividends": [dividend("AAA", "0.25")]}, ("dividend", 0.25)),
        ({"cash_dividends": [dividend("AAA", "n/a")]}, ("dividend", None)),
        ({"forward_splits": [split("f", "AAA", 10, 0)]}, ("split", None)),
    ],
)
def test_kinds_of_actions(page, expected):
    assert read(page) == [("AAA", date(2024, 6, 10), *expected)]


def test_actions_of_one_ex_date_are_one():
    page = {
        "cash_dividends": [dividend("AAA", 0.25), dividend("AAA", 1.0, number=2, special=True)],
        "forward_splits": [split("f", "AAA", 2, 1), split("f", "AAA", 3, 1, number=2)],
    }
    assert read(page) == [
        ("AAA", date(2024, 6, 10), "dividend", 1.25),
        ("AAA", date(2024, 6, 10), "split", 6.0),
    ]


def test_action_on_two_pages_is_one():
    page = {"cash_dividends": [dividend("AAA", 0.25)]}
    rows = _actions.read_actions([page, page], ["AAA"], EARLY, LATE, "alpaca")
    assert rows["value"].to_list() == [0.25]


def test_unreadable_action_goes_to_quarantine_as_it_was(source, broker):
    page = {"cash_dividends": [dividend("AAA", "n/a")], "unit_splits": [{"id": "u"}], "forward_splits": None}
    broker.inject(path="/v1/corporate-actions", status=200, body={"corporate_actions": page})
    rows = source.corporate_actions(["AAA"], EARLY, LATE)
    assert '"n/a"' in rows["raw"][0]
    assert CORPORATE_ACTIONS.split(rows).quarantined.height == 1


def test_renames_removals_and_mergers_are_listing_events(source, broker):
    page = {
        "name_changes": [
            {"id": "1", "old_symbol": "OLD", "new_symbol": "AAA", "process_date": "2024-06-09"},
            {"id": "2", "old_symbol": "BBB", "new_symbol": "BBB", "process_date": "2024-06-09"},
        ],
        "worthless_removals": [{"id": "3", "symbol": "BBB", "process_date": "2024-06-11"}],
        "cash_mergers": [{"id": "4", "acquiree_symbol": "GONE", "effective_date": "2024-07-05", "rate": 12.0}],
        "stock_mergers": [{"id": "5", "acquiree_symbol": "OTHER", "effective_date": "2024-07-05"}],
    }
    broker.inject(path="/v1/corporate-actions", status=200, body={"corporate_actions": page})
    rows = source.listings(["AAA", "BBB", "GONE"], EARLY, LATE)
    assert rows.select("symbol", "date", "kind", "value", "other_symbol").rows() == [
        ("AAA", date(2024, 6, 9), "rename", None, "OLD"),
        ("BBB", date(2024, 6, 11), "delisting", -1.0, None),
        ("GONE", date(2024, 7, 5), "delisting", None, None),
    ]
    assert LISTINGS.split(rows).quarantined.is_empty()


def test_news_has_a_row_per_story_and_symbol(source):
    rows = source.news(["AAA", "GONE"], EARLY, LATE)
    assert rows.select("symbol", "id", "headline", "text", "publisher", "source").rows() == [
        ("AAA", "1", "Both of them", "<p>Both of them</p>", "wire", "alpaca")
    ]
    noon = datetime(2024, 7, 2, 12, tzinfo=UTC)
    assert rows.select("published_at", "known_at", "date").rows() == [(noon, noon.replace(minute=5), date(2024, 7, 2))]
    assert NEWS.split(rows).quarantined.is_empty()


def test_news_of_all_pages(source, broker):
    before = calls_of(broker, "/v1beta1/news")
    rows = source.news(["BBB"], date(2024, 7, 2), date(2024, 7, 2))
    assert rows["id"].n_unique() == rows.height == 81
    assert calls_of(broker, "/v1beta1/news") - before == 2


def test_story_that_was_reworded_is_known_from_then_on(source, broker):
    created, updated = "2024-07-01T23:59:00Z", "2024-07-02T00:01:00Z"
    texts = {"headline": "h", "author": "", "summary": "", "content": None, "url": None, "source": "wire"}
    story = {"id": 5, "created_at": created, "updated_at": updated, "symbols": ["AAA", "AAA"], **texts}
    broker.inject(path="/v1beta1/news", status=200, body={"news": [story, story]})
    rows = source.news(["AAA"], date(2024, 7, 2), date(2024, 7, 2))
    assert rows.select("date", "summary", "text", "author").rows() == [(date(2024, 7, 2), None, None, None)]
    broker.inject(path="/v1beta1/news", status=200, body={"news": [story]})
    assert source.news(["AAA"], date(2024, 7, 1), date(2024, 7, 1)).is_empty()


def test_quotes_say_their_feed(source):
    rows = source.quotes(["BBB", "AAA"])
    assert rows["symbol"].to_list() == ["AAA", "BBB"]
    assert (rows["bid"] <= rows["ask"]).all()
    assert set(rows["feed"]) == {"iex"}
    assert QUOTES.split(rows).quarantined.is_empty()


def test_side_without_a_quote_is_null(source, broker):
    quote = {"t": "2024-07-11T22:00:00.123456789Z", "bp": 0, "bs": 0, "ap": 101.5, "as": 3}
    broker.inject(path="/v2/stocks/quotes/latest", status=200, body={"quotes": {"AAA": quote}})
    row = source.quotes(["AAA"]).row(0, named=True)
    assert (row["bid"], row["ask"], row["ask_size"]) == (None, 101.5, 3.0)
    assert row["ts"] == datetime(2024, 7, 11, 22, 0, 0, 123456, tzinfo=UTC)


def test_name_without_a_quote_is_told(source):
    with pytest.raises(PartialAnswerError) as caught:
        source.quotes(["AAA", "NOPE"])
    assert caught.value.rows["symbol"].to_list() == ["AAA"]
    assert isinstance(caught.value.failures["NOPE"], UnknownSymbolError)


def test_pages_of_actions_add_up(make_source, monkeypatch):
    whole = make_source().corporate_actions(["AAA", "BBB"], EARLY, LATE)
    monkeypatch.setattr(module, "_ACTIONS_PER_PAGE", 1)
    assert make_source().corporate_actions(["AAA", "BBB"], EARLY, LATE).equals(whole)
