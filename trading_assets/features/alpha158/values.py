"""Values of Alpha158."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trading_assets.features.alpha158._correlation import STILL, correlation
from trading_assets.features.alpha158._order import order
from trading_assets.features.alpha158._windows import (
    balance,
    blank,
    counts,
    dispersion,
    extremes,
    tiles,
    trend,
)
from trading_assets.features.alpha158.catalogue import WINDOWS
from trading_assets.features.bar_rows import Array, BarRows, guarded, ratio


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`. Rows of the look-back are not computed: they are NaN."""
    windows = _Windows(rows)
    close, volume = rows.close, rows.volume
    growth, traded = close / rows.before(close, 1), volume / rows.before(volume, 1)
    families: dict[str, Iterable[Array]] = {
        "ROC": [rows.before(close, n) / close for n in WINDOWS],
        **windows.of(trend, "MA STD BETA RSQR RESI", close),
        **windows.of(extremes, "MAX MIN RSV IMAX IMIN IMXD", rows.high, rows.low, close),
        **windows.order(close),
        **windows.of(correlation, "CORR", close, np.log(volume), 0.0),
        **windows.of(correlation, "CORD", growth, np.log(traded + 1.0), STILL),
        **windows.of(counts, "CNTP CNTN CNTD", close),
        **windows.of(balance, "SUMP SUMN SUMD", close),
        **windows.of(balance, "VSUMP VSUMN VSUMD", volume),
        **_volume(volume, *windows.of(dispersion, "mean deviation", volume, 0).values()),
        **_flow(*windows.of(dispersion, "mean deviation", np.abs(growth - 1.0) * volume, 1).values()),
    }
    named = {f"{family}{n}": one for family, table in families.items() for n, one in zip(WINDOWS, table, strict=True)}
    return _bar(rows) | named


class _Windows:
    """Tables of all windows over the rows that are wanted: family -> one array per window."""

    def __init__(self, rows: BarRows) -> None:
        self._offsets = rows.offsets
        history = np.concatenate([[0], np.cumsum(~rows.frame["is_output"].to_numpy())])
        self._starts = (rows.offsets + np.diff(history[rows.offsets], append=0))[:-1]

    @cached_property
    def _tiles(self) -> NDArray[np.int64]:
        return tiles(self._offsets, self._starts)

    def of(self, kernel: Callable[..., None], families: str, *arguments: Array | float) -> dict[str, Array]:
        """Tables of a kernel of `_windows`."""
        names = families.split()
        table = self._table(len(names))
        kernel(*arguments, self._tiles, table)
        return dict(zip(names, table, strict=True))

    def order(self, close: Array) -> dict[str, Array]:
        """Tables of quantiles and ranks."""
        table = self._table(3)
        order(close, self._offsets, self._starts, table)
        return dict(zip(("QTLU", "QTLD", "RANK"), table, strict=True))

    def _table(self, families: int) -> NDArray[np.float64]:
        table = np.empty((families, len(WINDOWS), self._offsets[-1]))
        blank(table, self._offsets, self._starts)
        return table


def _volume(volume: Array, means: Array, deviations: Array) -> dict[str, Iterable[Array]]:
    # among bars with volume there is no measure for one without
    alone = [(volume == 0.0) & (mean != 0.0) for mean in means]
    return {
        "VMA": [guarded(ratio(one, volume), none, np.nan) for one, none in zip(means, alone, strict=True)],
        "VSTD": [guarded(ratio(one, volume), none, np.nan) for one, none in zip(deviations, alone, strict=True)],
    }


def _flow(means: Array, deviations: Array) -> dict[str, Iterable[Array]]:
    return {"WVMA": [ratio(spread, mean) for mean, spread in zip(means, deviations, strict=True)]}


def _bar(rows: BarRows) -> dict[str, Array]:
    opened, high, low, close = rows.open, rows.high, rows.low, rows.close
    span = high - low
    body, move = close - opened, 2.0 * close - high - low
    upper, lower = high - np.maximum(opened, close), np.minimum(opened, close) - low
    found = {"KLEN": span / opened}
    for name, length in {"KMID": body, "KUP": upper, "KLOW": lower, "KSFT": move}.items():
        found |= {name: length / opened, f"{name}2": ratio(length, span)}
    return found | {
        "OPEN0": opened / close,
        "HIGH0": high / close,
        "LOW0": low / close,
        "VWAP0": (high + low + close) / 3.0 / close,
    }
