"""What the scores of a span are computed from: its rows in the lake, and whether they have been written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions, through_by_month
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.lake import LakeFrame
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, MEMBERSHIP, SYMBOLS
from trading_assets.market_data.listing import listed_partitions
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.contract import SCORES
from trading_assets.signals.declaration import Strategy
from trading_assets.signals.inputs import AdjustedBars, FeatureColumns
from trading_assets.signals.scoring import first_day_read, monthly_scores, with_membership


def stored_scores(desk: Desk, one: Strategy, first: date, last: date) -> pl.DataFrame:
    """Rows of signals.scores of a strategy for a span of sessions; what it reads is held for a year at a time."""
    found = [SCORES.empty()]
    for start, end in _years(first, last):
        rows = stored_rows(desk, one, first_day_read(one, start), end)
        found.append(monthly_scores(one, rows, start, end, desk.settings.quality.relisted_after))
    return pl.concat(found)


def stored_rows(desk: Desk, one: Strategy, start: date, end: date) -> Mapping[str, pl.DataFrame]:
    """Rows of each input of a strategy from one day to another as they are stored, with ``is_member``."""
    matrix, members = desk.part(desk_matrix), LakeFrame(desk.lake, MEMBERSHIP).read()
    return {
        name: with_membership(part.read(desk.lake, matrix, start, end), members) for name, part in one.inputs.items()
    }


def require_inputs(desk: Desk, one: Strategy, first: date, last: date) -> None:
    """Require that everything the scores of a span are computed from has been written.

    Raises
    ------
    UpstreamNotReadyError
        Something has not; the message names its table and first partitions. Safe to retry.
    """
    _require_members(desk)
    what = f"{SCORES.table} of {one.name}"
    start = max(first_day_read(one, first), desk.settings.start)
    days = sessions(desk.settings.exchange, start, last)
    for model in one.models:
        predicted = LakeFrame(desk.lake, DAILY)
        predicted.require_written_through(through_by_month(days, "model", model), for_what=what)
    listing = LakeFrame(desk.lake, SYMBOLS).read()
    years = desk.part(desk_partitions).existing_years(start.year, last.year)
    for part in one.inputs.values():
        if isinstance(part, AdjustedBars):
            by_name = listed_partitions(listing, listing["symbol"], years)
            for table in (BARS_DAILY, CORPORATE_ACTIONS):
                LakeFrame(desk.lake, table).require_written(by_name, for_what=what)
        if isinstance(part, FeatureColumns):
            desk.part(desk_matrix).require_written(desk.lake, part.names, listing, years, for_what=what)


def _require_members(desk: Desk) -> None:
    if LakeFrame(desk.lake, MEMBERSHIP).read(["symbol"]).is_empty():
        msg = (
            f"{SCORES.table} needs {MEMBERSHIP.table}, which has no row yet: without it no name would be scored. "
            "Materialise them first: market_data/symbols, then market_data/membership"
        )
        raise UpstreamNotReadyError(msg)


def _years(first: date, last: date) -> Iterator[tuple[date, date]]:
    for year in range(first.year, last.year + 1):
        yield max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
