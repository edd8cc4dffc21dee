"""What the scores of a span are computed from: its rows in the lake, and whether they have been written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions
from trading_assets.features.matrix.matrix import Matrix
from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, MEMBERSHIP, SYMBOLS
from trading_assets.market_data.listing import listed_partitions
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.contract import SCORES
from trading_assets.signals.declaration import Strategy
from trading_assets.signals.inputs import AdjustedBars, FeatureColumns
from trading_assets.signals.scoring import first_day_read, monthly_scores


def scores(lake: Lake, matrix: Matrix, one: Strategy, first: date, last: date) -> pl.DataFrame:
    """Scores of a strategy for a span of sessions: `date, symbol, score`; rows are read a year at a time."""
    members = LakeFrame(lake, MEMBERSHIP).read()
    parts = []
    for start, end in _years(first, last):
        rows = stored_rows(lake, matrix, one, first_day_read(one, start), end)
        parts.append(monthly_scores(one, rows, members, start, end))
    return pl.concat(parts)


def stored_rows(lake: Lake, matrix: Matrix, one: Strategy, start: date, end: date) -> Mapping[str, pl.DataFrame]:
    """Rows of each input of a strategy from one day to another, as they are stored."""
    return {name: part.read(lake, matrix, start, end) for name, part in one.inputs.items()}


def require_inputs(desk: Desk, partitions: Partitions, matrix: Matrix, one: Strategy, first: date, last: date) -> None:
    """Make sure that all that the scores of a span are computed from has been written.

    Raises
    ------
    UpstreamNotReadyError
        Names the table and its first partitions that have not. Safe to retry.
    """
    lake, what = desk.lake, f"{SCORES.table} of the strategy {one.name}"
    start = max(first_day_read(one, first), desk.settings.start)
    years = partitions.existing_years(start.year, last.year)
    listing = LakeFrame(lake, SYMBOLS).read()
    for model in one.models:
        days = sessions(desk.settings.exchange, start, last)
        LakeFrame(lake, DAILY).require_written([f"{day}|{model}" for day in days], for_what=what)
    for part in one.inputs.values():
        if isinstance(part, AdjustedBars):
            keys = listed_partitions(listing, listing["symbol"], years)
            for table in (BARS_DAILY, CORPORATE_ACTIONS):
                LakeFrame(lake, table).require_written(keys, for_what=what)
        if isinstance(part, FeatureColumns):
            matrix.require_written(lake, part.names, listing, years, for_what=what)


def require_members(lake: Lake) -> None:
    """Make sure that the universe has members: without any no name would be scored.

    Raises
    ------
    UpstreamNotReadyError
        It has none yet. Safe to retry.
    """
    if LakeFrame(lake, MEMBERSHIP).read(["symbol"]).is_empty():
        msg = (
            f"{SCORES.table} needs {MEMBERSHIP.table}, which has no row yet: without it no name would be scored. "
            "Materialise them first: market_data/symbols, then market_data/membership"
        )
        raise UpstreamNotReadyError(msg)


def _years(first: date, last: date) -> Iterator[tuple[date, date]]:
    for year in range(first.year, last.year + 1):
        yield max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
