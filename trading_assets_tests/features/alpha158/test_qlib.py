"""Alpha158 beside the values of qlib itself; reference/README.md says where they come from."""

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets_tests.features.alpha158.sample import KEY, NAMES, alpha158, of_windows

REFERENCE = Path(__file__).parent / "reference"
# one part in a million of what is above one; single precision is 1e-7 of it
TOLERANCE = 1e-6
# qlib divides by 1e-12 what has no volume, and takes the logarithm of one share for it
ELSEWISE = of_windows("VMA", "VSTD", "CORR")


@cache
def bars_of(*, degenerate):
    return _of("bars", degenerate)


@cache
def values(*, degenerate):
    """Values in double precision, NaN where null, of the rows of the reference: ours and qlib's."""
    qlibs = _of("qlib", degenerate)
    ours = qlibs.select(KEY).join(alpha158(bars_of(degenerate=degenerate)), on=KEY, how="left", maintain_order="left")
    return tuple(frame.with_columns(pl.col(NAMES).cast(pl.Float64).fill_null(float("nan"))) for frame in (ours, qlibs))


def _of(name, degenerate):
    rows = pl.read_parquet(REFERENCE / f"{name}.parquet").with_columns(pl.col("date").cast(pl.Date))
    return rows.filter(pl.col("symbol").str.starts_with("_") == degenerate)


def differences(name, *, degenerate):
    """Largest difference relative to values above one, and the symbols in which not the same rows are null."""
    ours, qlibs = values(degenerate=degenerate)
    a, b = ours[name].to_numpy(), qlibs[name].to_numpy()
    known = np.isfinite(a) & np.isfinite(b)
    off = np.max(np.abs(a - b)[known] / np.maximum(np.abs(b[known]), 1.0), initial=0.0)
    return off, sorted(set(ours["symbol"].filter(np.isnan(a) != np.isnan(b))))


def test_names_and_their_order_are_qlibs():
    assert _of("qlib", degenerate=False).columns == [*KEY, *NAMES]
    assert len(NAMES) == 158


def test_the_reference_has_twenty_real_names_half_of_them_from_their_first_bar():
    rows = values(degenerate=False)[1]
    assert rows["symbol"].n_unique() == 20
    assert rows.filter(pl.col("date") == date(2013, 2, 8)).height == 10
    assert rows.height == 20 * 55 + 10 * 70


@pytest.mark.parametrize("name", NAMES)
def test_real_names_have_qlibs_values_and_nulls(name):
    off, symbols_of_other_nulls = differences(name, degenerate=False)
    assert off <= TOLERANCE
    assert symbols_of_other_nulls == []


@pytest.mark.parametrize("name", sorted(set(NAMES) - ELSEWISE))
def test_names_that_barely_trade_have_qlibs_values_and_nulls(name):
    off, symbols_of_other_nulls = differences(name, degenerate=True)
    assert off <= TOLERANCE
    assert symbols_of_other_nulls == []


@pytest.mark.parametrize("name", sorted(ELSEWISE))
def test_only_where_bars_have_no_volume_among_others_that_do_are_values_not_qlibs(name):
    ours, qlibs = (frame.filter(pl.col("symbol") != "_HALTS").select(name) for frame in values(degenerate=True))
    assert_frame_equal(ours, qlibs, abs_tol=TOLERANCE)
    assert differences(name, degenerate=True)[1] in ([], ["_HALTS"])


class TestBarsWithoutVolume:
    """``_HALTS``: thirty bars of trading and thirty without in turn."""

    @pytest.fixture
    def bars(self):
        return bars_of(degenerate=True).filter(pl.col("symbol") == "_HALTS")

    def test_they_have_no_measure_of_volume(self, bars):
        idle = bars["volume"] == 0
        found = alpha158(bars)
        for name in ("VMA60", "VSTD60"):
            assert found[name][1:].is_null().to_list() == idle[1:].to_list()

    def test_they_do_not_count_in_correlations(self, bars):
        found, traded = alpha158(bars)["CORR60"], alpha158(bars.filter(pl.col("volume") > 0))["CORR60"]
        assert found[:30].to_list() == traded[:30].to_list()
        assert set(found[30:60]) == {found[29]}
