"""The sink, the real adapter and the embedded broker over generated histories of faults, crashes and restarts.

They run in this process and in virtual time; `make prove` lives through more of them, new ones in every run, over HTTP
too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from trading_assets.brokers.alpaca import adapter
from trading_assets.brokers.errors import BrokerError, OutcomeUnknownError
from trading_assets.lake import Lake
from trading_assets.live.sink import Intent, Sink
from trading_assets_tests.brokers.embedded.markets import DAYS, bar, write_market
from trading_assets_tests.live._histories import SYMBOLS, Exchange, histories, live_through

HISTORIES, PROVEN_HISTORIES = 200, 1_000
_GENERATED = settings(
    max_examples=HISTORIES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


@pytest.fixture(scope="module")
def market(without_coverage: None, module_lake: Lake) -> Lake:
    """Four names whose prices change from day to day."""
    bars = []
    for number, day in enumerate(DAYS):
        for place, symbol in enumerate(SYMBOLS, 1):
            price = 20.0 * place + ((7 * number + 3 * place) % 11) / 4
            bars.append(bar(symbol, day, (price, price * 1.04, price * 0.98, price * 1.01)))
    write_market(module_lake, bars)
    return module_lake


@pytest.fixture
def open_exchange(market: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Exchange]]:
    """Factory of a broker over them, for clients that read short pages and ask again soon."""
    monkeypatch.setattr(adapter, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(adapter, "_PAGE", 3)
    with ExitStack() as stack:
        yield lambda *, is_served: stack.enter_context(Exchange(market, is_served=is_served))


def live_through_all(exchange: Exchange, number: int, generated: settings) -> None:
    """Live through histories, and require that everything that can happen has happened often enough."""
    seen: Counter[str] = Counter()

    @settings(generated, max_examples=number)
    @given(histories)
    def holds(history):
        live_through(exchange, history, seen)

    holds()
    assert seen["histories"] >= number
    often = ("killed", "restart", "outage", "stopped", "fills", "run to its end")
    assert not {name for name in often if seen[name] < number / 20}, seen
    for method in ("POST", "GET"):
        kinds = {name: count for name, count in seen.items() if name.startswith(method)}
        assert min(kinds.values()) >= number / 50, kinds


def test_every_intent_becomes_one_order_and_the_accounts_agree_whatever_fails_or_dies(open_exchange):
    live_through_all(open_exchange(is_served=False), HISTORIES, _GENERATED)


@pytest.mark.prove
@pytest.mark.parametrize("is_served", [False, True], ids=["in process", "over HTTP"])
def test_a_thousand_new_histories_end_with_one_order_each_and_accounts_that_agree(open_exchange, is_served):
    # Others in every run: they follow from the seed that pytest-randomly prints.
    live_through_all(open_exchange(is_served=is_served), PROVEN_HISTORIES, settings(_GENERATED, derandomize=False))


class _SendsAnew(Sink):
    """Sends an order whose answer was lost once more, as another one."""

    def _sent(self, intent: Intent) -> Intent:
        try:
            return self._accepted(intent, self.gateway.submit(intent.ticket))
        except OutcomeUnknownError:
            return super()._sent(replace(intent, client_order_id=uuid4().hex))
        except BrokerError:
            return super()._sent(intent)


class _AsksNobody(Sink):
    """Takes an order whose answer was lost for sent, and does not look it up."""

    def _sent(self, intent: Intent) -> Intent:
        try:
            return self._accepted(intent, self.gateway.submit(intent.ticket))
        except OutcomeUnknownError:
            return replace(intent, status="accepted")
        except BrokerError:
            return super()._sent(intent)


class _KeepsNothing(Sink):
    """Names its orders anew in every run, as one does that has no journal."""

    def submit(self, planned, **options):
        return super().submit([replace(item, client_order_id=uuid4().hex) for item in planned], **options)


@pytest.mark.parametrize("wrong", [_SendsAnew, _AsksNobody, _KeepsNothing])
def test_histories_find_a_sink_that_sends_twice_or_loses_an_order(open_exchange, wrong):
    exchange = open_exchange(is_served=False)

    @settings(_GENERATED, max_examples=200)
    @given(histories)
    def holds(history):
        live_through(exchange, history, Counter(), wrong)

    with pytest.raises(AssertionError):
        holds()
