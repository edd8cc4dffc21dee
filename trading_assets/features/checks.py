"""Checks of features: nothing from the future, nothing beyond the look-back, a row for every bar."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial

import polars as pl

from trading_assets.desk.checks import ScopeCheck, scope_check
from trading_assets.desk.desk import Desk
from trading_assets.desk.recomputation import Recomputation, point_in_time_check, stored_span
from trading_assets.features.assets import BARS, earliest_for
from trading_assets.features.contract import contract_of
from trading_assets.features.feature_set import FeatureSet, Interval, bar_columns
from trading_assets.features.sets import feature_sets
from trading_assets.lake import Contract, LakeFrame, Scope
from trading_assets.market_data.contract import CORPORATE_ACTIONS

# Only a sample is recomputed: `python -m benchmarks feature_checks` prints how much of a run the checks take.
_CHECKED_DAYS: Mapping[Interval, int] = {"daily": 400, "hourly": 60, "minute": 10}
# The market return needs the bars of all names, so fewer days of them are read.
_CHECKED_DAYS_OF_MARKET = 250


def recompute(one: FeatureSet, interval: Interval, desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Features of three of the scope's names, over the days that are checked."""
    del run_id
    from trading_assets.features.compute import compute
    from trading_assets.features.statistical.market import market_returns

    contract = contract_of(one, interval)
    table = LakeFrame(desk.lake, contract)
    days = _CHECKED_DAYS[interval]
    span = stored_span(table, scope, min(days, _CHECKED_DAYS_OF_MARKET) if one.needs_market else days)
    if span is None:
        return
    first, last = max(span[0], desk.settings.start), span[1]
    stored = _sampled(table, scope, first, last)
    sampled = stored["symbol"].unique().sort().to_list()
    if not sampled:
        return
    earliest = earliest_for(interval, first)
    bars, actions = LakeFrame(desk.lake, BARS[interval]), LakeFrame(desk.lake, CORPORATE_ACTIONS)
    # the market return needs all names
    names = None if one.needs_market else sampled
    all_bars = bars.read(bar_columns(interval), start=earliest, end=last, symbol=names)
    all_actions = actions.read(start=earliest, end=last, symbol=names)
    is_sampled = pl.col("symbol").is_in(sampled)
    inputs = {"bars": all_bars.filter(is_sampled), "actions": all_actions.filter(is_sampled)}
    if one.needs_market:
        inputs["market"] = market_returns(all_bars, all_actions)

    def again(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        found = compute(
            [one],
            frames["bars"],
            frames["actions"],
            start=first,
            end=last,
            interval=interval,
            exchange=desk.settings.exchange,
            market=frames.get("market"),
            relisted_after=desk.settings.quality.relisted_after,
        )
        return found[one.name]

    yield Recomputation(
        again,
        inputs=inputs,
        stored=stored,
        known_on={"bars": contract.key[-1], "actions": "ex_date"} | ({"market": "date"} if one.needs_market else {}),
        history={"bars": contract.key[-1]},
        lookback={name: feature.lookback for name, feature in one.of(interval).items()},
        key=contract.key,
        time=contract.key[-1],
        entity="symbol",
    )


def _sampled(table: LakeFrame, scope: Scope, first: date, last: date) -> pl.DataFrame:
    """Rows of the first, middle and last of the scope's names that have rows in the days that are checked."""
    wanted = scope.values.get("symbol")
    if wanted is not None:  # usually these have rows, and no others are needed
        sampled = _ends_and_middle(sorted(wanted))
        found = table.read(start=first, end=last, symbol=sampled)
        if found["symbol"].n_unique() == len(sampled):
            return found
    stored = table.lake.query(
        f"SELECT DISTINCT symbol FROM lake.{table.table} WHERE date BETWEEN ? AND ? ORDER BY symbol", [first, last]
    )["symbol"].to_list()
    names = stored if wanted is None else sorted({*stored} & {*wanted})
    return table.read(start=first, end=last, symbol=_ends_and_middle(names))


def _ends_and_middle(names: Sequence[str]) -> list[str]:
    return sorted({names[0], names[len(names) // 2], names[-1]}) if names else []


def missing_features(contract: Contract, interval: Interval, desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Bars without features and features without a bar."""
    del run_id
    inside, key, time = scope.sql(), ", ".join(contract.key), contract.key[-1]
    tables = (f"lake.{BARS[interval].table}", f"lake.{contract.table}")
    # sums of hashes show, in one pass over each table, whether anything differs
    bars, features = (f"(SELECT sum(hash({key})) FROM {table} WHERE {inside})" for table in tables)
    if desk.lake.query(f"SELECT {bars} IS NOT DISTINCT FROM {features} AS is_same")["is_same"][0]:
        return pl.DataFrame()
    bars, features = (f"(SELECT {key}, TRUE AS is_there FROM {table} WHERE {inside})" for table in tables)
    return desk.lake.query(
        f"SELECT symbol, {time}::VARCHAR AS {time}, "
        "CASE WHEN bars.is_there THEN 'bar without features' ELSE 'features without bar' END AS problem "
        f"FROM {bars} AS bars FULL JOIN {features} AS features USING ({key}) "
        "WHERE bars.is_there IS NULL OR features.is_there IS NULL ORDER BY ALL"
    )


def _of_set(one: FeatureSet, interval: Interval) -> Iterator[ScopeCheck]:
    contract = contract_of(one, interval)
    yield point_in_time_check(contract, partial(recompute, one, interval))
    rows = partial(missing_features, contract, interval)
    yield scope_check(contract, "completeness", "Every bar has its features and no other row exists.", rows)


def checks(desk: Desk) -> tuple[ScopeCheck, ...]:
    """Checks of the feature sets in Python of a desk, for bars of every interval."""
    sets = desk.part(feature_sets).values()
    return tuple(check for one in sets for interval in sorted(one.intervals) for check in _of_set(one, interval))
