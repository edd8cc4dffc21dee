"""Checks of features: nothing from the future, nothing beyond the look-back, a row for every bar."""

from collections.abc import Mapping
from datetime import date

import dagster as dg
import duckdb
import polars as pl

from trading_assets.features.contract import CROSS_SECTION, TECHNICAL
from trading_assets.features.sql_assets import compiled_sql
from trading_assets.lake import LakeFrame, Scope
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS
from trading_assets.orchestration.checks import differing_from_stored, scope_check, stored_span
from trading_assets.orchestration.mappings import LOOK_BACK_YEARS
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts, warmup_violations

SAMPLED_NAMES = 3
CUTS = 3
_CHECKED_DAYS = 400
_KEY = ["symbol", "date"]
_SEED = 11


def build_checks(partitions: Partitions) -> list[dg.AssetChecksDefinition]:
    """Build the checks of this stage."""
    return [
        scope_check(
            TECHNICAL,
            "look_ahead",
            partitions.panel,
            f"Recomputed for {SAMPLED_NAMES} names on history cut at {CUTS} dates and with a falsified future, every "
            "value up to the cut is the same bits, and the stored one.",
            technical_look_ahead,
        ),
        scope_check(
            TECHNICAL,
            "warm_up",
            partitions.panel,
            "Values do not depend on how much history exists before the declared look-back.",
            technical_warm_up,
        ),
        scope_check(
            TECHNICAL,
            "completeness",
            partitions.panel,
            "Every bar has its features and no other row exists.",
            missing_features,
        ),
        scope_check(
            CROSS_SECTION,
            "look_ahead",
            partitions.years,
            f"The SQL of the model, run on history cut at {CUTS} dates and with a falsified future, gives every value "
            "up to the cut again, and the stored one.",
            cross_section_look_ahead,
        ),
    ]


def technical_look_ahead(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Violations of the look-ahead law by the technical features of sampled names."""
    del run_id
    from trading_assets.features.technical import technical

    prepared = _technical_inputs(desk, scope)
    if prepared is None:
        return pl.DataFrame()
    inputs, first, last = prepared

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return technical(frames["bars"], frames["actions"], start=first, end=last)

    computed = compute(inputs)
    names = computed["symbol"].unique().sort().to_list()
    stored = LakeFrame(desk.lake, TECHNICAL).read(start=first, end=last, symbol=names)
    dates = computed["date"].unique()
    leaks = differing_from_stored(stored, computed, scope, _KEY)
    if leaks.height or dates.len() <= CUTS:
        return leaks
    return lookahead_violations(
        compute,
        inputs,
        known_on={"bars": "date", "actions": "ex_date"},
        key=_KEY,
        cuts=pick_cuts(dates, CUTS),
        poison_seed=_SEED,
    )


def technical_warm_up(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Violations of the warm-up law by the technical features of sampled names."""
    del run_id
    from trading_assets.features.technical import LOOKBACK_BARS, technical

    prepared = _technical_inputs(desk, scope)
    if prepared is None:
        return pl.DataFrame()
    inputs, first, last = prepared

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return technical(frames["bars"], frames["actions"], start=first, end=last)

    dates = inputs["bars"].filter(pl.col("date") >= first)["date"].unique().sort()
    return warmup_violations(
        compute, inputs, history={"bars": "date"}, lookback=LOOKBACK_BARS, probes=dates[-1:].to_list(), key=_KEY
    )


def cross_section_look_ahead(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Violations of the look-ahead law by the SQL of the cross-sectional ranks."""
    span = stored_span(LakeFrame(desk.lake, CROSS_SECTION), scope, 60)
    if span is None:
        return pl.DataFrame()
    statement = compiled_sql(desk, run_id, "cross_section")
    inputs = {"technical": LakeFrame(desk.lake, TECHNICAL).read(start=span[0], end=span[1])}
    stored = LakeFrame(desk.lake, CROSS_SECTION).read(start=span[0], end=span[1])

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return run_on_frames(statement, frames).cast(CROSS_SECTION.schema)  # type: ignore[arg-type]

    leaks = differing_from_stored(stored, compute(inputs), scope, _KEY)
    dates = stored["date"].unique()
    if leaks.height or dates.len() <= CUTS:
        return leaks
    return lookahead_violations(
        compute, inputs, known_on={"technical": "date"}, key=_KEY, cuts=pick_cuts(dates, CUTS), poison_seed=_SEED
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


def _technical_inputs(desk: Desk, scope: Scope) -> tuple[dict[str, pl.DataFrame], date, date] | None:
    """Bars and actions of sampled names, from the look-back on, with the first and last day to compute."""
    table = LakeFrame(desk.lake, TECHNICAL)
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None:
        return None
    first = max(span[0], desk.settings.start)
    names = table.read(["symbol"], start=span[1].replace(day=1), end=span[1], symbol=scope.values.get("symbol"))
    found = names["symbol"].unique().sort().to_list()
    if not found:
        return None
    sampled = sorted({found[0], found[len(found) // 2], found[-1]})[:SAMPLED_NAMES]
    earliest = date(first.year - LOOK_BACK_YEARS, 1, 1)
    inputs = {
        "bars": LakeFrame(desk.lake, BARS_DAILY).read(start=earliest, end=span[1], symbol=sampled),
        "actions": LakeFrame(desk.lake, CORPORATE_ACTIONS).read(start=earliest, end=span[1], symbol=sampled),
    }
    return inputs, first, span[1]


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
