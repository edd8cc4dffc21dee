"""Alpha158 by qlib itself, without processors: its seconds, and the reference values of the tests.

``python -m benchmarks.peers.qlib_alpha158 time BARS KERNELS`` prints the seconds for the bars of a Parquet file, ``...
reference PRICES FOLDER`` makes the reference data. Both run with the interpreter of ``make peers``.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from qlib.contrib.data.loader import Alpha158DL

from benchmarks.peers.qlib_data import features, opened, print_seconds, read_bars

_N_NAMES, _LOOKBACK = 20, 60
# rows from the first one on of every second name, and later rows of all names, at other times for each
_FIRST_ROWS, _LATER_ROWS = 70, 55
_LATER_FROM, _LATER_STEP = 190, 52
_DEGENERATE_ROWS, _STRETCH = 130, 30
_KEY = ["symbol", "date"]


def alpha158() -> pd.DataFrame:
    """Features of the default configuration of qlib's handler Alpha158, of all names."""
    return features(*Alpha158DL.get_feature_config())


def timed(bars: str, kernels: str) -> None:
    """Print the seconds of the features alone."""
    with opened(read_bars(bars), int(kernels)):
        print_seconds(alpha158)


def reference(prices: str, folder: str) -> None:
    """Store the bars and the values of some rows of twenty real names and of six degenerate ones.

    qlib computes in the double precision of the bars; printed is how far its usual single precision is off, as the
    largest difference of each family relative to values above one.
    """
    chosen = _complete(read_bars(prices))
    bars = pd.concat([chosen, *_degenerate(chosen)], ignore_index=True)
    with opened(bars, 1, double=True):
        exact = alpha158()
    with opened(bars, 1):
        single = alpha158()
    wanted, needed = _rows(bars)
    target = Path(folder)
    bars[needed].to_parquet(target / "bars.parquet", compression="zstd", index=False)
    rows = bars.loc[wanted, _KEY]
    rows.merge(exact, on=_KEY).to_parquet(
        target / "qlib.parquet", compression="zstd", compression_level=19, index=False
    )
    _print_precision(exact[exact["symbol"].isin(chosen["symbol"])], single)


def _complete(bars: pd.DataFrame) -> pd.DataFrame:
    """Bars of twenty names, spread over the alphabet, that have all sessions and no bar that contradicts itself."""
    prices = bars[["open", "high", "low", "close"]]
    body = bars[["open", "close"]]
    bars = bars.assign(
        good=prices.notna().all(axis=1) & (bars["high"] >= body.max(axis=1)) & (bars["low"] <= body.min(axis=1))
    )
    found = bars.groupby("symbol")["good"].agg(["size", "all"])
    names = found.index[(found["size"] == found["size"].max()) & found["all"]]
    names = names[:: len(names) // _N_NAMES][:_N_NAMES]
    return bars[bars["symbol"].isin(names)].drop(columns="good").reset_index(drop=True)


def _degenerate(bars: pd.DataFrame) -> list[pd.DataFrame]:
    """Names that barely trade, made of the first rows of a real one."""
    template = bars[bars["symbol"] == bars["symbol"].iloc[0]].head(_DEGENERATE_ROWS)
    prices = ["open", "high", "low", "close"]
    halted = pd.Series(np.arange(len(template)) // _STRETCH % 2 == 1, index=template.index)
    one_price = template.assign(**dict.fromkeys(prices, 10.1))
    held = template["close"].mask(halted).ffill()
    halts = template.assign(
        **{name: template[name].mask(halted, held) for name in prices}, volume=template["volume"].mask(halted, 0)
    )
    row = pd.Series(np.arange(len(template)), index=template.index)
    calm = row < len(template) // 2
    quiet = template.assign(
        **{name: template[name].mask(calm, 100.0 + row % 3 * 1e-3) for name in prices},
        volume=template["volume"].where(calm, 1_000_000 + row % 3),
    )
    cases = {
        "_FLAT": one_price,
        "_DEAD": one_price.assign(volume=0),
        "_NOVOLUME": template.assign(volume=0),
        "_SAMEVOLUME": template.assign(volume=1000),
        "_HALTS": halts,
        "_QUIET": quiet,
    }
    return [frame.assign(symbol=name) for name, frame in cases.items()]


def _rows(bars: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Tell the rows of the reference, and the rows that they are computed from."""
    number, row = bars.groupby("symbol", sort=False).ngroup(), bars.groupby("symbol").cumcount()
    later = (_LATER_FROM + _LATER_STEP * number).where(number < _N_NAMES, 0)
    length = pd.Series(_LATER_ROWS, index=bars.index).where(number < _N_NAMES, _DEGENERATE_ROWS)
    early = (number % 2 == 0) & (row < _FIRST_ROWS)
    late = row.between(later, later + length - 1)
    return early | late, early | row.between(later - _LOOKBACK, later + length - 1)


def _print_precision(exact: pd.DataFrame, single: pd.DataFrame) -> None:
    rows = exact[_KEY].merge(single, on=_KEY)
    off: dict[str, float] = {}
    for name in exact.columns.drop(_KEY):
        family = name if name.startswith("K") else name.rstrip("0123456789")
        a, b = exact[name].to_numpy(float), rows[name].to_numpy(float)
        off[family] = max(off.get(family, 0.0), float(np.nanmax(np.abs(a - b) / np.maximum(np.abs(a), 1.0))))
    print(json.dumps({"qlib": version("pyqlib"), "rows": len(exact)} | {f: float(f"{v:.1e}") for f, v in off.items()}))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "reference":
        reference(*arguments)
    else:
        timed(*arguments)
