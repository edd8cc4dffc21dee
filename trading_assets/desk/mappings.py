"""Which upstream partitions a partition reads, by the name of the relation.

Mappings cost time: Dagster expands them key by key. A precise mapping from 761 sessions to 505 symbols took 10 s of a
run's start, so the edges from the panel to the session stages map to all partitions, and the asset itself
guards the exact rows.
"""

from datetime import date

import dagster as dg


def _panel(start_offset: int = 0, end_offset: int = 0) -> dg.MultiPartitionMapping:
    return dg.MultiPartitionMapping(
        {
            "date": dg.DimensionPartitionMapping("date", _window(start_offset, end_offset)),
            "symbol": dg.DimensionPartitionMapping("symbol", dg.IdentityPartitionMapping()),
        }
    )


def same_symbol_with_look_back(periods: int) -> dg.PartitionMapping:
    """The same symbol, its period and the periods of the upstream asset that its look-back reaches into."""
    return _panel(start_offset=-periods)


def months_before(day: date, months: int) -> date:
    """First day of the month that is `months` months before the month of a day."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def same_symbol_with_next_year() -> dg.PartitionMapping:
    """The same symbol, its year and the next: labels of December end in January."""
    return _panel(end_offset=1)


def months_of_the_year() -> dg.PartitionMapping:
    """The same symbol, the months of its year."""
    return _panel()


def all_symbols_of_the_year() -> dg.PartitionMapping:
    """Every symbol of the same year."""
    return dg.MultiToSingleDimensionPartitionMapping("date")


def everything_so_far() -> dg.PartitionMapping:
    """All partitions; the asset reads and guards the rows that it needs."""
    return dg.AllPartitionMapping()


def previous_month_of_the_model() -> dg.PartitionMapping:
    """For a month: the same model, trained at the end of the month before."""
    return _named("model", -1, -1)


def same_month() -> dg.PartitionMapping:
    """The same month, whatever the other dimension."""
    return dg.MultiPartitionMapping({"date": dg.DimensionPartitionMapping("date", dg.TimeWindowPartitionMapping())})


def month_and_the_one_before() -> dg.PartitionMapping:
    """The month and the one before it, whatever the other dimension: the last rebalance may lie there."""
    return dg.MultiPartitionMapping({"date": dg.DimensionPartitionMapping("date", _window(-1, 0))})


def month_of_the_session() -> dg.PartitionMapping:
    """For a session: its month, of the same book."""
    return _named("book", 0, 0)


def months_of_the_previous_session() -> dg.PartitionMapping:
    """For a session: its month and the one before, of the same book; the session before may lie in either."""
    return _named("book", -1, 0)


def previous_session_of_the_book() -> dg.PartitionMapping:
    """The session before, of the same book: its orders trade in this one."""
    return _named("book", -1, -1)


def _window(start_offset: int, end_offset: int) -> dg.TimeWindowPartitionMapping:
    return dg.TimeWindowPartitionMapping(
        start_offset=start_offset, end_offset=end_offset, allow_nonexistent_upstream_partitions=True
    )


def _named(dimension: str, start_offset: int, end_offset: int) -> dg.MultiPartitionMapping:
    return dg.MultiPartitionMapping(
        {
            "date": dg.DimensionPartitionMapping("date", _window(start_offset, end_offset)),
            dimension: dg.DimensionPartitionMapping(dimension, dg.IdentityPartitionMapping()),
        }
    )
