"""The adapter of Alpaca's protocol: alpaca-py with timeouts, typed errors, and no order that is sent again blindly.

The same adapter reaches Alpaca paper, Alpaca live and the embedded broker; only the connection differs. Reads are
retried while the broker is busy; an order is posted once per call, whatever happens, because a timeout or a 504 does
not show whether the order exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any, TypeVar

from requests.adapters import BaseAdapter
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from trading_assets.brokers.alpaca.answers import activity_of_answer, order_of_answer, signed_quantity
from trading_assets.brokers.alpaca.clients import READ_SECONDS, data_client, trading_client, typed_error
from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.alpaca.hints import FillHints
from trading_assets.brokers.errors import (
    BrokerBusyError,
    BrokerError,
    BrokerUnavailableError,
    NotFoundError,
    OrderRejectedError,
    OutcomeUnknownError,
    UnauthorizedError,
)
from trading_assets.brokers.records import (
    Activity,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    MarketClock,
    Ticket,
)
from trading_assets.figures import figure

Answer = TypeVar("Answer")

_QUESTION_ATTEMPTS = 3
_PAUSE_SECONDS = 0.2
_PAGE = 100
_OPEN_ORDERS = 500


class AlpacaBroker:
    """One account at a broker that speaks Alpaca's protocol; `brokers.protocol.Broker` has the meaning of each call.

    Parameters
    ----------
    connection : Connection
        Where it is, and the keys.
    read_seconds : float
        How long an answer may take.
    transport : requests.adapters.BaseAdapter, optional
        What sends the requests; HTTP by default.
    """

    def __init__(
        self, connection: Connection, *, read_seconds: float = READ_SECONDS, transport: BaseAdapter | None = None
    ) -> None:
        self.connection = connection
        self.hints = FillHints(connection)
        self._trading = trading_client(connection, read_seconds, transport)
        self._data = data_client(connection, read_seconds, transport)
        self._client_ids: dict[str, str] = {}

    def account(self) -> BrokerAccount:
        """Number, cash, equity and buying power of the account."""
        found = self._ask("its account", self._trading.get_account)
        return BrokerAccount(
            number=str(found.account_number),
            cash=float(found.cash),
            equity=float(found.equity),
            buying_power=float(found.buying_power),
            is_blocked=bool(found.trading_blocked or found.account_blocked or found.trade_suspended_by_user),
        )

    def clock(self) -> MarketClock:
        """The broker's time, and when its market opens and closes next."""
        found = self._ask("the clock", self._trading.get_clock)
        return MarketClock(found.timestamp, bool(found.is_open), found.next_open, found.next_close)

    def positions(self) -> dict[str, BrokerPosition]:
        """Positions by symbol."""
        found = self._ask("the positions", self._trading.get_all_positions)
        return {
            item.symbol: BrokerPosition(
                item.symbol, signed_quantity(float(item.qty), str(item.side.value)), float(item.avg_entry_price)
            )
            for item in found
        }

    def open_orders(self) -> list[BrokerOrder]:
        """Orders that may still trade."""
        from alpaca.trading.enums import QueryOrderStatus
        from alpaca.trading.requests import GetOrdersRequest

        wanted = GetOrdersRequest(status=QueryOrderStatus.OPEN, limit=_OPEN_ORDERS)
        return [
            order_of_answer(item) for item in self._ask("the open orders", lambda: self._trading.get_orders(wanted))
        ]

    def order_of(self, client_order_id: str) -> BrokerOrder | None:
        """The order with a client order id; None if there is none."""
        try:
            found = self._ask(
                f"the order {client_order_id}", lambda: self._trading.get_order_by_client_id(client_order_id)
            )
        except NotFoundError:
            return None
        return order_of_answer(found)

    def submit(self, ticket: Ticket) -> BrokerOrder:
        """Send an order, once.

        Raises
        ------
        OrderRejectedError
            The broker refused it: no order exists. `DuplicateOrderError`: one with its client order id exists already.
        OutcomeUnknownError
            No usable answer came back: look it up by its client order id before anything else.
        BrokerBusyError, UnauthorizedError
            It had no effect.
        """
        from alpaca.trading.requests import MarketOrderRequest

        request = MarketOrderRequest(
            symbol=ticket.symbol,
            qty=ticket.quantity,
            side=ticket.side,
            time_in_force=ticket.time_in_force,
            client_order_id=ticket.client_order_id,
        )
        try:
            return order_of_answer(
                self._translate(f"the order {_words(ticket)}", lambda: self._trading.submit_order(request))
            )
        except (BrokerBusyError, UnauthorizedError, OrderRejectedError):
            raise
        except BrokerError as error:
            raise OutcomeUnknownError(f"{error}; whether the order exists is not known yet") from None

    def cancel_all(self) -> int:
        """Request the cancellation of every open order; returns how many there were."""
        answers = self._ask("to cancel all orders", self._trading.cancel_orders)
        return len(answers)

    def activities(self, after: date | None = None) -> Iterator[Activity]:
        """Entries of the account's history from a day on, oldest first; every page of them."""
        token: str | None = None
        while True:
            wanted: dict[str, Any] = {"direction": "asc", "page_size": _PAGE}
            wanted |= {"after": f"{after}T00:00:00Z"} if after else {}
            wanted |= {"page_token": token} if token else {}
            page = self._ask("the activities", partial(self._trading.get, "/account/activities", wanted))
            if not isinstance(page, list):
                raise BrokerUnavailableError(f"{self.connection.broker} broker: the activities are not a list")
            for item in page:
                yield activity_of_answer(item)
            if len(page) < _PAGE:
                return
            token = str(page[-1]["id"])

    def client_order_id(self, order_id: str) -> str | None:
        """Client order id of an order that the broker names by its own id."""
        if order_id not in self._client_ids:
            found = self._ask(f"the order {order_id}", lambda: self._trading.get_order_by_id(order_id))
            self._client_ids[order_id] = found.client_order_id
        return self._client_ids[order_id]

    def untradable(self, symbols: Sequence[str]) -> dict[str, str]:
        """Symbols that the broker does not trade now, and why."""
        from alpaca.trading.enums import AssetClass, AssetStatus
        from alpaca.trading.requests import GetAssetsRequest

        wanted = GetAssetsRequest(status=AssetStatus.ACTIVE, asset_class=AssetClass.US_EQUITY)
        listed = {item.symbol: item for item in self._ask("the assets", lambda: self._trading.get_all_assets(wanted))}
        unknown = {
            symbol: "is not an active asset at the broker: drop it from the targets"
            for symbol in symbols
            if symbol not in listed
        }
        halted = {
            symbol: "is halted or not tradable at the broker: wait until it trades, or drop it from the targets"
            for symbol in symbols
            if symbol in listed and not listed[symbol].tradable
        }
        return unknown | halted

    def latest_prices(self, symbols: Sequence[str]) -> dict[str, float]:
        """Price of the latest trade of each symbol that has one."""
        from alpaca.data.requests import StockLatestTradeRequest

        if not symbols:
            return {}
        request = StockLatestTradeRequest(symbol_or_symbols=list(symbols))
        found = self._ask("the latest trades", lambda: self._data.get_stock_latest_trade(request))
        return {symbol: float(trade.price) for symbol, trade in found.items()}

    def take_hint(self) -> bool:
        """Whether the stream has hinted at a change of an order since the last call; starts to listen on the first."""
        return self.hints.take()

    def close(self) -> None:
        """Stop listening to the stream."""
        self.hints.stop()

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        """Make a call that changes nothing, or may be repeated; retried while the broker is busy."""
        attempts = Retrying(
            retry=retry_if_exception_type(BrokerUnavailableError),
            stop=stop_after_attempt(_QUESTION_ATTEMPTS),
            wait=wait_exponential(_PAUSE_SECONDS, exp_base=4),
            reraise=True,
        )
        try:
            return attempts(self._translate, what, call)
        except OrderRejectedError as error:
            raise BrokerError(f"{error}; nothing was ordered, this was only a query") from None

    def _translate(self, what: str, call: Callable[[], Answer]) -> Answer:
        import requests
        from alpaca.common.exceptions import APIError
        from pydantic import ValidationError

        question = what if what.startswith("to ") else f"asked for {what}"
        asked = f"{self.connection.broker} broker, {question}"
        try:
            return call()
        except APIError as error:
            raise typed_error(asked, error) from None
        except requests.Timeout:
            raise BrokerUnavailableError(f"{asked}: no answer in time") from None
        except requests.ConnectionError:
            raise BrokerUnavailableError(f"{asked}: cannot be reached at {self.connection.url}") from None
        except (requests.RequestException, ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BrokerUnavailableError(f"{asked}: the answer cannot be read ({type(error).__name__})") from None


def _words(ticket: Ticket) -> str:
    return f"to {ticket.side} {figure(ticket.quantity)} {ticket.symbol}"
