"""Partitions of a lake over a span, for the tests of this package."""

from datetime import date
from pathlib import Path

from trading_assets.desk.exchange import exchange_of
from trading_assets.desk.partitions import Partitions, make_partitions
from trading_assets.desk.settings import Settings

TODAY = date(2016, 6, 1)


def partitions_of(home: Path, start: date, end: date | None, exchange: str = "XNYS", today: date = TODAY) -> Partitions:
    settings = Settings(home=home, start=start, end=end, exchange=exchange)
    return make_partitions(settings, exchange_of(settings, today))
