"""Every way in which Yahoo fails has its name, its remedy and its price in requests; none of them is data."""

import logging
import socket
import time
import traceback
from datetime import date

import polars as pl
import pytest
from curl_cffi.requests.exceptions import DNSError, Timeout
from yfinance.cache import get_cookie_cache

from trading_assets.desk import calendar
from trading_assets.market_data.sources import (
    DelistedSymbolError,
    NoDataError,
    PartialAnswerError,
    SourceError,
    SourceFormatError,
    SourceRateLimitError,
    SourceUnavailableError,
    UnknownSymbolError,
)
from trading_assets_tests.market_data.sources.yahoo._yahoo_replay import COOKIE, CRUMB, Listing

AUGUST = (date(2024, 8, 1), date(2024, 8, 30))


def failure_of(source, symbols=("AAPL",), window=AUGUST, interval="1d"):
    with pytest.raises(SourceError) as raised:
        source.bars(list(symbols), *window, interval)
    return raised.value


def chart_requests(replay):
    return len(replay.charts())


# --- symbols


def test_one_unknown_symbol_does_not_fail_the_others(replay):
    error = failure_of(replay.source("AAPL", threads=3), ["NOPE", "MSFT", "AAPL"])
    assert isinstance(error, PartialAnswerError)
    assert error.rows["symbol"].unique().sort().to_list() == ["AAPL", "MSFT"]
    assert error.rows.height == 2 * len(calendar.sessions("XNYS", *AUGUST))
    (unknown,) = error.failures.values()
    assert (type(unknown), unknown.reason, unknown.symbols) == (UnknownSymbolError, "unknown_symbol", ("NOPE",))
    assert "NOPE" in str(unknown)
    assert "correct the spelling" in str(unknown)


def test_an_unknown_symbol_costs_one_request(replay):
    assert isinstance(failure_of(replay.source("NOPE"), ["NOPE"]), UnknownSymbolError)
    assert chart_requests(replay) == 1


def test_a_known_symbol_costs_one_request_too(replay):
    replay.add(Listing("NEVER-ASKED"))
    replay.source("NEVER-ASKED").bars(["NEVER-ASKED"], *AUGUST)
    assert chart_requests(replay) == 1


def test_when_all_are_unknown_all_are_named(replay):
    error = failure_of(replay.source("NOPE"), ["NOPE", "NADA"])
    assert isinstance(error, UnknownSymbolError)
    assert error.symbols == ("NADA", "NOPE")


@pytest.mark.parametrize("symbol", ["AAPL/../x", "A B", "", "AAPL?range=1d", "US0378331005", "ÄÖ"])
def test_what_is_no_ticker_is_not_asked_for(replay, symbol):
    error = failure_of(replay.source("AAPL"), [symbol])
    assert isinstance(error, UnknownSymbolError)
    assert "finance.yahoo.com" in str(error)
    assert replay.asked == []


def test_a_symbol_whose_history_ends_before_the_window_is_delisted(replay):
    error = failure_of(replay.source("GONE"), ["GONE"])
    assert isinstance(error, DelistedSymbolError)
    assert str(error).startswith("yahoo's history of GONE ends on 2024-03-28, before the window 2024-08-01..2024-08-30")


def test_the_last_days_of_a_delisted_symbol_are_data(replay):
    bars = replay.source("GONE").bars(["GONE"], date(2024, 3, 25), date(2024, 4, 5))
    assert bars["date"].max() == date(2024, 3, 28)


@pytest.mark.parametrize("interval", ["1d", "1h"])
def test_an_answer_of_nothing_but_nulls_is_no_data(replay, interval):
    days = calendar.sessions("XNYS", *AUGUST)
    replay.add(Listing("VOID", holes=frozenset(days)))
    error = failure_of(replay.source("VOID"), ["VOID"], interval=interval)
    assert isinstance(error, NoDataError)
    assert "no price of it in 2024-08-01..2024-08-30, when XNYS had 22 sessions" in str(error)


def test_a_day_without_a_price_among_others_is_passed_on_as_null(replay):
    replay.add(Listing("HOLE", holes=frozenset({date(2024, 8, 14)})))
    bars = replay.source("HOLE").bars(["HOLE"], *AUGUST)
    assert bars.filter(pl.col("close").is_null())["date"].to_list() == [date(2024, 8, 14)]
    assert bars.height == 22


@pytest.mark.parametrize(
    "body",
    [
        {"chart": {"result": [], "error": None}},
        {"chart": {"result": None, "error": None}},
        {},
    ],
)
def test_an_empty_answer_is_no_data(replay, body):
    replay.bodies["empty"] = body
    replay.fail("/chart/AAPL", "empty", times=1)
    error = failure_of(replay.source("AAPL"))
    assert isinstance(error, NoDataError)
    assert "AAPL" in str(error)


