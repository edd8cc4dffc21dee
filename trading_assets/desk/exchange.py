"""Facts about an exchange that definitions need, cached in a file so that definitions load without a calendar."""

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.files import write_atomically

_AHEAD = timedelta(days=180)
_PAST_THE_END = timedelta(days=14)
AFTER_CLOSE = timedelta(minutes=30)


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
    closed : tuple of str
        Weekdays without a session, ISO format.
    ticks : tuple of str
        Cron lines, in its time zone: half an hour after each time of day at which a session closes.
    """

    code: str
    timezone: str
    until: str
    closed: tuple[str, ...]
    ticks: tuple[str, ...]


def desk_exchange(desk: Desk) -> Exchange:
    """Facts of a desk's exchange."""
    return exchange_of(desk.settings, now().date())


def exchange_of(settings: Settings, today: date) -> Exchange:
    """Facts of the lake's exchange.

    Building a calendar costs over a second (it needs pandas), so they are stored below the lake's folder and computed
    again when the span grows beyond them.
    """
    path = settings.home / "cache" / f"{settings.exchange}_{settings.start}_{settings.end or 'on'}.json"
    enough = settings.end + _PAST_THE_END if settings.end else today + _AHEAD / 2
    if path.exists():
        stored = json.loads(path.read_text())
        known = Exchange(**stored | {"closed": tuple(stored["closed"]), "ticks": tuple(stored["ticks"])})
        if date.fromisoformat(known.until) >= enough:
            return known
    made = _make(settings, settings.end + _PAST_THE_END if settings.end else today + _AHEAD)
    write_atomically(path, json.dumps(asdict(made)))
    return made


def _make(settings: Settings, end: date) -> Exchange:
    from trading_assets.desk.calendar import exchange_timezone, non_sessions, session_closes

    zone = exchange_timezone(settings.exchange)
    closes = session_closes(settings.exchange, settings.start, end)["close"].dt.offset_by("30m")
    times = closes.dt.convert_time_zone(zone).dt.strftime("%H:%M").unique().sort().to_list()
    return Exchange(
        code=settings.exchange,
        timezone=zone,
        until=str(end),
        closed=tuple(str(day) for day in non_sessions(settings.exchange, settings.start, end)),
        ticks=tuple(f"{int(text[3:])} {int(text[:2])} * * 1-5" for text in times),
    )
