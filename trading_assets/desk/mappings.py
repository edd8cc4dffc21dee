"""Which upstream partitions a partition reads, by the name of the relation.

Mappings cost time: Dagster expands them key by key. A precise mapping from 761 sessions to 505 symbols took 10 s of a
run's start, so the edges from the panel to the session stages map to all partitions, and the exact rows are guarded
in the asset itself.
"""

from datetime import date

import dagster as dg

from trading_assets.features.feature_set import INTRADAY, PERIODS_BEFORE

LOOK_BACK_YEARS = PERIODS_BEFORE["daily"]
LOOK_BACK_MONTHS = {interval: PERIODS_BEFORE[interval] for interval in INTRADAY}


def _panel(start_offset: int = 0, end_offset: int = 0) -> dg.MultiPartitionMapping:
    window = dg.TimeWindowPartitionMapping(
        start_offset=start_offset, end_offset=end_offset, allow_nonexistent_upstream_partitions=True
    )
    return dg.MultiPartitionMapping(
        {
            "date": dg.DimensionPartitionMapping("date", window),
            "symbol": dg.DimensionPartitionMapping("symbol", dg.IdentityPartitionMapping()),
        }
    )


def same_symbol_with_look_back(periods: int = LOOK_BACK_YEARS) -> dg.PartitionMapping:
    """The same symbol, its period and the periods of the upstream asset that its look-back reaches into."""
    return _panel(start_offset=-periods)


def months_before(day: date, months: int) -> date:
    """First day of the month so many months before a day's."""
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
    """For a session: the same model, trained at the end of the month before."""
    window = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True)
    return dg.MultiPartitionMapping(
        {
            "date": dg.DimensionPartitionMapping("date", window),
            "model": dg.DimensionPartitionMapping("model", dg.IdentityPartitionMapping()),
        }
    )


def same_session_of_the_book() -> dg.PartitionMapping:
    """The same session and book."""
    return _book_sessions(0)


def previous_session_of_the_book() -> dg.PartitionMapping:
    """The session before, of the same book: its orders are what trades in this one."""
    return _book_sessions(-1)


def _book_sessions(offset: int) -> dg.MultiPartitionMapping:
    window = dg.TimeWindowPartitionMapping(
        start_offset=offset, end_offset=offset, allow_nonexistent_upstream_partitions=True
    )
    return dg.MultiPartitionMapping(
        {
            "date": dg.DimensionPartitionMapping("date", window),
            "book": dg.DimensionPartitionMapping("book", dg.IdentityPartitionMapping()),
        }
    )


def same_session() -> dg.PartitionMapping:
    """The same session, whatever the other dimension."""
    return dg.MultiPartitionMapping({"date": dg.DimensionPartitionMapping("date", dg.TimeWindowPartitionMapping())})