def test_an_intraday_answer_without_rows_is_no_data(replay):
    meta = {
        "currency": "USD",
        "dataGranularity": "1h",
        "exchangeTimezoneName": "America/New_York",
        "instrumentType": "EQUITY",
        "tradingPeriods": [[]],
        "validRanges": ["1d"],
    }
    source = replay.source("AAPL")
    source.bars(["AAPL"], *AUGUST)
    replay.bodies["rowless"] = {"chart": {"result": [{"meta": meta, "indicators": {"quote": [{}]}}], "error": None}}
    replay.fail("/chart/AAPL", "rowless")
    error = failure_of(source, interval="1h")
    assert isinstance(error, NoDataError)


@pytest.mark.parametrize(
    "body",
    [
        {
            "chart": {
                "result": [{"meta": {}, "timestamp": [1], "indicators": {"quote": [{"open": [1]}]}}],
                "error": None,
            }
        },
        {"chart": {"result": [{"timestamp": [1]}]}},
    ],
)
def test_an_answer_that_makes_no_sense_names_the_symbol_and_the_package(replay, body):
    replay.bodies["nonsense"] = body
    replay.fail("/chart/AAPL", "nonsense")
    error = failure_of(replay.source("AAPL"))
    assert isinstance(error, SourceFormatError)
    assert "AAPL cannot be read" in str(error)
    assert "update the package yfinance" in str(error)


# --- trouble that passes


@pytest.mark.parametrize("kind", ["429", "500", "503", "truncated", "cut", "html"])
def test_trouble_that_passes_is_not_noticed(replay, kind):
    replay.fail("/chart/AAPL", kind, times=2)
    assert replay.source("AAPL").bars(["AAPL"], *AUGUST).height == 22
    assert chart_requests(replay) == 3


@pytest.mark.parametrize(
    ("kind", "expected", "reason", "message"),
    [
        ("429", SourceRateLimitError, "rate_limited", "too many requests .HTTP 429.*requests_per_second"),
        ("500", SourceUnavailableError, "outage", "out of order .HTTP 500 from query2.finance.yahoo.com/v8"),
        ("truncated", SourceUnavailableError, "outage", "not complete JSON"),
        ("cut", SourceUnavailableError, "outage", "was lost"),
        ("html", SourceUnavailableError, "outage", "not complete JSON"),
    ],
)
def test_trouble_that_stays_has_its_name_after_all_tries(replay, kind, expected, reason, message):
    replay.fail("/chart/", kind)
    with pytest.raises(SourceError, match=message) as raised:
        replay.source("AAPL", retries=3).bars(["AAPL"], *AUGUST)
    assert (type(raised.value), raised.value.reason, raised.value.retryable) == (expected, reason, True)
    assert "try again later" in str(raised.value)
    assert chart_requests(replay) == 4


def test_a_server_that_does_not_answer_is_an_outage(replay):
    source = replay.source("AAPL", "MSFT", retries=1, timeout_seconds=0.4)
    source.bars(["MSFT"], *AUGUST)
    replay.fail("/chart/", "hang")
    error = failure_of(source)
    assert (type(error), error.reason) == (SourceUnavailableError, "outage")
    assert "did not answer within 0.4 s" in str(error)


def test_pauses_between_tries_grow_and_keep_within_their_bounds(replay):
    replay.fail("/chart/", "500")
    failure_of(replay.source("AAPL", retries=4))
    pauses = [pause for pause in replay.clock.slept if pause > 0]
    assert len(pauses) == 4
    assert all(pause <= 2.0**attempt for attempt, pause in enumerate(pauses))


def test_yahoo_says_how_long_to_wait_and_is_obeyed(replay):
    replay.fail("/chart/AAPL", "429", times=1, Retry_After="17")
    assert replay.source("AAPL").bars(["AAPL"], *AUGUST).height == 22
    assert max(replay.clock.slept) >= 17


def test_a_wait_of_minutes_is_left_to_the_next_run(replay):
    replay.fail("/chart/AAPL", "429", Retry_After="900")
    assert isinstance(failure_of(replay.source("AAPL")), SourceRateLimitError)
    assert chart_requests(replay) == 1


@pytest.mark.parametrize(("kind", "expected"), [("429", SourceRateLimitError), ("500", SourceUnavailableError)])
def test_trouble_for_all_is_not_asked_for_again_name_by_name(replay, kind, expected):
    names = [f"N{number}" for number in range(50)]
    replay.add(*map(Listing, names))
    replay.fail("/chart/", kind)
    error = failure_of(replay.source("N1", retries=1, threads=2), names)
    assert type(error) is expected
    assert chart_requests(replay) <= 2 * 5


def test_trouble_with_one_name_is_no_trouble_with_the_others(replay):
    replay.fail("/chart/AAPL", "500")
    error = failure_of(replay.source("AAPL", retries=1), ["AAPL", "LATE", "MSFT"], (date(2024, 9, 3), date(2024, 9, 6)))
    assert isinstance(error, PartialAnswerError)
    assert error.rows["symbol"].unique().sort().to_list() == ["LATE", "MSFT"]
    assert error.failures["AAPL"].retryable


