"""The calendar of the exchange, one entry per feature; each is known on the day before, or describes the past."""

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature_set import INTRADAY, Feature, FeatureSet, table_of

FURTHEST_HOLIDAY = 21
"""Sessions to and since a holiday are counted up to this many."""

_date = partial(Feature, lookback=0, group="date")
_cycle = partial(Feature, lookback=0, unit="ratio", group="cycles")
_month = partial(Feature, lookback=0, group="turns")
_holiday = partial(Feature, lookback=0, group="holidays")
_expiry = partial(Feature, lookback=0, group="expiry")
_session = partial(Feature, lookback=0, group="session", intervals=INTRADAY)


def _dates() -> Iterable[Feature]:
    yield _date("weekday", "day of the week, Monday 0", "number", source="French (1980)")
    yield _date("day_of_month", "day of the month, 1..31", "number")
    yield _date("week_of_year", "week of the year, 1..53", "number", source="ISO 8601")
    yield _date("month", "month, 1..12", "number", source="Rozeff and Kinney (1976)")
    yield _date("quarter", "quarter, 1..4", "number")
    for name, phase in (
        ("weekday", "weekday / 7"),
        ("month", "(month - 1) / 12"),
        ("day_of_year", "(day of the year - 1) / days of the year"),
    ):
        yield _cycle(f"{name}_sin", f"sin(2 pi {phase})")
        yield _cycle(f"{name}_cos", f"cos(2 pi {phase})")


def _turns() -> Iterable[Feature]:
    yield _month("sessions_since_month_start", "sessions of its month held before it; 0 on the first", "sessions")
    yield _month("sessions_to_month_end", "sessions of its month scheduled after it; 0 on the last", "sessions")
    turn = "1 on the last session scheduled in a month and the first three of the next"
    yield _month("is_turn_of_month", turn, "flag", source="Lakonishok and Smidt (1988)")
    for name in ("quarter", "year"):
        yield _month(f"is_{name}_start", f"1 on the first session of a {name}", "flag")
        yield _month(f"is_{name}_end", f"1 on the last session scheduled in a {name}", "flag")


def _holidays() -> Iterable[Feature]:
    most = f"at most {FURTHEST_HOLIDAY}"
    ahead = f"sessions scheduled between this one and the next scheduled holiday; 0 on its eve, {most}"
    yield _holiday("sessions_to_holiday", ahead, "sessions", source="Ariel (1990)")
    behind = f"sessions between the last day of the week that was closed, scheduled or not, and this one, {most}"
    yield _holiday("sessions_since_holiday", behind, "sessions")
    yield _holiday("days_since_session", "calendar days since the session before", "days", source="French (1980)")
    yield _holiday("days_to_session", "calendar days to the next scheduled session", "days")
    yield _holiday("is_half_day", "1 on a session that closes early by rule", "flag")


def _expiries() -> Iterable[Feature]:
    third = "third Friday of a month, when listed options expire"
    yield _expiry(
        "sessions_to_expiry", f"sessions scheduled after this one up to the {third}; 0 on that day", "sessions"
    )
    week = f"1 in the week of the {third}"
    yield _expiry("is_expiry_week", week, "flag", source="Stivers and Sun (2013)")
    yield _expiry("is_quarterly_expiry_week", f"{week}, of March, June, September or December", "flag")


def _sessions() -> Iterable[Feature]:
    yield _session("hour", "hour of the exchange's day in which the bar starts, 0..23", "hours")
    yield _session(
        "minute_of_session", "minutes from the scheduled open to the bar's start, breaks included", "minutes"
    )
    yield _session("minutes_to_close", "minutes from the bar's start to the scheduled close", "minutes")
    yield _session("session_share", "minutes since the open / minutes of the scheduled session, 0..1", "fraction")
    yield _session("session_third", "third of the session: 0 opening, 1 middle, 2 closing", "number")
    yield _session("is_opening_half_hour", "1 in the first 30 minutes", "flag", source="Gao, Han, Li and Zhou (2018)")
    yield _session("is_closing_half_hour", "1 in the last 30 minutes", "flag", source="Gao, Han, Li and Zhou (2018)")
    phase = "minute of the exchange's day / 1440"
    yield _session("time_of_day_sin", f"sin(2 pi {phase})", "ratio")
    yield _session("time_of_day_cos", f"cos(2 pi {phase})", "ratio")


SET = FeatureSet(
    name="calendar",
    doc="Where each bar lies in the week, the month, the year, between holidays, and in its session.",
    features=table_of([*_dates(), *_turns(), *_holidays(), *_expiries(), *_sessions()]),
    package=__package__ or "",
    is_windowed=True,
)
