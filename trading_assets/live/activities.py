"""The broker's history of an account, entry by entry, in the sessions they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from trading_assets.brokers.alpaca.adapter import Broker
from trading_assets.brokers.records import Activity
from trading_assets.desk.calendar import exchange_timezone
from trading_assets.lake import LakeFrame
from trading_assets.live.contract import ACTIVITIES, FILLS
from trading_assets.live.state import FILL


def entries_of(broker: Broker, exchange: str, after: date, until: date) -> tuple[list[Activity], list[Activity]]:
    """Fills and other entries of the days in (after, until], each once, oldest first.

    Parameters
    ----------
    broker : Broker
        The account.
    exchange : str
        Calendar code: a fill belongs to the day of its time in the exchange's zone.
    after, until : datetime.date
        First day that is left out, and last day that is not.
    """
    zone = exchange_zone(exchange)
    seen: dict[str, Activity] = {}
    for entry in broker.activities(after=after - timedelta(days=1)):
        if after < day_of(entry, zone) <= until:
            seen[entry.id] = entry
    ordered = [seen[name] for name in sorted(seen)]
    return [entry for entry in ordered if entry.kind == FILL], [entry for entry in ordered if entry.kind != FILL]


def exchange_zone(exchange: str) -> ZoneInfo:
    """Time zone of an exchange."""
    return ZoneInfo(exchange_timezone(exchange))


def day_of(entry: Activity, zone: ZoneInfo) -> date:
    """Day that an entry belongs to: the one it names, or that of its time at the exchange."""
    if entry.at is not None:
        return entry.at.astimezone(zone).date()
    return entry.day or date.min


def own_orders(broker: Broker, fills: Iterable[Activity], submissions: LakeFrame, book: str) -> dict[str, str]:
    """Client order id of each of the broker's order ids that a book's orders have, those of some fills included.

    Where the answer to an order never came, the broker is asked for its client order id.
    """
    sent = submissions.read(["broker_order_id", "client_order_id", "date"], book=book)
    ours = dict(sent.drop_nulls().select("broker_order_id", "client_order_id").iter_rows())
    unanswered = set(sent.filter(pl.col("broker_order_id").is_null())["client_order_id"])
    for order_id in {fill.order_id for fill in fills if fill.order_id} - set(ours) if unanswered else ():
        name = broker.client_order_id(order_id)
        if name in unanswered:
            ours[order_id] = name
    return ours


def fills_frame(book: str, entries: Iterable[Activity], zone: ZoneInfo, sent: dict[str, str]) -> pl.DataFrame:
    """Rows of `live.fills`; ``sent`` names the client order id of each of the broker's order ids that is ours."""
    return pl.DataFrame(
        [
            {
                "book": book,
                "date": day_of(entry, zone),
                "activity_id": entry.id,
                "symbol": entry.symbol,
                "client_order_id": sent.get(entry.order_id or ""),
                "broker_order_id": entry.order_id,
                "side": entry.side,
                "quantity": entry.quantity,
                "price": entry.price,
                "filled_at": entry.at,
            }
            for entry in entries
        ],
        schema=FILLS.schema,
    )


def activities_frame(book: str, entries: Iterable[Activity], zone: ZoneInfo) -> pl.DataFrame:
    """Rows of `live.activities`."""
    return pl.DataFrame(
        [
            {
                "book": book,
                "date": day_of(entry, zone),
                "activity_id": entry.id,
                "kind": entry.kind,
                "symbol": entry.symbol,
                "amount": entry.amount,
                "quantity": entry.quantity,
                "description": entry.description,
            }
            for entry in entries
        ],
        schema=ACTIVITIES.schema,
    )
