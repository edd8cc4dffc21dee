"""The exchange: takes orders, and applies the events of a session to them in order.

Events of a session are its open, the turning points of the price path, the moments at which the path reaches the price
of an order, and its close. At the open corporate actions come first, then all market orders of an account trade
together in the auction; later each order trades on its own.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from datetime import datetime
from typing import Any

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.admission import admit
from trading_assets.brokers.embedded.day import apply_actions, close_books, expire_orders, waits_for_open
from trading_assets.brokers.embedded.faults import Faults
from trading_assets.brokers.embedded.identities import order_identity
from trading_assets.brokers.embedded.market import Bar, LakeMarket, crossing, path_price
from trading_assets.brokers.embedded.matching import attempt, end_order, fill_at_open, tell
from trading_assets.brokers.embedded.orders import Order, OrderRequest, check_request
from trading_assets.brokers.embedded.payloads import order_payload
from trading_assets.brokers.embedded.refusals import invalid, refused
from trading_assets.brokers.embedded.sessions import TradingSession, third_points
from trading_assets.brokers.embedded.state import BrokerState
from trading_assets.execution.orders import in_fractions


class MatchingEngine:
    """Matches the orders of all accounts.

    Parameters
    ----------
    state : BrokerState
        What is known and open; changed in place.
    market : LakeMarket
        Prices.
    faults : Faults
        Faults that are injected.
    """

    def __init__(self, state: BrokerState, market: LakeMarket, faults: Faults) -> None:
        self.state = state
        self.market = market
        self.faults = faults
        self._crossings: list[tuple[datetime, int, str, str]] = []
        session = market.sessions.at(state.time)
        self._opened = session.date if session else None  # both ends of a moment have happened once it is stored
        if session is not None:
            self._watch(session)

    def submit(self, account: MarginAccount, request: OrderRequest, replaces: Order | None = None) -> dict[str, Any]:
        """Take an order; while the market is open it trades at once if it can.

        Returns
        -------
        dict
            The order as it was accepted, before it traded.

        Raises
        ------
        ApiError
            The order is refused.
        """
        admit(self.state, self.market, account, request)
        state = self.state
        session = self.market.sessions.at(state.time)
        status = "accepted" if session is None else "pending_new"
        order = Order(
            id=order_identity(account.id, request.client_order_id), account=account.id, status=status,
            sequence=state.next_sequence(),
            submitted_at=state.time, updated_at=state.time, replaces=replaces.id if replaces else None,
            **request._asdict(),
        )  # fmt: skip
        if replaces is not None:
            replaces.replaced_by = order.id
        state.keep(order)
        tell(state, order, status)
        accepted = order_payload(order)
        if self.faults.takes_reject():
            end_order(state, order, "rejected")
        elif session is not None:
            order.status = "new"
            tell(state, order, "new")
            self._enter(session, order)
        return accepted

    def cancel(self, order: Order) -> None:
        """Cancel an order.

        Raises
        ------
        ApiError
            422: it is no longer open.
        """
        if not order.is_open:
            raise refused(f'order is already in "{order.status}" state')
        end_order(self.state, order, "canceled")

    def replace(self, account: MarginAccount, order: Order, changes: dict[str, Any]) -> dict[str, Any]:
        """Replace an order by another one for the rest of it.

        `qty` counts what has been filled already; the new order is for the remainder.

        Returns
        -------
        dict
            The new order.

        Raises
        ------
        ApiError
            422: the order is no longer open, nothing would remain, or the new one is refused.
        """
        if not order.is_open:
            raise refused(f'order is already in "{order.status}" state')
        qty = changes.pop("qty", None) or order.qty
        if qty is not None and qty <= order.filled_qty:
            raise invalid("qty must be > filled qty")
        old = replace(order)
        fields = {name: changes.get(name) or getattr(order, name) for name in OrderRequest._fields}
        fields["client_order_id"] = changes.get("client_order_id") or self.state.next_client_order_id(account.id)
        request = OrderRequest(**{**fields, "qty": None if qty is None else in_fractions(qty - order.filled_qty)})
        check_request(request)
        order.end("replaced", self.state.time)
        try:
            new = self.submit(account, request, order)
        except BaseException:
            vars(order).update(vars(old))
            raise
        self.state.keep(order)
        tell(self.state, order, "replaced")
        return new

    def advance(self, to: datetime) -> None:
        """Apply all events up to and including a moment."""
        while True:
            event = self._next_event()
            if event[0] > to:
                break
            self.state.time, happen, session = event
            happen(session)
        self.state.time = max(self.state.time, to)

    def _next_event(self) -> tuple[datetime, Any, TradingSession]:
        time = self.state.time
        session = self.market.sessions.at(time)
        if session is None:
            session = self.market.sessions.next(time)
            return session.open, self._open, session
        if session.open == time and session.date != self._opened:  # the session before has closed at this moment
            return time, self._open, session
        if self._crossings:
            return max(self._crossings[0][0], time), self._cross, session
        for point in third_points(session)[1:3]:
            if point > time:
                return point, self._turn, session
        return session.close, self._close, session

    def _open(self, session: TradingSession) -> None:
        self._opened = session.date
        self.market.refresh()
        state, bars = self.state, self.market.bars(session.date)
        state.used.clear()
        actions = self.market.actions(session)
        for account in state.accounts_in_order():
            apply_actions(state, account, actions, bars)
            orders = list(state.open_orders(account.id))
            for order in orders:
                if order.status == "accepted":
                    order.status = "new"
                    state.keep(order)
                    tell(state, order, "new")
            waiting = [o for o in orders if o.is_open and waits_for_open(o) and o.symbol not in state.halted]
            fill_at_open(state, account, waiting, bars, self.faults)
            for order in orders:
                if order.is_open and order.time_in_force == "opg":
                    self._at_auction(session, order)
        self._watch(session)

    def _cross(self, session: TradingSession) -> None:
        """An order's price is reached: a stop becomes a market or limit order, a limit order trades."""
        _, _, account, identity = heapq.heappop(self._crossings)
        order = self.state.orders[account].get(identity)
        if order is None or not order.is_open:
            return
        if order.works_as in {"stop", "stop_limit"}:
            order.is_triggered = True
            self.state.keep(order)
            self._enter(session, order)
        else:
            self._trade(session, order)

    def _turn(self, session: TradingSession) -> None:
        """Offer what is left of partly filled orders to the market again."""
        for order in sorted(self.state.all_open_orders(), key=lambda order: order.sequence):
            if order.time_in_force not in {"opg", "cls"}:
                self._trade(session, order)

    def _close(self, session: TradingSession) -> None:
        state = self.state
        state.time = session.close
        for account in state.accounts_in_order():
            for order in list(state.open_orders(account.id)):
                if order.time_in_force == "cls":
                    self._at_auction(session, order)
            expire_orders(state, account)
            close_books(state, account, self.market, session)
        self._crossings.clear()

    def _at_auction(self, session: TradingSession, order: Order) -> None:
        """Trade a limit order for the open, or any order for the close, and cancel what remains."""
        if order.time_in_force == "cls" or order.works_as == "limit":
            self._trade(session, order)
        if order.is_open:
            end_order(self.state, order, "canceled")

    def _enter(self, session: TradingSession, order: Order) -> None:
        """Bring an order into the open market: trade it if it can trade now, wait for its price otherwise."""
        if order.time_in_force != "cls":
            if order.works_as in {"market", "limit"}:
                self._trade(session, order)
            if order.is_open and order.time_in_force in {"ioc", "fok"}:
                end_order(self.state, order, "canceled")
            self._watch_order(session, order)
        self.state.keep(order)

    def _trade(self, session: TradingSession, order: Order) -> None:
        bar = self._tradable_bar(session, order)
        if bar is None or order.works_as not in {"market", "limit"}:
            return
        price = path_price(bar, session, self.state.time)
        level = order.limit_price
        if order.works_as == "limit" and level is not None and not _reaches(order, price, level):
            return
        attempt(self.state, self.state.accounts[order.account], order, bar, price, self.faults)

    def _tradable_bar(self, session: TradingSession, order: Order) -> Bar | None:
        return None if order.symbol in self.state.halted else self.market.bar(order.symbol, session.date)

    def _watch(self, session: TradingSession) -> None:
        """Find when the path reaches the prices of all open orders."""
        self._crossings.clear()
        for order in self.state.all_open_orders():
            self._watch_order(session, order)

    def _watch_order(self, session: TradingSession, order: Order) -> None:
        level = order.stop_price if order.works_as in {"stop", "stop_limit"} else order.limit_price
        bar = self.market.bar(order.symbol, session.date)
        if not order.is_open or bar is None or level is None or order.time_in_force in {"cls", "opg"}:
            return
        falls = (order.side == "buy") == (order.works_as == "limit")
        after = max(self.state.time, session.open)
        moment = crossing(bar, session, after, level, falls=falls)
        if moment is None or moment >= session.close or (moment == after and order.filled_qty):
            return
        heapq.heappush(self._crossings, (moment, order.sequence, order.account, order.id))


def _reaches(order: Order, price: float, level: float) -> bool:
    """Whether a limit order can trade at a price, up to the rounding of the moment at which it is reached."""
    tolerance = 1e-9 * level
    return price <= level + tolerance if order.side == "buy" else price >= level - tolerance
