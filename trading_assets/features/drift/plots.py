"""Drift as pictures, PNG bytes: the same rows give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST_FEATURES = 60
_DPI, _WIDTH = 90, 9.0
_INK, _MUTED, _NOTHING = "#1f2933", "#616e7c", "#e4e7eb"
_BEFORE, _NOW = "#9aa5b1", "#b3362b"
_MOST_TICKS = 24
_LEVELS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
_BINS, _ACROSS = 40, 2
_TAILS = (0.5, 99.5)


def worst_features(drift: pl.DataFrame, most: int = MOST_FEATURES) -> list[str]:
    """Features by their highest PSI, the highest first."""
    highest = drift.drop_nulls("psi").group_by("feature").agg(pl.col("psi").max())
    return highest.sort("psi", "feature", descending=[True, False])["feature"].head(most).to_list()


def psi_heat_map(drift: pl.DataFrame) -> bytes:
    """Draw PSI as a cell for each feature and month: green is an unchanged population, red a changed one, grey unknown.

    Parameters
    ----------
    drift : polars.DataFrame
        Rows of features.drift, at least one with a PSI; the 60 features with the highest PSI are drawn.
    """
    names, months = worst_features(drift), drift["month"].unique().sort().to_list()
    of_all = drift["feature"].n_unique()
    figure, (axes,) = _figure(1, 1, height=1.4 + 0.16 * max(len(names), 4))
    colours, norm = _colours()
    image = axes.imshow(_by_month(drift, names, months), cmap=colours, norm=norm, aspect="auto")
    axes.set_title(f"PSI by month: the highest {len(names)} of {of_all} features", **_TITLE)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    step = -(-len(months) // _MOST_TICKS)
    axes.set_xticks(range(0, len(months), step), [f"{day:%Y-%m}" for day in months[::step]], fontsize=7, rotation=90)
    axes.tick_params(colors=_MUTED, length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.6 if len(names) > _MOST_TICKS else 1.0, pad=0.02)
    bar.set_label("population stability index", fontsize=8, color=_MUTED)
    bar.ax.tick_params(colors=_MUTED, labelsize=7)
    return _png(figure)


def distributions(pairs: Sequence[tuple[str, pl.Series, pl.Series]]) -> bytes:
    """Draw values of the year before (grey) and of a month (red) over each other.

    Parameters
    ----------
    pairs : sequence of (str, polars.Series, polars.Series)
        Title, values of the year before and values of the month, not all empty; 0.5 % at either end are left out.
    """
    down = -(-len(pairs) // _ACROSS)
    figure, panels = _figure(down, _ACROSS, height=1.9 * down)
    for axes, pair in zip(panels, pairs, strict=False):
        before, now = (one.drop_nulls().drop_nans().to_numpy().astype(np.float64) for one in pair[1:])
        lowest, highest = np.percentile(np.concatenate([before, now]), _TAILS).tolist()
        edges = np.linspace(lowest, highest, _BINS + 1)
        for values, colour, label in ((before, _BEFORE, "year before"), (now, _NOW, "month")):
            heights = np.histogram(values, edges)[0] / max(values.size, 1)
            axes.stairs(heights, edges, color=colour, fill=colour == _BEFORE, label=label, linewidth=1.2)
        axes.set_title(pair[0], **(_TITLE | {"fontsize": 8}))
        axes.tick_params(colors=_MUTED, labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(fontsize=7, frameon=False)
    for axes in panels[len(pairs) :]:
        axes.set_visible(False)
    return _png(figure)


_TITLE: dict[str, Any] = {"loc": "left", "fontsize": 12, "color": _INK, "fontweight": "bold"}


def _by_month(drift: pl.DataFrame, names: list[str], months: list[Any]) -> NDArray[np.float64]:
    """PSI by feature and month; NaN where it is not known."""
    found = np.full((len(names), len(months)), np.nan)
    rows, columns = {name: place for place, name in enumerate(names)}, {day: place for place, day in enumerate(months)}
    shown = drift.filter(pl.col("feature").is_in(names)).drop_nulls("psi")
    for feature, month, psi in shown.select("feature", "month", "psi").iter_rows():
        found[rows[feature], columns[month]] = psi
    return found


def _colours() -> tuple[Any, Any]:
    """A colour for each level: green below 0.1, yellow below 0.25, from there on red and darker."""
    from matplotlib.colors import BoundaryNorm, ListedColormap  # definitions must load without it

    shades = ["#2f7d4f", "#e8c468", "#e08e45", "#cf5f38", "#b3362b", "#86211f"]
    colours = ListedColormap(shades).with_extremes(bad=_NOTHING, over="#4f1216")
    return colours, BoundaryNorm(_LEVELS, ncolors=len(shades), extend="neither")


def _figure(down: int, across: int, *, height: float) -> tuple[Any, list[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # see _colours
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(down, across, squeeze=False).ravel())


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    # Without this the file would name the matplotlib version that wrote it.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
