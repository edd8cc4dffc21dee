"""Checks of features: nothing from the future, nothing beyond the look-back, a row for every bar."""

from collections.abc import Iterator, Mapping
from datetime import date

import duckdb
import polars as pl

from trading_assets.features.contract import CROSS_SECTION, TECHNICAL
from trading_assets.features.sql_assets import compiled_sql
from trading_assets.lake import LakeFrame, Scope
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS
from trading_assets.orchestration.checks import Recomputation, point_in_time_check, scope_check, stored_span
from trading_assets.orchestration.mappings import LOOK_BACK_YEARS
from trading_assets.orchestration.resources import Desk

_CHECKED_DAYS = {"technical": 400, "cross_section": 60}


def recompute_technical(desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Technical features of three of the scope's names, over the days that are checked."""
    del run_id
    from trading_assets.features.technical import LOOKBACK_BARS, technical

    table = LakeFrame(desk.lake, TECHNICAL)
    span = stored_span(table, scope, _CHECKED_DAYS["technical"])
    if span is None:
        return
    first, last = max(span[0], desk.settings.start), span[1]
    names = table.read(["symbol"], start=last.replace(day=1), end=last, symbol=scope.values.get("symbol"))
    found = names["symbol"].unique().sort().to_list()
    if not found:
        return
    sampled = sorted({found[0], found[len(found) // 2], found[-1]})
    earliest = date(first.year - LOOK_BACK_YEARS, 1, 1)

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return technical(frames["bars"], frames["actions"], start=first, end=last)

    yield Recomputation(
        compute,
        inputs={
            "bars": LakeFrame(desk.lake, BARS_DAILY).read(start=earliest, end=last, symbol=sampled),
            "actions": LakeFrame(desk.lake, CORPORATE_ACTIONS).read(start=earliest, end=last, symbol=sampled),
        },
        stored=table.read(start=first, end=last, symbol=sampled),
        known_on={"bars": "date", "actions": "ex_date"},
        history={"bars": "date"},
        lookback=LOOKBACK_BARS,
    )


def recompute_cross_section(desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Cross-sectional ranks, by the SQL of their model, over the days that are checked."""
    table = LakeFrame(desk.lake, CROSS_SECTION)
    span = stored_span(table, scope, _CHECKED_DAYS["cross_section"])
    if span is None:
        return
    statement = compiled_sql(desk, run_id, "cross_section")

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return run_on_frames(statement, frames).cast(CROSS_SECTION.schema)  # type: ignore[arg-type]

    yield Recomputation(
        compute,
        inputs={"technical": LakeFrame(desk.lake, TECHNICAL).read(start=span[0], end=span[1])},
        stored=table.read(start=span[0], end=span[1]),
        known_on={"technical": "date"},
        history={"technical": "date"},
    )


def run_on_frames(statement: str, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Run a compiled model of the stage ``features`` on frames instead of the lake's tables."""
    connection = duckdb.connect()
    try:
        connection.execute("ATTACH ':memory:' AS lake; CREATE SCHEMA lake.features")
        for name, frame in frames.items():
            connection.register("given", frame.to_arrow())
            connection.execute(f"CREATE TABLE lake.features.{name} AS FROM given")
        return connection.execute(statement).pl()
    finally:
        connection.close()


def missing_features(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Bars without features and features without a bar."""
    del run_id
    inside = scope.sql()
    bars, features = f"lake.{BARS_DAILY.table}", f"lake.{TECHNICAL.table}"
    return desk.lake.query(
        f"SELECT symbol, date::VARCHAR AS date, 'bar without features' AS problem "
        f"FROM (FROM {bars} WHERE {inside}) ANTI JOIN {features} USING (symbol, date) UNION ALL "
        f"SELECT symbol, date::VARCHAR, 'features without bar' "
        f"FROM (FROM {features} WHERE {inside}) ANTI JOIN {bars} USING (symbol, date) ORDER BY ALL"
    )


CHECKS = (
    point_in_time_check(TECHNICAL, recompute_technical),
    point_in_time_check(CROSS_SECTION, recompute_cross_section),
    scope_check(TECHNICAL, "completeness", "Every bar has its features and no other row exists.", missing_features),
)
