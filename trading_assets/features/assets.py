"""Assets of features in Python, one table per set; the SQL ones are in ``sql``."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import dagster as dg

from trading_assets.desk import mappings
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.features.build import Build
from trading_assets.features.contract import contract_of
from trading_assets.features.feature_set import PERIODS_BEFORE, FeatureSet, Interval
from trading_assets.features.matrix.matrix import whole_matrix
from trading_assets.features.matrix.view import ensure_matrix
from trading_assets.features.sets import feature_sets
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.table_assets import run_scope_of, table_in, table_out
from trading_assets.lake.contracts import Contract
from trading_assets.market_data.contract import BARS_DAILY, BARS_HOURLY, BARS_MINUTE, CORPORATE_ACTIONS, SYMBOLS
from trading_assets.market_data.listing import listed_months, listed_partitions
from trading_assets.market_data.source_policy import source_policy

OWNER = "research"
BARS: dict[Interval, Contract] = {"daily": BARS_DAILY, "hourly": BARS_HOURLY, "minute": BARS_MINUTE}


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage that are written in Python, for daily bars and the intraday bars of the desk."""
    partitions, policy = desk.part(desk_partitions), desk.part(source_policy)
    has_minutes = bool(policy.of("bars_minute"))
    is_there: dict[Interval, bool] = {
        "daily": True,
        "minute": has_minutes,
        "hourly": has_minutes or bool(policy.of("bars_hourly")),
    }
    return [
        _daily(sets, name, partitions) if interval == "daily" else _intraday(sets, interval, name, partitions)
        for interval in is_there
        if is_there[interval]
        for name, sets in steps(desk.part(feature_sets).values(), interval).items()
    ]


def steps(sets: Iterable[FeatureSet], interval: Interval) -> dict[str, list[FeatureSet]]:
    """Sets that are computed together, by name of their step.

    Sets that need the market read the bars of all names. The user's own features depend on other code than the shipped
    ones, and their errors must not stop other sets: both have steps of their own.
    """
    found: dict[str, list[FeatureSet]] = {}
    for one in (one for one in sets if interval in one.intervals):
        is_alone = bool(one.code) or one.needs_market
        found.setdefault(f"{interval}_{one.name}" if is_alone else f"{interval}_features", []).append(one)
    return found


def _outs(sets: Sequence[FeatureSet], interval: Interval) -> dict[str, dg.AssetOut]:
    return {
        one.name: table_out(contract_of(one, interval), owner=OWNER, kinds={"polars", "numba"}, is_required=False)
        for one in sets
    }


def _daily(sets: Sequence[FeatureSet], name: str, partitions: Partitions) -> dg.AssetsDefinition:
    """Sets of daily bars; those that need the market read the bars of all names."""
    reads_market = any(one.needs_market for one in sets)
    with_look_back = mappings.same_symbol_with_look_back(PERIODS_BEFORE["daily"])
    mapping = mappings.everything_so_far() if reads_market else with_look_back

    @dg.multi_asset(
        name=name,
        outs=_outs(sets, "daily"),
        partitions_def=partitions.panel,
        # One run per range and never one per piece: Dagster would split a two-dimensional single-run backfill and
        # run the pieces in any order.
        backfill_policy=dg.BackfillPolicy.multi_run(1_000_000),
        can_subset=True,
        ins={
            "symbols": table_in(SYMBOLS),
            "bars": table_in(BARS_DAILY, mapping),
            "actions": table_in(CORPORATE_ACTIONS, mapping),
        },
    )
    def features(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        symbols: LakeFrame,
        bars: LakeFrame,
        actions: LakeFrame,
    ) -> Iterator[dg.Output[Written]]:
        scope = run_scope_of(context, contract_of(sets[0], "daily"))
        first, last = scope.window()
        earliest = earliest_for("daily", first)
        listing = symbols.read()
        names = listing["symbol"] if reads_market else scope.values["symbol"]
        needed = listed_partitions(listing, names, partitions.existing_years(earliest.year, last.year))
        with retry_when_not_ready(desk.settings.retry_seconds):
            for upstream in (bars, actions):
                upstream.require_written(needed, for_what=f"features of daily bars ({scope.describe()})")
        build = Build(_wanted(context, sets), "daily", bars, actions, earliest, *_rules(desk))
        yield from _built(context, desk, build, scope)
        ensure_matrix(desk.lake, desk.part(whole_matrix))

    return features


def earliest_for(interval: Interval, first: date) -> date:
    """First day to read in order to compute features from `first` on."""
    if interval == "daily":
        return date(first.year - PERIODS_BEFORE["daily"], 1, 1)
    return mappings.months_before(first, PERIODS_BEFORE[interval])


def _rules(desk: Desk) -> tuple[str, int]:
    """Calendar code, and days without a bar after which a name begins anew."""
    return desk.settings.exchange, desk.settings.quality.relisted_after


def _wanted(context: dg.AssetExecutionContext, sets: Sequence[FeatureSet]) -> list[FeatureSet]:
    return [one for one in sets if one.name in context.op_execution_context.selected_output_names]


def _built(context: dg.AssetExecutionContext, desk: Desk, build: Build, scope: Scope) -> Iterator[dg.Output[Written]]:
    for output, result in build.write(desk.lake, scope, author=context.run.run_id).items():
        yield dg.Output(Written(result), output)


def _intraday(sets: Sequence[FeatureSet], interval: Interval, name: str, partitions: Partitions) -> dg.AssetsDefinition:
    """Sets of bars within sessions."""
    months = PERIODS_BEFORE[interval]

    @dg.multi_asset(
        name=name,
        outs=_outs(sets, interval),
        partitions_def=partitions.panel_months,
        backfill_policy=dg.BackfillPolicy.multi_run(1_000_000),
        can_subset=True,
        ins={
            "symbols": table_in(SYMBOLS),
            "bars": table_in(BARS[interval], mappings.same_symbol_with_look_back(months)),
            "actions": table_in(CORPORATE_ACTIONS, mappings.same_symbol_with_look_back(1)),
        },
    )
    def features(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        symbols: LakeFrame,
        bars: LakeFrame,
        actions: LakeFrame,
    ) -> Iterator[dg.Output[Written]]:
        scope = run_scope_of(context, contract_of(sets[0], interval))
        first, last = scope.window()
        earliest = earliest_for(interval, first)
        listing, names = symbols.read(), scope.values["symbol"]
        keys = [key for key in partitions.months_so_far() if f"{earliest:%Y-%m}" <= key <= f"{last:%Y-%m}"]
        years = partitions.existing_years(earliest.year, last.year)
        what = f"features of {interval} bars ({scope.describe()})"
        with retry_when_not_ready(desk.settings.retry_seconds):
            bars.require_written(listed_months(listing, names, keys), for_what=what)
            actions.require_written(listed_partitions(listing, names, years), for_what=what)
        build = Build(_wanted(context, sets), interval, bars, actions, earliest, *_rules(desk))
        yield from _built(context, desk, build, scope)

    return features