# --- the way to Yahoo


def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_without_a_network_it_says_so_at_once_and_names_the_sample(replay):
    names = [f"N{number}" for number in range(50)]
    source, began = replay.source("AAPL", port=closed_port()), time.monotonic()
    error = failure_of(source, names)
    assert time.monotonic() - began < 2
    assert isinstance(error, SourceUnavailableError)
    assert "yahoo cannot be reached (query2.finance.yahoo.com refuses the connection)" in str(error)
    assert "check the network, or use the offline sample: trading-assets demo --source sample" in str(error)
    assert replay.clock.slept == []


@pytest.mark.parametrize(
    ("problem", "what"),
    [
        (DNSError("curl: (6) Could not resolve host"), "the name query2.finance.yahoo.com cannot be resolved"),
        (Timeout("curl: (28) Connection timed out after 5001 milliseconds"), "did not answer within 20 s"),
    ],
)
def test_no_name_and_no_route_are_said_after_two_tries(replay, problem, what):
    # the second is a network that swallows what is sent: every try takes seconds
    tries = []

    def send(method, url, **_):
        tries.append(url)
        raise problem

    source = replay.source("AAPL", threads=1)
    source._client._session.send = send
    get_cookie_cache().store("curlCffi", None)
    error = failure_of(source, ["AAPL", "MSFT"])
    assert "yahoo cannot be reached" in str(error)
    assert what in str(error)
    assert [url.split("/")[2] for url in tries] == ["fc.yahoo.com", "query2.finance.yahoo.com"]


def test_a_first_answer_that_is_slow_is_tried_again(replay):
    replay.fail("/chart/", "hang", times=1)
    assert replay.source("AAPL", timeout_seconds=0.4).bars(["AAPL"], *AUGUST).height == 22


@pytest.mark.parametrize("ask", ["symbols", "quotes", "screen", "companies", "fundamentals", "corporate_actions"])
def test_without_a_network_every_question_says_so(replay, ask):
    source = replay.source("AAPL", port=closed_port(), screen="day_gainers" if ask == "screen" else None)
    questions = {
        "symbols": source.symbols,
        "screen": source.symbols,
        "quotes": lambda: source.quotes(["AAPL"]),
        "companies": lambda: source.companies(["AAPL"], replay.now),
        "fundamentals": lambda: source.fundamentals(["AAPL"], *AUGUST),
        "corporate_actions": lambda: source.corporate_actions(["AAPL"], *AUGUST),
    }
    with pytest.raises(SourceUnavailableError, match="cannot be reached"):
        questions[ask]()


def test_a_connection_lost_on_the_way_is_tried_again(replay):
    source = replay.source("AAPL", retries=2)
    source.bars(["AAPL"], *AUGUST)
    source._client._session._port = closed_port()
    error = failure_of(source)
    assert "yahoo did not answer" in str(error)
    assert len([pause for pause in replay.clock.slept if pause > 0]) == 2


def test_a_crumb_that_cannot_be_had_does_not_matter(replay):
    replay.fail("/v1/test/getcrumb", "429")
    assert replay.source("AAPL").bars(["AAPL"], *AUGUST).height == 22
    assert "crumb" not in replay.charts()[0]


def test_a_crumb_that_has_expired_is_renewed_and_one_that_is_refused_is_an_outage(replay):
    replay.fail("/chart/AAPL", "401", times=1)
    assert replay.source("AAPL").bars(["AAPL"], *AUGUST).height == 22
    assert [path for path, _ in replay.asked].count("/v1/test/getcrumb") == 2
    replay.fail("/chart/AAPL", "401")
    error = failure_of(replay.source("AAPL"))
    assert (type(error), error.reason) == (SourceUnavailableError, "outage")
    assert "refuses access (HTTP 401" in str(error)


@pytest.mark.parametrize("kind", ["401", "404", "422", "429", "500", "truncated", "cut", "html", "hang", None])
def test_crumb_and_cookie_are_in_no_message_and_no_log(replay, kind, caplog):
    caplog.set_level(logging.DEBUG)
    source = replay.source("AAPL", retries=1, timeout_seconds=0.4)
    source.bars(["AAPL"], *AUGUST)
    if kind is None:
        source._client._session._port = closed_port()
    else:
        replay.fail("/chart/", kind)
    error = failure_of(source)
    told = "".join(traceback.format_exception(error)) + repr(source) + caplog.text
    assert any(query.get("crumb") == CRUMB for query in replay.charts())
    assert CRUMB not in told
    assert COOKIE not in told


def test_a_proxy_of_the_environment_is_not_taken(replay, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    assert replay.source("AAPL").bars(["AAPL"], *AUGUST).height == 22


def test_a_proxy_that_is_set_is_used(replay):
    source = replay.source("AAPL", proxy=f"http://me:hunter2@127.0.0.1:{closed_port()}", retries=0)
    error = failure_of(source)
    assert isinstance(error, SourceUnavailableError)
    assert "hunter2" not in "".join(traceback.format_exception(error))
