"""What the broker has booked in an account, entry by entry, in the sessions that the entries belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from trading_assets.brokers.accounts import broker_of
from trading_assets.brokers.factory import broker_kind
from trading_assets.brokers.protocol import Broker
from trading_assets.brokers.records import Activity, ActivityKind
from trading_assets.desk.calendar import exchange_timezone
from trading_assets.desk.desk import Desk
from trading_assets.lake import Lake, LakeFrame
from trading_assets.live.contract import ACTIVITIES, FILLS
from trading_assets.portfolio.books import Book

_SENT = ("broker_order_id", "client_order_id")


def collected(
    desk: Desk, book: Book, days: Sequence[date], submissions: LakeFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fills and other entries of some sessions as the broker reports them now: rows of their tables."""
    exchange = desk.settings.exchange
    zone, broker = exchange_zone(exchange), broker_of(desk, book)
    fills, others = entries_of(broker, exchange, days[0] - timedelta(days=1), days[-1])
    ours = own_orders(broker, fills, submissions.read(_SENT, book=book.name))
    wanted = pl.col("date").is_in(list(days))
    return (
        fills_frame(book.name, fills, zone, ours).filter(wanted),
        activities_frame(book.name, others, zone).filter(wanted),
    )


def recorded_entries(lake: Lake, book: Book, after: date, until: date) -> list[Activity]:
    """Fills and other entries that the lake has of the sessions in (after, until], oldest first."""
    fills = LakeFrame(lake, FILLS).read(start=after, end=until, book=book.name).filter(pl.col("date") > after)
    others = LakeFrame(lake, ACTIVITIES).read(start=after, end=until, book=book.name).filter(pl.col("date") > after)
    kind = broker_kind(book.broker)
    found = [
        Activity(row["activity_id"], ActivityKind.FILL, ActivityKind.FILL, row["symbol"], row["side"], row["quantity"],
                 row["price"], 0.0, row["broker_order_id"], row["filled_at"], row["date"], None)
        for row in fills.iter_rows(named=True)
    ] + [
        Activity(row["activity_id"], kind.activity_kind(row["kind"]), row["kind"], row["symbol"], None, row["quantity"],
                 None, row["amount"], None, None, row["date"], row["description"])
        for row in others.iter_rows(named=True)
    ]  # fmt: skip
    return sorted(found, key=lambda entry: (entry.day or date.min, entry.id))


def entries_of(broker: Broker, exchange: str, after: date, until: date) -> tuple[list[Activity], list[Activity]]:
    """Fills and other entries of the days in (after, until], each once, oldest first.

    Parameters
    ----------
    broker : Broker
        The account.
    exchange : str
        Calendar code: a fill belongs to the day of its time in the exchange's zone.
    after, until : datetime.date
        Last day before the span, and last day of it.
    """
    zone = exchange_zone(exchange)
    seen: dict[str, Activity] = {}
    for entry in broker.activities(after=after - timedelta(days=1)):
        if after < day_of(entry, zone) <= until:
            seen[entry.id] = entry
    ordered = [seen[name] for name in sorted(seen)]
    fills = [entry for entry in ordered if entry.kind is ActivityKind.FILL]
    return fills, [entry for entry in ordered if entry.kind is not ActivityKind.FILL]


def exchange_zone(exchange: str) -> ZoneInfo:
    """Time zone of an exchange."""
    return ZoneInfo(exchange_timezone(exchange))


def day_of(entry: Activity, zone: ZoneInfo) -> date:
    """Day that an entry belongs to: that of its time at the exchange, or the one it names."""
    if entry.at is not None:
        return entry.at.astimezone(zone).date()
    return entry.day or date.min


def own_orders(broker: Broker, fills: Iterable[Activity], sent: pl.DataFrame) -> dict[str, str]:
    """Map the broker's ids of a book's orders, including those of some fills, to client order ids.

    Where the answer to an order was lost, its client order id is requested from the broker.

    Parameters
    ----------
    broker : Broker
        The account.
    fills : iterable of Activity
        Fills whose orders to look up.
    sent : polars.DataFrame
        Rows of `live.submissions` of the book: `broker_order_id, client_order_id`.
    """
    ours = dict(sent.select("broker_order_id", "client_order_id").drop_nulls().iter_rows())
    unanswered = set(sent.filter(pl.col("broker_order_id").is_null())["client_order_id"])
    for order_id in {fill.order_id for fill in fills if fill.order_id} - set(ours) if unanswered else ():
        name = broker.client_order_id(order_id)
        if name in unanswered:
            ours[order_id] = name
    return ours


def fills_frame(book: str, entries: Iterable[Activity], zone: ZoneInfo, sent: dict[str, str]) -> pl.DataFrame:
    """Rows of `live.fills`; ``sent`` maps the broker's ids of our orders to client order ids."""
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
    """Rows of `live.activities`; their kind is what the broker calls it."""
    return pl.DataFrame(
        [
            {
                "book": book,
                "date": day_of(entry, zone),
                "activity_id": entry.id,
                "kind": entry.code,
                "symbol": entry.symbol,
                "amount": entry.amount,
                "quantity": entry.quantity,
                "description": entry.description,
            }
            for entry in entries
        ],
        schema=ACTIVITIES.schema,
    )
