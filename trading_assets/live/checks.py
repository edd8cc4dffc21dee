"""Checks of live trading: the broker agrees with the desk's own account, and the backtest decides the same."""

import polars as pl

from trading_assets.desk.checks import scope_check
from trading_assets.desk.desk import Desk
from trading_assets.lake import LakeFrame, Scope
from trading_assets.live.contract import FILLS, PARITY, PNL, POSITIONS, SUBMISSIONS


def unanswered_orders(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Orders that were rejected, blocked, or have no answer."""
    del run_id
    columns = ("book", "date", "symbol", "side", "quantity", "status", "reason")
    rows = _rows(scope, LakeFrame(desk.lake, SUBMISSIONS)).select(columns)
    return rows.filter(~pl.col("status").is_in(["accepted", "dry_run"]))


def foreign_fills(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Fills without an order of this desk."""
    del run_id
    rows = _rows(scope, LakeFrame(desk.lake, FILLS))
    return rows.filter(pl.col("client_order_id").is_null()).select("book", "date", "symbol", "side", "quantity")


def other_positions(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Positions of which the broker has another number of shares."""
    from trading_assets.live.account import share_tolerance

    del run_id
    rows = _rows(scope, LakeFrame(desk.lake, POSITIONS))
    gap = (pl.col("quantity") - pl.col("broker_quantity")).abs()
    found = rows.filter(gap > share_tolerance(pl.col("quantity")))
    return found.select("book", "date", "symbol", "quantity", "broker_quantity")


def other_cash(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Sessions after which the broker has other cash."""
    from trading_assets.live.account import cash_tolerance

    del run_id
    rows = _rows(scope, LakeFrame(desk.lake, PNL))
    gap = (pl.col("cash") - pl.col("broker_cash")).abs()
    return rows.filter(gap > cash_tolerance(pl.col("cash"))).select("book", "date", "cash", "broker_cash")


def lost_parity(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Sessions that differ from the backtest by more than the book's tolerance."""
    del run_id
    return _rows(scope, LakeFrame(desk.lake, PARITY)).filter(~pl.col("is_within"))


def _rows(scope: Scope, table: LakeFrame) -> pl.DataFrame:
    first, last = scope.window()
    return table.read(start=first, end=last, book=scope.values.get("book"))


CHECKS = (
    scope_check(SUBMISSIONS, "answered", "The broker has taken every order that was sent.", unanswered_orders),
    scope_check(FILLS, "ours", "Every fill at the broker is of an order that this desk sent.", foreign_fills),
    scope_check(POSITIONS, "reconciled", "The broker holds what the desk's own account says.", other_positions),
    scope_check(PNL, "reconciled", "The broker has the cash that the desk's own account says.", other_cash),
    scope_check(
        PARITY, "within_tolerance", "The backtest decides and earns the same, within the book's tolerance.", lost_parity
    ),
)
