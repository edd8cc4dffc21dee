"""The permit: everything that must hold before the first order of a session is sent.

`execution.risk` knows the limits of a book; here they meet the account, the broker's clock, parity, and the three
settings that must agree before real money is traded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from trading_assets.brokers.factory import broker_kind
from trading_assets.brokers.protocol import Broker
from trading_assets.brokers.records import Activity, BrokerAccount
from trading_assets.desk.settings import command_here
from trading_assets.execution.risk import LiveRules, RiskState, Violation, risk_gate
from trading_assets.figures import figure
from trading_assets.lake import Lake, LakeFrame
from trading_assets.live import switch
from trading_assets.live.account import BookState, cash_tolerance, position_mismatches
from trading_assets.live.closing import LastClose, last_close
from trading_assets.live.contract import ORDERS, PARITY, SUBMISSIONS
from trading_assets.live.errors import TradingBlockedError, TradingSettingsError
from trading_assets.live.fills import entries_of, own_orders
from trading_assets.live.session import OrderWindow, splits_between, window_of
from trading_assets.live.sink import Intent
from trading_assets.market_data.contract import CORPORATE_ACTIONS
from trading_assets.portfolio.books import Book

LIVE_VARIABLE = "TRADING_ASSETS_LIVE_ACCOUNT"
_LARGEST_SKEW = timedelta(minutes=1)
_SHOWN = 5
_MOMENT = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True)
class Permit:
    """What must hold before the orders of one book and session are sent.

    Attributes
    ----------
    book : Book
        The book.
    session : datetime.date
        Session of the decision.
    lake : Lake
        The lake.
    broker : Broker
        Its account.
    exchange : str
        Calendar code.
    now : callable
        The time.
    """

    book: Book
    session: date
    lake: Lake
    broker: Broker
    exchange: str
    now: Callable[[], datetime]

    @property
    def window(self) -> OrderWindow:
        """When these orders may be sent."""
        return window_of(self.exchange, self.session)

    def require(self, pending: Sequence[Intent]) -> None:
        """Require that orders may be sent now.

        Raises
        ------
        TradingBlockedError
            They may not; the message has all reasons and remedies.
        TradingSettingsError
            The book would trade real money in an account that its settings do not agree on.
        """
        clock, account = self.broker.clock(), self.broker.account()
        require_agreement(self.book, account, self.lake)
        known = last_close(self.lake, self.book.name, until=self.session)
        reasons = [*self._untimely(clock.now), *self._unreconciled(account, known), *self._disparity()]
        if account.is_blocked:
            reasons.append(f"the broker has blocked the account {account.number}; look at it there")
        reasons += self._beyond_limits(pending, account, known)
        if reasons:
            more = f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
            raise TradingBlockedError(
                f"book {self.book.name!r}, orders of {self.session}: nothing was sent: "
                f"{'; '.join(reasons[:_SHOWN])}{more}. When that is settled, materialise live/submissions again"
            )

    def _untimely(self, broker_now: datetime) -> list[str]:
        own_now, window = self.now(), self.window
        if abs(broker_now - own_now) > _LARGEST_SKEW:
            said = f"the broker's clock says {_utc(broker_now)} and this machine's {_utc(own_now)}"
            return [f"{said}: set this machine's clock"]
        if not window.holds(broker_now):
            allowed = (
                f"they may be sent from the close of {self.session} to the open of {window.execution} "
                f"({_utc(window.opens)} to {_utc(window.closes)})"
            )
            return [f"{allowed}, it is {_utc(broker_now)}; the next rebalance decides again"]
        return []

    def _unreconciled(self, account: BrokerAccount, known: LastClose | None) -> list[str]:
        held = {symbol: position.quantity for symbol, position in self.broker.positions().items()}
        sent = LakeFrame(self.lake, SUBMISSIONS).read(
            ["broker_order_id", "client_order_id", "date"], book=self.book.name
        )
        foreign = self._foreign_orders(sent)
        if known is None:
            if held:
                foreign.append(
                    f"the account holds {_listed(sorted(held))} but the book has no record of it; take it over with: "
                    f"{command_here(f'adopt {self.book.name} --reason ...')}"
                )
            return foreign
        fills, others = entries_of(self.broker, self.exchange, known.session, self.window.execution)
        own = self._brought_forward(known, [*fills, *others])
        reasons = [*foreign, *self._foreign_fills(fills, sent)] + [
            f"{text}; find out why, then: {command_here(f'adopt {self.book.name} --reason ...')}"
            for text in position_mismatches(own.quantity, held)
        ]
        if abs(own.cash - account.cash) > cash_tolerance(own.cash):
            reasons.append(
                f"the book should have {own.cash:,.2f} in cash, the broker says {account.cash:,.2f}; find out why, "
                f"then: {command_here(f'adopt {self.book.name} --reason ...')}"
            )
        return reasons

    def _brought_forward(self, known: LastClose, entries: Sequence[Activity]) -> BookState:
        """The recorded account with everything that the broker has booked since."""
        actions = LakeFrame(self.lake, CORPORATE_ACTIONS).read(start=known.session, end=self.session)
        splits = splits_between(actions, known.session, self.session)
        return known.state.apply(sorted(entries, key=lambda entry: entry.id), splits, self.book.lot_size)

    def _foreign_fills(self, fills: Sequence[Activity], sent: pl.DataFrame) -> list[str]:
        ours = own_orders(self.broker, fills, sent)
        return [
            f"a fill to {entry.side} {figure(entry.quantity)} {entry.symbol} is of an order that this desk did not "
            f"send; find out whose, then: {command_here(f'adopt {self.book.name} --reason ...')}"
            for entry in fills
            if entry.order_id not in ours
        ]

    def _foreign_orders(self, sent: pl.DataFrame) -> list[str]:
        ours = dict(sent.select("client_order_id", "date").iter_rows())
        reasons = []
        for order in self.broker.open_orders():
            decided = ours.get(order.client_order_id)
            if decided is None:
                reasons.append(
                    f"an order to {order.side} {figure(order.quantity)} {order.symbol} that this desk did not send is "
                    "open at the broker; cancel it there"
                )
            elif decided != self.session:
                reasons.append(f"the order of {decided} to {order.side} {order.symbol} is still open; cancel it first")
        return reasons

    def _disparity(self) -> list[str]:
        rows = LakeFrame(self.lake, PARITY).read(end=self.session, book=self.book.name)
        if rows.is_empty() or rows["is_within"][-1]:
            return []
        released = switch.decisions_of(self.lake, switch.RESUME, switch.ADOPT, book=self.book.name)
        if released.filter(pl.col("date") == rows["date"][-1]).height:
            return []
        lost = rows.row(-1, named=True)
        again = command_here(f"resume {self.book.name} --session {lost['date']} --reason ...")
        how = f"equity {lost['difference']:+.4%}, {lost['orders_differing']} orders differ"
        return [f"parity with the backtest was lost on {lost['date']} ({how}); look at live.parity, then: {again}"]

    def _beyond_limits(self, pending: Sequence[Intent], account: BrokerAccount, known: LastClose | None) -> list[str]:
        orders = LakeFrame(self.lake, ORDERS).read(start=self.session, end=self.session, book=self.book.name)
        symbols = sorted({item.symbol for item in pending})
        state = RiskState(
            equity=account.equity,
            daily_return=known.daily_return if known else 0.0,
            drawdown=_drawdown(account.equity, known.peak) if known else 0.0,
            prices=self.broker.latest_prices(symbols),
            untradable=self.broker.untradable(symbols),
        )
        violations = risk_gate(orders.filter(pl.col("symbol").is_in(symbols)), state, self.book.live_rules)
        return [_limit_in_words(one) for one in violations]


def require_agreement(
    book: Book, account: BrokerAccount, lake: Lake, environment: Mapping[str, str] = os.environ
) -> None:
    """Require, for real money alone, that book, environment and a typed confirmation name the same account.

    Raises
    ------
    TradingSettingsError
        One of the three does not.
    """
    if not broker_kind(book.broker).is_real_money:
        return
    confirmed = switch.decisions_of(lake, switch.CONFIRM, book=book.name)
    typed = confirmed["reason"][-1] if confirmed.height else None
    missing = []
    if not book.live_rules.allow_live:
        missing.append(f"books.yaml: live.allow_live of {book.name} is not true")
    if environment.get(LIVE_VARIABLE) != account.number:
        missing.append(f"the environment variable {LIVE_VARIABLE} does not hold the account number")
    if typed != account.number:
        missing.append(f"the account was not confirmed: {command_here(f'confirm {book.name}')}")
    if missing:
        raise TradingSettingsError(
            f"book {book.name!r} would trade real money in an account that not all three settings name: "
            f"{'; '.join(missing)}"
        )


def _drawdown(equity: float, peak: float) -> float:
    """Equity over its peak - 1, at most 0; 0 where there never was any equity."""
    return min(equity / peak - 1.0, 0.0) if peak > 0 else 0.0


def _limit_in_words(violation: Violation) -> str:
    text = f"{violation.symbol}: {violation.reason}" if violation.symbol else violation.reason
    return f"{text} (books.yaml)" if any(rule in violation.reason for rule in LiveRules.model_fields) else text


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):{_MOMENT}}"


def _listed(symbols: list[str]) -> str:
    return ", ".join(symbols[:_SHOWN]) + (f" and {len(symbols) - _SHOWN} more" if len(symbols) > _SHOWN else "")
