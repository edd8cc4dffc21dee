"""Partitions of every stage: symbol x year for the panel, months for decisions, sessions for trading at a broker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

import dagster as dg

from trading_assets.desk.calendar import sessions
from trading_assets.desk.clock import last_close, now
from trading_assets.desk.desk import Desk
from trading_assets.desk.exchange import Exchange, desk_exchange
from trading_assets.desk.settings import Settings
from trading_assets.lake import Scope
from trading_assets.lake.bridge.partition_keys import range_tags

SYMBOL = "symbol"
_MONTHLY = "0 0 1 * *"
_DATE = "date"


@dataclass(frozen=True)
class Partitions:
    """Partition definitions of a lake; two-dimensional ones have a dimension ``date``.

    Attributes
    ----------
    symbols : DynamicPartitionsDefinition
        Registered names.
    years : TimeWindowPartitionsDefinition
        Years up to and including the running one.
    ended_months : TimeWindowPartitionsDefinition
        Months that have ended: a model is trained with what was known at a month's end.
    months : TimeWindowPartitionsDefinition
        Months up to and including the running one.
    sessions : TimeWindowPartitionsDefinition
        Sessions of the exchange.
    panel, panel_months : MultiPartitionsDefinition
        Symbol x year, and symbol x month for bars within sessions.
    intraday : tuple of str
        Tables of intraday bars that a refresh fills.
    """

    symbols: dg.DynamicPartitionsDefinition
    years: dg.TimeWindowPartitionsDefinition
    ended_months: dg.TimeWindowPartitionsDefinition
    months: dg.TimeWindowPartitionsDefinition
    sessions: dg.TimeWindowPartitionsDefinition
    panel: dg.MultiPartitionsDefinition
    panel_months: dg.MultiPartitionsDefinition
    intraday: tuple[str, ...] = ()

    @property
    def first_day(self) -> date:
        """First day that has partitions of the panel."""
        return self.years.start.date()

    def months_so_far(self) -> list[str]:
        """Months that have partitions, the running one included."""
        return list(self.months.get_partition_keys())

    def existing_years(self, first: int, last: int) -> list[int]:
        """Years from ``first`` to ``last`` that have partitions."""
        return [year for year in map(int, self.years.get_partition_keys()) if first <= year <= last]

    def by_ended_month(self, dimension: str, names: Iterable[str]) -> dg.MultiPartitionsDefinition:
        """Ended months of named things, such as the models of a desk."""
        return _by(self.ended_months, dimension, names)

    def by_month(self, dimension: str, names: Iterable[str]) -> dg.MultiPartitionsDefinition:
        """Months of named things, the running one included."""
        return _by(self.months, dimension, names)

    def by_session(self, dimension: str, names: Iterable[str]) -> dg.MultiPartitionsDefinition:
        """Sessions of named things."""
        return _by(self.sessions, dimension, names)


def desk_partitions(desk: Desk) -> Partitions:
    """Partition definitions of a desk's lake."""
    return make_partitions(desk.settings, desk.part(desk_exchange))


def make_partitions(settings: Settings, exchange: Exchange) -> Partitions:
    """Build the partition definitions of a lake.

    A source whose history has ended has partitions up to that end; any other has them up to and including today.
    """
    symbols = dg.DynamicPartitionsDefinition(name=SYMBOL)
    years, months = _years(settings), _running_months(settings)
    return Partitions(
        symbols=symbols,
        years=years,
        ended_months=_windows("%Y-%m", _MONTHLY, settings.start, settings.end, is_running=False),
        months=months,
        sessions=_sessions(settings, exchange),
        panel=dg.MultiPartitionsDefinition({_DATE: years, SYMBOL: symbols}),
        panel_months=dg.MultiPartitionsDefinition({_DATE: months, SYMBOL: symbols}),
        intraday=tuple(settings.intraday),
    )


def names_of(definition: dg.PartitionsDefinition) -> list[str]:
    """Names of the dimension beside ``date`` of a two-dimensional definition, or the keys of any other."""
    if not isinstance(definition, dg.MultiPartitionsDefinition):
        return list(definition.get_partition_keys())
    other = next(one for one in definition.partitions_defs if one.name != _DATE)
    return list(other.partitions_def.get_partition_keys())


