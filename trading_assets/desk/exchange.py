"""Facts about an exchange that definitions need, cached in a file so that definitions load without a calendar."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta

import polars as pl

from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.files import write_atomically

_AHEAD = timedelta(days=180)
_PAST_THE_END = timedelta(days=14)
AFTER_CLOSE = timedelta(minutes=30)
_DEADLINE = timedelta(hours=4)


@dataclass(frozen=True)
class Exchange:
    """An exchange over the span of a lake's partitions.

    Attributes
    ----------
    code : str
        Calendar code, for instance XNYS.
    timezone : str
        IANA name of its time zone.
    until : str
        Last day that these facts cover, ISO format.
    days : str
        Weekdays with sessions, as the last field of a cron line.
    closed : tuple of str
        Days on such a weekday without a session, ISO format.
    ticks : tuple of str
        Cron lines, in its time zone: half an hour after each time of day at which a session closes.
    deadline : str
        Cron line, in its time zone: four hours after the latest of these times.
    has_pauses : bool
        Whether it is closed between any two sessions. Where it is not, as with ``"24/7"``, a session opens at the
        moment at which the one before closes.
    """

    code: str
    timezone: str
    until: str
    days: str
    closed: tuple[str, ...]
    ticks: tuple[str, ...]
    deadline: str
    has_pauses: bool

    @property
    def weekdays(self) -> frozenset[int]:
        """Weekdays with sessions, Sunday 0."""
        first, is_range, last = self.days.partition("-")
        if is_range:
            return frozenset(range(int(first), int(last) + 1))
        return frozenset(range(7) if self.days == "*" else map(int, self.days.split(",")))


_NAMES = {item.name for item in fields(Exchange)}


def desk_exchange(desk: Desk) -> Exchange:
    """Facts of a desk's exchange."""
    return exchange_of(desk.settings, now().date())


def exchange_of(settings: Settings, today: date) -> Exchange:
    """Facts of the lake's exchange.

    Building a calendar costs over a second (it needs pandas), so they are stored below the lake's folder and computed
    again when the span grows beyond them.
    """
    span = f"{settings.start}_{settings.end or 'on'}"
    path = settings.home / "cache" / f"{settings.exchange.replace('/', '-')}_{span}.json"
    enough = settings.end + _PAST_THE_END if settings.end else today + _AHEAD / 2
    if path.exists():
        stored = json.loads(path.read_text())
        if stored.keys() == _NAMES and date.fromisoformat(stored["until"]) >= enough:
            return Exchange(**stored | {"closed": tuple(stored["closed"]), "ticks": tuple(stored["ticks"])})
    made = _make(settings, settings.end + _PAST_THE_END if settings.end else today + _AHEAD)
    write_atomically(path, json.dumps(asdict(made)))
    return made


def _make(settings: Settings, end: date) -> Exchange:
    from trading_assets.desk.calendar import exchange_timezone, non_sessions, session_hours, session_weekdays

    code, zone = settings.exchange, exchange_timezone(settings.exchange)
    hours = session_hours(code, settings.start, end)
    closes = hours["close"]
    times = closes.dt.convert_time_zone(zone).dt.time()
    latest = closes.filter(times == times.max())
    return Exchange(
        code=code,
        timezone=zone,
        until=str(end),
        days=cron_days((day + 1) % 7 for day in session_weekdays(code, settings.start, end)),
        closed=tuple(str(day) for day in non_sessions(code, settings.start, end)),
        ticks=tuple(_cron_lines((closes + AFTER_CLOSE).dt.convert_time_zone(zone))),
        deadline=_cron_lines((latest + _DEADLINE).dt.convert_time_zone(zone))[-1],
        has_pauses=bool((hours["close"] < hours["open"].shift(-1)).all()),
    )


def cron_days(days: Iterable[int]) -> str:
    """Weekdays, Sunday 0, as the last field of a cron line: ``*``, a range, or a list."""
    found = sorted(set(days))
    if len(found) == len("SMTWTFS"):
        return "*"
    is_range = len(found) > 1 and found[-1] - found[0] == len(found) - 1
    return f"{found[0]}-{found[-1]}" if is_range else ",".join(str(day) for day in found)


def _cron_lines(moments: pl.Series) -> list[str]:
    """A cron line for each time of day among some moments, all on every weekday among them."""
    days = cron_days(day % 7 for day in moments.dt.weekday().unique().to_list())
    times = moments.dt.strftime("%H:%M").unique().sort().to_list()
    return [f"{int(text[3:])} {int(text[:2])} * * {days}" for text in times]
