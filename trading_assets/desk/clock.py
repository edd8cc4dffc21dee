"""The one place that reads the clock."""

from datetime import UTC, date, datetime, timedelta


def now() -> datetime:
    """The current time, timezone-aware, in UTC."""
    return datetime.now(UTC)


def last_close(exchange: str, moment: datetime) -> date:
    """Last session of an exchange whose close has passed at a moment."""
    from trading_assets.desk.calendar import session_close, sessions

    recent = sessions(exchange, moment.date() - timedelta(days=14), moment.date())
    closed = [day for day in recent if session_close(exchange, day) <= moment]
    return closed[-1]
