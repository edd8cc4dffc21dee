"""What can go wrong between the source and Alpaca: each is classified, and tells what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.brokers.alpaca.connection import KEY_VARIABLES
from trading_assets.market_data.sources import (
    PartialAnswerError,
    SourceConfigError,
    SourceFormatError,
    SourceRateLimitError,
    SourceUnavailableError,
    UnknownSymbolError,
    make_source,
)
from trading_assets.market_data.sources._limiter import Timing
from trading_assets.market_data.sources.alpaca import AlpacaParameters, AlpacaSource
from trading_assets.market_data.sources.alpaca import _requests as module
from trading_assets.market_data.sources.alpaca._batches import request_in_batches
from trading_assets.market_data.sources.alpaca._client import RefusedError
from trading_assets_tests.brokers.embedded.markets import FREE
from trading_assets_tests.market_data.sources.alpaca.conftest import DAYS, calls_of

BARS = "/v2/stocks/bars"
TRUNCATED = '{"bars": {"AAA": [{"t": "2024-07-01T04'


def ask(source):
    return source.bars(["AAA"], DAYS[0], DAYS[-2])


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "body": {"message": "too many requests."}},
        {"status": 500},
        {"status": 503, "non_json": True},
        {"status": 200, "body": TRUNCATED},
        {"status": 200, "body": "<html>portal</html>"},
        {"drop": True},
    ],
    ids=["rate limit", "500", "503 in HTML", "truncated", "HTML", "dropped"],
)
def test_passing_fault_is_outlasted(source, broker, fault):
    whole = ask(source)
    for _ in range(4):
        broker.inject(path=BARS, **fault)
    assert ask(source).equals(whole)


@pytest.mark.parametrize(
    ("fault", "expected", "hint"),
    [
        ({"status": 429, "body": {"message": "too many requests."}}, SourceRateLimitError, "requests_per_minute"),
        ({"status": 500}, SourceUnavailableError, "try again later"),
        ({"status": 503, "non_json": True}, SourceUnavailableError, "try again later"),
        ({"status": 200, "body": TRUNCATED}, SourceFormatError, "cut off"),
        ({"drop": True}, SourceUnavailableError, "network"),
    ],
    ids=["rate limit", "500", "503 in HTML", "truncated", "dropped"],
)
def test_lasting_fault_is_told_after_five_tries(source, broker, fault, expected, hint):
    before = calls_of(broker, BARS)
    for _ in range(5):
        broker.inject(path=BARS, **fault)
    with pytest.raises(expected, match=hint) as caught:
        ask(source)
    assert "alpaca" in str(caught.value)
    assert calls_of(broker, BARS) - before == 5


def test_pause_after_a_rate_limit_lasts_until_it_ends(source, broker, pauses):
    reset = broker.now() + timedelta(seconds=7)
    broker.inject(path=BARS, status=429, headers={"X-RateLimit-Reset": str(int(reset.timestamp()))})
    ask(source)
    assert pauses == [pytest.approx(7, abs=1)]


def test_pause_is_bounded_whatever_the_answer_says(source, broker, pauses):
    broker.inject(path=BARS, status=429, headers={"X-RateLimit-Reset": "99999999999"})
    ask(source)
    assert pauses == [65]


@pytest.mark.parametrize(
    ("fault", "hints"),
    [
        ({"status": 401, "body": {"message": "unauthorized"}}, ["ALPACA_KEY_ID", "ALPACA_SECRET_KEY", "revoked"]),
        ({"status": 403, "body": {"message": "subscription does not permit"}}, ["source.alpaca.feed", "'iex'"]),
        ({"status": 404}, ["source.alpaca.url"]),
    ],
)
def test_wrong_settings_are_told_at_once(make_source, broker, fault, hints):
    before = calls_of(broker, BARS)
    broker.inject(path=BARS, **fault)
    with pytest.raises(SourceConfigError) as caught:
        ask(make_source(feed="sip"))
    assert all(hint in str(caught.value) for hint in hints)
    assert calls_of(broker, BARS) - before == 1


def test_revoked_keys(broker):
    keys = broker.create_account("revoked", cash=1e5, costs=FREE, max_participation=0.1, lot_size=1.0)
    environment = dict(zip(KEY_VARIABLES, (keys.key_id, keys.secret), strict=True))
    source = AlpacaSource(AlpacaParameters(url=broker.url), environment=environment, now=broker.now)
    ask(source)
    broker.revoke("revoked")
    with pytest.raises(SourceConfigError, match="revoked") as caught:
        ask(source)
    for secret in (keys.key_id, keys.secret):
        assert secret not in str(caught.value)


def test_without_keys_the_error_names_the_variables():
    source = AlpacaSource(AlpacaParameters(), environment={})
    with pytest.raises(SourceConfigError, match=r"ALPACA_KEY_ID and ALPACA_SECRET_KEY.*'sample'"):
        ask(source)


def test_keys_appear_in_no_text_and_no_row(make_source, keys, broker):
    source = make_source()
    texts = [repr(source), repr(source.parameters), repr(source.connection()), ask(source).write_csv()]
    assert not [text for text in texts if keys.secret in text or keys.key_id in text]


def test_outage_in_the_middle_keeps_what_was_answered(make_source, broker, monkeypatch):
    monkeypatch.setattr(module, "_SYMBOLS_PER_REQUEST", 1)
    source = make_source()
    broker.inject(path=BARS, delay=0.0)  # the first call is well
    for _ in range(5):
        broker.inject(path=BARS, status=503)
    with pytest.raises(PartialAnswerError) as caught:
        source.bars(["AAA", "BBB", "LATE"], DAYS[0], DAYS[-2])
    assert set(caught.value.rows["symbol"]) == {"AAA"}
    assert {symbol: type(error) for symbol, error in caught.value.failures.items()} == {
        "BBB": SourceUnavailableError,
        "LATE": SourceUnavailableError,
    }


def test_outage_while_absence_is_explained_keeps_what_was_answered(source, broker):
    for _ in range(5):
        broker.inject(path="/v2/assets", status=503)
    with pytest.raises(PartialAnswerError) as caught:
        source.bars(["AAA", "NOPE"], DAYS[0], DAYS[-2])
    assert set(caught.value.rows["symbol"]) == {"AAA"}
    assert isinstance(caught.value.failures["NOPE"], SourceUnavailableError)


def test_no_network_is_told_with_what_works_without():
    environment = dict.fromkeys(KEY_VARIABLES, "x")
    timing = Timing(sleep=lambda _: None)
    source = AlpacaSource(AlpacaParameters(url="http://127.0.0.1:9"), environment=environment, timing=timing)
    with pytest.raises(SourceUnavailableError, match="'sample'"):
        ask(source)


def test_pages_that_do_not_end_are_noticed(source, broker):
    for _ in range(3):
        broker.inject(path=BARS, status=200, body={"bars": {}, "next_page_token": "again"})
    with pytest.raises(SourceFormatError, match="do not end"):
        ask(source)


@given(st.sets(st.integers(0, 60)), st.integers(1, 61), st.integers(1, 20))
def test_refused_symbols_never_take_others_with_them(bad, count, size):
    symbols = [f"S{n}" for n in range(count)]
    refused = {f"S{n}" for n in bad if n < count}

    def answer(batch):
        if refused & set(batch):
            raise RefusedError("invalid symbol")
        return [set(batch)]

    if len(refused) == count > 1:
        with pytest.raises(RefusedError):
            request_in_batches(symbols, answer, size)
        return
    pages, failures = request_in_batches(symbols, answer, size)
    assert set().union(*pages) == set(symbols) - refused
    assert set(failures) == refused
    assert all(isinstance(error, UnknownSymbolError) for error in failures.values())


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        ({"feed": "cta"}, "source.alpaca.feed"),
        ({"symbols": "AAPL"}, "symbols"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"key_id": "x"}, "key_id does not exist"),
    ],
)
def test_settings_that_make_no_sense(config, hint):
    with pytest.raises(SourceConfigError, match=hint):
        make_source({"kind": "alpaca", **config})