def tags_of_months(definition: dg.MultiPartitionsDefinition, first: date, last: date) -> dict[str, str] | None:
    """Tags of one run over the months of a span and all names; None where none of the months has a partition."""
    windows = cast("dg.TimeWindowPartitionsDefinition", definition.get_partitions_def_for_dimension(_DATE))
    months = [key for key in windows.get_partition_keys() if f"{first:%Y-%m}" <= key <= f"{last:%Y-%m}"]
    if not months:
        return None
    other = next(one.name for one in definition.partitions_defs if one.name != _DATE)
    names = names_of(definition)
    ends = [dg.MultiPartitionKey({_DATE: months[place], other: names[place]}) for place in (0, -1)]
    return range_tags(str(ends[0]), str(ends[1]))


def tags_of_names(names: Sequence[str]) -> dict[str, str]:
    """Tags of one run over all names of a one-dimensional definition."""
    return range_tags(names[0], names[-1])


def closed_sessions_of(desk: Desk, scope: Scope) -> list[date]:
    """Sessions of a run's partitions that lie within the lake's span and have closed by now, ascending."""
    first, last = scope.window()
    until = min(last, last_close(desk.settings.exchange, now()), desk.settings.last_day or date.max)
    begin = max(first, desk.settings.start)
    return sessions(desk.settings.exchange, begin, until) if begin <= until else []


def month_key(day: date, dimension: str, name: str) -> str:
    """Partition key of a name in the month of a day."""
    return str(dg.MultiPartitionKey({_DATE: f"{day:%Y-%m}", dimension: name}))


def through_by_month(days: Iterable[date], dimension: str, name: str) -> dict[str, date]:
    """Partition key of each month that some days lie in, with the last of them."""
    months = {f"{day:%Y-%m}": day for day in sorted(days)}
    return {month_key(day, dimension, name): day for day in months.values()}


def _by(
    windows: dg.TimeWindowPartitionsDefinition, dimension: str, names: Iterable[str]
) -> dg.MultiPartitionsDefinition:
    return dg.MultiPartitionsDefinition({_DATE: windows, dimension: dg.StaticPartitionsDefinition(list(names))})


def _years(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """Years up to and including the running one."""
    last = settings.last_day
    return _windows("%Y", "0 0 1 1 *", settings.start, last and date(last.year + 1, 1, 1), is_running=True)


def _running_months(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """Months up to and including the running one."""
    last = settings.last_day
    after = last and last.replace(day=1) + timedelta(days=31)
    return _windows("%Y-%m", _MONTHLY, settings.start, after, is_running=True)


def _windows(
    form: str, cron: str, start: date, end: date | None, *, is_running: bool
) -> dg.TimeWindowPartitionsDefinition:
    """Windows from `start` to before `end`; without an end up to now, including the running window if wanted."""
    return dg.TimeWindowPartitionsDefinition(
        start=start.strftime(form),
        end=end.strftime(form) if end else None,
        end_offset=1 if is_running and end is None else 0,
        fmt=form,
        cron_schedule=cron,
    )


def _sessions(settings: Settings, exchange: Exchange) -> dg.TimeWindowPartitionsDefinition:
    closed = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in exchange.closed]
    return dg.TimeWindowPartitionsDefinition(
        start=f"{settings.start}",
        end=f"{_next_session(settings.end, exchange)}" if settings.end else None,
        end_offset=0 if settings.end else 1,
        fmt="%Y-%m-%d",
        cron_schedule=f"0 0 * * {exchange.days}",
        exclusions=closed or None,
    )


def _next_session(day: date, exchange: Exchange) -> date:
    """First session on or after a day, which is where the window of the previous session ends."""
    closed, weekdays = set(exchange.closed), exchange.weekdays
    while day.isoweekday() % 7 not in weekdays or str(day) in closed:
        day += timedelta(days=1)
    return day
