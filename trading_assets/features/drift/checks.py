"""Checks of drift: features whose population has changed are reported with their plots; none stops a run."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import polars as pl

from trading_assets.desk.checks import scope_check
from trading_assets.desk.desk import Desk
from trading_assets.desk.pictures import as_markdown_image
from trading_assets.features.calendar.catalogue import SET as CALENDAR
from trading_assets.features.drift.contract import DRIFT
from trading_assets.features.drift.figures import MAJOR_SHIFT, last_of, month_number
from trading_assets.features.matrix.matrix import whole_matrix
from trading_assets.lake import LakeFrame, Scope

_SHOWN_FEATURES = 6


def drifted(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Features whose PSI is beyond 0.25 in a month of the run, by their worst month, the farthest first."""
    del run_id
    beyond = _of_scope(desk, scope).filter(pl.col("psi") > MAJOR_SHIFT).sort("psi", "month", descending=True)
    worst = beyond.group_by("feature", maintain_order=True).agg(
        pl.col("psi", "month", "ks", "mean_shift").first(), months_beyond=pl.len()
    )
    return worst.with_columns(pl.col("psi", "ks", "mean_shift").round(3)).sort(
        "psi", "feature", descending=[True, False]
    )


def drift_shown(desk: Desk, scope: Scope, run_id: str) -> dict[str, dg.MetadataValue]:
    """PSI by feature and month, and the distributions of the features that moved farthest, as pictures."""
    from trading_assets.features.drift.plots import distributions, psi_heat_map

    rows = _of_scope(desk, scope).drop_nulls("psi")
    if rows.is_empty():
        return {}
    pictures = {"heat_map": as_markdown_image(psi_heat_map(rows), "PSI by feature and month")}
    farthest = drifted(desk, scope, run_id).head(_SHOWN_FEATURES)
    pairs = list(_values(desk, farthest))
    if pairs:
        pictures["distributions"] = as_markdown_image(distributions(pairs), "features that moved farthest")
    return {name: dg.MetadataValue.md(picture) for name, picture in pictures.items()}


def _values(desk: Desk, farthest: pl.DataFrame) -> Iterator[tuple[str, pl.Series, pl.Series]]:
    """Title, values of the year before and values of the worst month of each feature."""
    places = desk.part(whole_matrix).places
    there = farthest.filter(pl.col("feature").is_in(list(places)))  # a set may have lost a feature since
    for feature, month, psi in there.select("feature", "month", "psi").iter_rows():
        start, end = date(month.year - 1, 1, 1), last_of(month_number(month))
        rows = LakeFrame(desk.lake, places[feature]).read(["date", feature], start=start, end=end)
        before, now = rows.filter(pl.col("date").dt.year() < month.year), rows.filter(pl.col("date") >= month)
        yield f"{feature}, {month:%Y-%m}: PSI {psi:.2f}", before[feature], now[feature]


def _of_scope(desk: Desk, scope: Scope) -> pl.DataFrame:
    first, last = scope.window() if scope.start else (None, None)
    rows = LakeFrame(desk.lake, DRIFT).read(start=first, end=last)
    # calendar features of a month always differ from those of a year, which is not drift
    return rows.filter(~pl.col("feature").is_in(list(CALENDAR.features)))


CHECKS = (
    scope_check(
        DRIFT,
        "drift",
        f"No feature's population has changed from the year before (PSI above {MAJOR_SHIFT}).",
        drifted,
        blocking=False,
        severity=dg.AssetCheckSeverity.WARN,
        shown=drift_shown,
    ),
)
