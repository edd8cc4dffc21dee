"""The stage of features: its tables, assets, checks and jobs."""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions
from trading_assets.desk.stage import Asset, Span, Stage, StageJob
from trading_assets.features import checks as python_checks
from trading_assets.features.contract import contracts
from trading_assets.features.desk_matrix import desk_matrix, names_of_features, tables_of_features
from trading_assets.features.matrix import assets as matrix_assets
from trading_assets.features.sets import feature_sets
from trading_assets.features.sql import checks as sql_checks
from trading_assets.features.sql.sets import sql_sets
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.market_data.stage import PANEL_JOB, tags_of_intraday

INTRADAY_FEATURES_JOB = "refresh_intraday_features"
CROSS_SECTION_JOB = "refresh_cross_section"


def assets(desk: Desk) -> Sequence[Asset]:
    """Assets of the stage; those of drift are a stage of their own."""
    return [*desk.part(tables_of_features), *matrix_assets.build_assets(desk.part(desk_matrix))]


def _intraday_tables(desk: Desk) -> list[str]:
    suffixes = tuple(name.removeprefix("bars") for name in desk.part(desk_partitions).intraday)
    if not suffixes:
        return []
    return sorted(table for table in desk.part(names_of_features) if table.endswith(suffixes))


def _tags_of_years(desk: Desk, span: Span) -> dict[str, str]:
    del desk
    return range_tags(f"{span.first.year}", f"{span.last.year}")


STAGE = Stage(
    "features",
    contracts=contracts,
    assets=assets,
    checks=lambda desk: (*python_checks.checks(desk), *sql_checks.checks(desk)),
    jobs=(
        StageJob(PANEL_JOB, lambda desk: [f"features.{name}" for name in desk.part(feature_sets)]),
        # features of bars within sessions need the corporate actions of the panel
        StageJob(INTRADAY_FEATURES_JOB, _intraday_tables, tags_of_intraday),
        StageJob(CROSS_SECTION_JOB, lambda desk: [f"features.{name}" for name in desk.part(sql_sets)], _tags_of_years),
    ),
)
