"""The coverage as a picture: symbols down, months across, the share of the expected bars as colour."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl

MOST_NAMES = 60
_DPI, _WIDTH = 90, 9.0
_INK, _MUTED, _NOTHING = "#1f2933", "#616e7c", "#e4e7eb"
_MOST_TICKS = 24


def worst_names(coverage: pl.DataFrame, most: int = MOST_NAMES) -> pl.DataFrame:
    """Sort symbols by their share of the expected bars, the worst first: symbol, share, missing."""
    by_name = coverage.group_by("symbol").agg(pl.col("expected", "present").sum())
    share = pl.when(pl.col("expected") > 0).then(pl.col("present") / pl.col("expected")).otherwise(1.0)
    named = by_name.select("symbol", share=share, missing=pl.col("expected") - pl.col("present"))
    return named.sort("share", "symbol").head(most)


def coverage_heat_map(coverage: pl.DataFrame, *, title: str = "Coverage of the daily bars") -> bytes:
    """Draw a month as a cell: green is complete, red has nothing, grey expects nothing.

    Parameters
    ----------
    coverage : polars.DataFrame
        Rows of market_data.coverage, at least one.
    title : str
        What the picture shows; the number of symbols is added, and whether they are only the worst.

    Returns
    -------
    bytes
        PNG; the same rows give the same bytes.
    """
    names, months = worst_names(coverage)["symbol"].to_list(), coverage["period"].unique().sort().to_list()
    of_all = coverage["symbol"].n_unique()
    shown = f"the worst {len(names)} of {of_all} names" if of_all > len(names) else f"{of_all} names"
    figure, axes = _figure(len(names))
    image = axes.imshow(_shares(coverage, names, months), cmap=_colours(), vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_title(f"{title}: {shown}".replace("$", r"\$"), loc="left", fontsize=12, color=_INK, fontweight="bold")
    axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names], fontsize=7)
    step = -(-len(months) // _MOST_TICKS)
    axes.set_xticks(range(0, len(months), step), [f"{day:%Y-%m}" for day in months[::step]], fontsize=7, rotation=90)
    axes.tick_params(colors=_MUTED, length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.6 if len(names) > _MOST_TICKS else 1.0, pad=0.02)
    bar.set_label("bars present / expected", fontsize=8, color=_MUTED)
    bar.ax.tick_params(colors=_MUTED, labelsize=7)
    buffer = io.BytesIO()
    # Otherwise the file would contain the matplotlib version that wrote it.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _shares(coverage: pl.DataFrame, names: list[str], months: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Share by name and month; NaN where nothing is expected."""
    shares = np.full((len(names), len(months)), np.nan)
    rows, columns = {name: place for place, name in enumerate(names)}, {day: place for place, day in enumerate(months)}
    shown = coverage.filter(pl.col("symbol").is_in(names), pl.col("expected") > 0)
    for symbol, period, expected, present in shown.select("symbol", "period", "expected", "present").iter_rows():
        shares[rows[symbol], columns[period]] = present / expected
    return shares


def _colours() -> Any:
    from matplotlib.colors import LinearSegmentedColormap  # definitions must load without it

    made = LinearSegmentedColormap.from_list("coverage", ["#b3362b", "#e8c468", "#2f7d4f"])
    return made.with_extremes(bad=_NOTHING)


def _figure(names: int) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # see _colours
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 1.4 + 0.16 * max(names, 4)), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()
