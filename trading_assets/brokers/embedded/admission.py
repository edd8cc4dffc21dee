"""Admission: which orders the broker takes, by the rules of Alpaca's accounts.

An order may not turn a position from long to short or back: what exceeds the shares that are free to close is refused.
A second order of the same side, sent when open orders close the whole position already, opens the other side, so that
both can trade at one open.
"""

from __future__ import annotations

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.market import LakeMarket
from trading_assets.brokers.embedded.orders import Order, OrderRequest
from trading_assets.brokers.embedded.payloads import number
from trading_assets.brokers.embedded.refusals import forbidden, invalid, refused
from trading_assets.brokers.embedded.sessions import TradingSession
from trading_assets.brokers.embedded.state import BrokerState
from trading_assets.execution.orders import in_fractions, whole_lots

_ROUNDING = 1e-9  # of the buying power; a book that is fully invested adds up to it only nearly


def admit(state: BrokerState, market: LakeMarket, account: MarginAccount, request: OrderRequest) -> None:
    """Check an order against the session, the asset and the account.

    Raises
    ------
    ApiError
        403 or 422 with the reason.
    """
    if account.configuration["suspend_trade"]:
        raise forbidden("trading is suspended for this account by its configuration")
    price = check_asset(state, market, request.symbol)
    _check_time(request, market.sessions.at(state.time))
    _check_fraction(account, request)
    shares = request.qty if request.qty is not None else whole_lots((request.notional or 0.0) / price, 0.0)
    _check_wash(state, account, request)
    opens = _opening_shares(state, account, request, shares)
    if opens and request.side == "sell":
        _check_short(account, request)
    _check_power(state, market, account, request, shares)


def check_asset(state: BrokerState, market: LakeMarket, symbol: str) -> float:
    """Price of an asset that can be traded now.

    Raises
    ------
    ApiError
        422: unknown, halted, not listed now, or without any price yet.
    """
    listing = market.listings().get(symbol)
    day = market.sessions.day(state.time)
    if listing is None:
        raise invalid(f'asset "{symbol}" not found')
    price = market.price(symbol, state.time) if listing.is_active(day) else None
    if price is None or symbol in state.halted:
        raise refused(f"asset {symbol} is not tradable")
    return price


def _check_time(request: OrderRequest, session: TradingSession | None) -> None:
    kind = request.time_in_force
    if kind == "opg" and session is not None:
        raise refused("opg orders are not accepted while the market is open: send them before the open")
    if kind in {"ioc", "fok"} and session is None:
        raise refused(f"{kind} orders are only accepted during market hours")


def _check_fraction(account: MarginAccount, request: OrderRequest) -> None:
    is_fraction = request.notional is not None or (request.qty or 0.0) % 1 != 0
    if is_fraction and not (account.trades_fractions and account.configuration["fractional_trading"]):
        raise forbidden("account is not allowed to trade fractional shares")


def _check_wash(state: BrokerState, account: MarginAccount, request: OrderRequest) -> None:
    for order in state.open_orders(account.id, request.symbol):
        if order.side == request.side:
            continue
        limits = order.limit_price, request.limit_price
        if limits[0] is not None and limits[1] is not None:
            sign = 1.0 if request.side == "buy" else -1.0
            if sign * (limits[1] - limits[0]) < 0:
                continue
        raise forbidden(
            "potential wash trade detected. use complex orders",
            existing_order_id=order.id,
            reject_reason="opposite side market/stop order exists",
        )


def _opening_shares(state: BrokerState, account: MarginAccount, request: OrderRequest, shares: float) -> float:
    """Shares of a request that open or add to a position.

    Raises
    ------
    ApiError
        403: it would close the position and open the opposite one.
    """
    held, sign = account.quantity(request.symbol), 1.0 if request.side == "buy" else -1.0
    if held * sign >= 0:
        return shares
    reserved = reserved_shares(state, account, request.symbol)
    free = in_fractions(abs(held) - reserved)
    if free <= 0:
        return shares
    if shares > free:
        raise forbidden(
            f"insufficient qty available for order (requested: {number(shares)}, available: {number(free)})",
            available=number(free),
            existing_qty=number(abs(held)),
            held_for_orders=number(reserved),
            symbol=request.symbol,
        )
    return 0.0


def reserved_shares(state: BrokerState, account: MarginAccount, symbol: str) -> float:
    """Shares of a position that open orders are to close, not signed."""
    held = account.quantity(symbol)
    closing = [order for order in state.open_orders(account.id, symbol) if order.sign * held < 0]
    return min(in_fractions(sum(order.remaining(1.0) for order in closing if order.qty is not None)), abs(held))


def _check_short(account: MarginAccount, request: OrderRequest) -> None:
    if account.multiplier <= 1 or account.configuration["no_shorting"]:
        raise forbidden("account is not allowed to short")
    if request.notional is not None or (request.qty or 0.0) % 1:
        raise forbidden("fractional orders cannot be sold short")


def _check_power(
    state: BrokerState, market: LakeMarket, account: MarginAccount, request: OrderRequest, shares: float
) -> None:
    """Refuse what takes the exposure of positions and open orders above multiplier x equity."""
    orders: dict[str, float] = {}
    prices: dict[str, float] = {}
    for order in state.open_orders(account.id):
        at = order_price(market, state, order)
        prices[order.symbol] = at
        orders[order.symbol] = orders.get(order.symbol, 0.0) + order.sign * order.remaining(at)
    sign = 1.0 if request.side == "buy" else -1.0
    at = order_price(market, state, request)
    held = account.quantity(request.symbol) + orders.get(request.symbol, 0.0)
    cost = (abs(held + sign * shares) - abs(held)) * at
    if cost <= 0:
        return
    equity, gross = account.cash, 0.0
    for symbol in set(account.positions) | set(orders):
        position = account.positions.get(symbol)
        price = market.price(symbol, state.time)
        if price is None:
            price = position.mark if position else prices[symbol]
        quantity = position.quantity if position else 0.0
        equity += quantity * price
        gross += abs(quantity + orders.get(symbol, 0.0)) * price
    power = account.multiplier * equity - gross
    if cost > power + _ROUNDING * max(abs(account.multiplier * equity), 1.0):
        raise forbidden(
            "insufficient buying power", buying_power=number(max(power, 0.0)), cost_basis=number(shares * at)
        )


def order_price(market: LakeMarket, state: BrokerState, order: Order | OrderRequest) -> float:
    """Price at which an order is valued before it trades: its limit, its stop, or the last price."""
    if order.limit_price is not None or order.stop_price is not None:
        return float(order.limit_price or order.stop_price or 0.0)
    price = market.price(order.symbol, state.time)
    return 0.0 if price is None else price
