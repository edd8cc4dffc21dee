"""Partitions of every stage: symbol x year for the panel, sessions for decisions, months for models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from trading_assets.desk.exchange import Exchange
from trading_assets.desk.settings import Settings

SYMBOL = "symbol"
_SATURDAY = 5
_MONTHLY = "0 0 1 * *"


@dataclass(frozen=True)
class Partitions:
    """Partition definitions, one attribute per kind of stage; two-dimensional ones have a dimension ``date``.

    ``live_sessions`` is None where no book has a broker; ``intraday`` names the tables of intraday bars to refresh.
    """

    symbols: dg.DynamicPartitionsDefinition
    years: dg.TimeWindowPartitionsDefinition
    months: dg.TimeWindowPartitionsDefinition
    sessions: dg.TimeWindowPartitionsDefinition
    models: dg.StaticPartitionsDefinition
    books: dg.StaticPartitionsDefinition
    panel: dg.MultiPartitionsDefinition
    panel_months: dg.MultiPartitionsDefinition
    model_months: dg.MultiPartitionsDefinition
    model_sessions: dg.MultiPartitionsDefinition
    strategy_sessions: dg.MultiPartitionsDefinition
    book_sessions: dg.MultiPartitionsDefinition
    live_sessions: dg.MultiPartitionsDefinition | None
    intraday: tuple[str, ...] = ()

    @property
    def first_day(self) -> date:
        """First day that has partitions of the panel."""
        return self.years.start.date()

    def months_so_far(self) -> list[str]:
        """Months that have partitions of intraday bars."""
        return list(self.panel_months.get_partitions_def_for_dimension("date").get_partition_keys())

    def existing_years(self, first: int, last: int) -> list[int]:
        """Years from ``first`` to ``last`` that have partitions."""
        return [year for year in map(int, self.years.get_partition_keys()) if first <= year <= last]


def make_partitions(
    settings: Settings,
    *,
    models: Sequence[str],
    strategies: Sequence[str],
    books: Sequence[str],
    live_books: Sequence[str],
    exchange: Exchange,
) -> Partitions:
    """Build the partition definitions of a lake.

    A source whose history has ended has partitions up to that end; any other has them up to and including today.
    """
    symbols = dg.DynamicPartitionsDefinition(name=SYMBOL)
    years, months = _years(settings), _months(settings)
    sessions = _sessions(settings, exchange)
    by_model, by_book = dg.StaticPartitionsDefinition(list(models)), dg.StaticPartitionsDefinition(list(books))
    by_strategy = dg.StaticPartitionsDefinition(list(strategies))
    return Partitions(
        symbols=symbols,
        years=years,
        months=months,
        sessions=sessions,
        models=by_model,
        books=by_book,
        panel=dg.MultiPartitionsDefinition({"date": years, SYMBOL: symbols}),
        panel_months=dg.MultiPartitionsDefinition({"date": _running_months(settings), SYMBOL: symbols}),
        model_months=dg.MultiPartitionsDefinition({"date": months, "model": by_model}),
        model_sessions=dg.MultiPartitionsDefinition({"date": sessions, "model": by_model}),
        strategy_sessions=dg.MultiPartitionsDefinition({"date": sessions, "strategy": by_strategy}),
        book_sessions=dg.MultiPartitionsDefinition({"date": sessions, "book": by_book}),
        live_sessions=dg.MultiPartitionsDefinition(
            {"date": sessions, "book": dg.StaticPartitionsDefinition(list(live_books))}
        )
        if live_books
        else None,
        intraday=tuple(settings.intraday),
    )


def _years(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """Years up to and including the running one."""
    last = settings.last_day
    return _windows("%Y", "0 0 1 1 *", settings.start, last and date(last.year + 1, 1, 1), is_running=True)


def _months(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """Months that have ended: a model is trained with what was known at a month's end."""
    return _windows("%Y-%m", _MONTHLY, settings.start, settings.end, is_running=False)


def _running_months(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """Months up to and including the running one."""
    last = settings.last_day
    after = last and last.replace(day=1) + timedelta(days=31)
    return _windows("%Y-%m", _MONTHLY, settings.start, after, is_running=True)


def _windows(
    form: str, cron: str, start: date, end: date | None, *, is_running: bool
) -> dg.TimeWindowPartitionsDefinition:
    """Windows from a day to before another; without an end up to the present, with the running one if asked."""
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
        end=f"{_next_session(settings.end, set(exchange.closed))}" if settings.end else None,
        end_offset=0 if settings.end else 1,
        fmt="%Y-%m-%d",
        cron_schedule="0 0 * * 1-5",
        exclusions=closed or None,
    )


def _next_session(day: date, closed: set[str]) -> date:
    """First session from a day on: the window of the session before it ends there."""
    while day.weekday() >= _SATURDAY or str(day) in closed:
        day += timedelta(days=1)
    return day
