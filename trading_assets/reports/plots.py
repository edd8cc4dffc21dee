"""Figures of a tear sheet as PNG bytes; the same input gives the same bytes.

Here: drawing. Not here: the statistics (`metrics`), the page (`tear_sheet`).
Only matplotlib's object interface is used, so drawing touches no process-wide state and works in any thread.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl

from trading_assets.reports.metrics import (
    drawdown_series,
    growth,
    monthly_information_coefficient,
    pnl_of_one_book,
)

_INK, _MUTED, _GRID = "#1f2933", "#616e7c", "#e4e7eb"
_BLUE, _RED, _GOLD = "#1f5fa8", "#b3362b", "#b7791f"
_DPI = 110
_WIDTH = 9.0
_TOP_FEATURES = 20


def equity_and_drawdown(pnl: pl.DataFrame, *, title: str = "Equity and drawdown") -> bytes:
    """Draw the equity curve above its drawdown; needs `date, daily_return, equity`."""
    rows = pnl_of_one_book(pnl)
    days = rows["date"].to_list()
    figure, (top, bottom) = _figure(2, height=5.2, heights=[2.4, 1.0])
    top.plot(days, rows["equity"].to_numpy(), color=_BLUE, linewidth=1.4)
    _describe(top, title=title, y="equity (currency)")
    _thousands(top)
    falls = drawdown_series(growth(rows)) * 100.0
    bottom.fill_between(days, falls, 0.0, color=_RED, alpha=0.25, linewidth=0)
    bottom.plot(days, falls, color=_RED, linewidth=1.0)
    _describe(bottom, y="drawdown (%)", x="session")
    _dates(bottom)
    return _png(figure)


def feature_importance(importance: pl.DataFrame, *, title: str = "Feature importance") -> bytes:
    """Draw the share of the total gain of the 20 most important features; needs `feature, gain`."""
    total = importance["gain"].sum()
    top = importance.sort(["gain", "feature"], descending=[True, False]).head(_TOP_FEATURES).reverse()
    share = top["gain"].to_numpy() / total * 100.0 if total else np.zeros(top.height)
    figure, (axes,) = _figure(1, height=1.2 + 0.24 * max(top.height, 4))
    axes.barh(top["feature"].to_list(), share, color=_BLUE, height=0.7)
    _describe(axes, title=f"{title}: top {top.height} of {importance.height}", x="share of total gain (%)")
    axes.grid(visible=False, axis="y")
    return _png(figure)


def information_coefficient_by_month(ic: pl.DataFrame, *, title: str = "Rank IC by month") -> bytes:
    """Draw the mean rank IC of each month as bars, and their running sum; needs `date, rank_ic`."""
    months = monthly_information_coefficient(ic)
    days, values = months["month"].to_list(), months["rank_ic"].to_numpy()
    figure, (axes,) = _figure(1, height=3.4)
    colours = [_BLUE if value >= 0 else _RED for value in values]
    axes.bar(days, values, width=22, color=colours, label="mean of the month")
    axes.axhline(0.0, color=_INK, linewidth=0.8)
    _describe(axes, title=title, y="mean rank IC (correlation)", x="month")
    running = axes.twinx()
    running.plot(days, np.cumsum(values), color=_GOLD, linewidth=1.6, marker="o", markersize=3)
    running.set_ylabel("running sum (line)", color=_GOLD, fontsize=9)
    running.tick_params(colors=_GOLD, labelsize=8)
    running.spines[["top", "left", "bottom"]].set_visible(False)
    running.spines["right"].set_color(_GRID)
    _dates(axes)
    return _png(figure)


def turnover_and_costs(pnl: pl.DataFrame, *, title: str = "Turnover and costs") -> bytes:
    """Draw turnover per session above the running sum of costs; needs `date, daily_return, turnover, costs`."""
    rows = pnl_of_one_book(pnl)
    days = rows["date"].to_list()
    figure, (top, bottom) = _figure(2, height=4.4, heights=[1.0, 1.0])
    top.vlines(days, 0.0, rows["turnover"].to_numpy() * 100.0, color=_BLUE, linewidth=1.0)
    top.set_ylim(bottom=0.0)
    _describe(top, title=title, y="turnover\n(% of equity)")
    bottom.plot(days, np.cumsum(rows["costs"].to_numpy()), color=_RED, linewidth=1.4)
    _describe(bottom, y="costs to date\n(currency)", x="session")
    _thousands(bottom)
    _dates(bottom)
    return _png(figure)


def _figure(rows: int, *, height: float, heights: list[float] | None = None) -> tuple[Any, list[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # definitions must load without it
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for one in axes:
        one.grid(visible=True, color=_GRID, linewidth=0.8)
        one.set_axisbelow(True)
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(_GRID)
        one.tick_params(colors=_MUTED, labelsize=8)
    return figure, list(axes)


def _describe(axes: Any, *, title: str = "", x: str = "", y: str = "") -> None:
    # A dollar sign of a book's name would switch matplotlib to mathematics.
    axes.set_title(title.replace("$", r"\$"), loc="left", fontsize=12, color=_INK, fontweight="bold")
    axes.set_xlabel(x, fontsize=9, color=_MUTED)
    axes.set_ylabel(y, fontsize=9, color=_MUTED)


def _dates(axes: Any) -> None:
    import matplotlib.dates  # see _figure

    dates: Any = matplotlib.dates
    locator = dates.AutoDateLocator(maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def _thousands(axes: Any) -> None:
    from matplotlib.ticker import StrMethodFormatter  # see _figure

    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    # Without this the file would name the matplotlib version that wrote it.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
