"""A feature that knows the future, or more history than it declares, stops the run before anything is made from it."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from trading_assets.desk.symbols import registered_symbols
from trading_assets.features import build
from trading_assets.features.checks import missing_features, recompute
from trading_assets.features.technical import values as technical_values
from trading_assets.lake import Scope
from trading_assets.orchestration.errors import RefreshError
from trading_assets.orchestration.jobs import plan_stage
from trading_assets_tests.desks import open_bench
from trading_assets_tests.features.shipped import DAILY, SETS

pytestmark = pytest.mark.slow

SOURCE = {
    "kind": "simulated",
    "n_symbols": 3,
    "seed": 3,
    "start": "2014-01-01",
    "end": "2016-12-31",
    "listing_rate": 0.0,
}
FIRST, LAST = date(2014, 1, 2), date(2016, 12, 30)
TECHNICAL = "features.technical"
RAW = ("market_data.bars_daily", "market_data.corporate_actions")
SCOPE = Scope(time="date", start=date(2016, 1, 1), end=date(2017, 1, 1))


@pytest.fixture(scope="module")
def bench(postgres, tmp_path_factory):
    with open_bench(postgres, tmp_path_factory.mktemp("leak"), SOURCE, date(2014, 1, 1), date(2017, 1, 1)) as opened:
        opened.list_symbols()
        yield opened


@pytest.fixture(scope="module")
def honest(bench):
    """The run of the features as they are."""
    return run_features(bench, *RAW, raises=True)


@pytest.fixture
def written_again(bench, honest):
    """After the test the rows are again what the code gives."""
    yield
    run_features(bench, raises=True)


def run_features(bench, *upstream, raises):
    planned = plan_stage("refresh_panel", bench.desk, registered_symbols(bench.instance), FIRST, LAST)
    return bench.run("refresh_panel", planned.tags, only=[*upstream, TECHNICAL], raises=raises)


def failed_checks(result):
    return {e.check_name: e.description for e in result.get_asset_check_evaluations() if not e.passed}


def replace_rsi(monkeypatch, by: Callable[[np.ndarray], np.ndarray]):
    """Let ``rsi_14`` be another function of the closes of a look-back block."""
    honest = technical_values.values

    def leaky(rows):
        found = dict(honest(rows))
        replaced = np.concatenate([by(rows.close[first:stop]) for first, stop in rows.spans()])
        return found | {"rsi_14": replaced}

    monkeypatch.setattr(technical_values, "values", leaky)
    # an edit of its file would be seen
    monkeypatch.setattr(build, "fingerprint", lambda *_: by.__name__)


def tomorrow(close):
    return np.append(close[1:], close[-1]) / close


def z_score_of_the_block(close):
    return (close - close.mean()) / close.std()


def centred(close):
    return np.convolve(close, np.ones(5) / 5.0, mode="same") / close


def since_the_first_bar(close):
    return close / close[0]


def test_the_shipped_features_pass_every_blocking_check(honest):
    found = [e for e in honest.get_asset_check_evaluations() if ".".join(e.asset_key.path) == TECHNICAL]
    assert {e.check_name for e in found} == {"contract", "look_ahead", "warm_up", "completeness"}
    assert all(e.blocking for e in found)
    assert failed_checks(honest) == {}


@pytest.mark.usefixtures("written_again")
@pytest.mark.parametrize("leak", [tomorrow, z_score_of_the_block, centred])
def test_a_feature_that_reads_the_future_fails_the_run(bench, monkeypatch, leak):
    replace_rsi(monkeypatch, leak)
    result = run_features(bench, raises=False)

    assert not result.success
    said = failed_checks(result)["look_ahead"]
    assert "rsi_14 looks ahead: values up to 20" in said
    assert "first SIM0001, 20" in said


@pytest.mark.usefixtures("written_again")
def test_a_feature_that_reads_beyond_its_look_back_fails_the_run(bench, monkeypatch):
    replace_rsi(monkeypatch, since_the_first_bar)
    result = run_features(bench, raises=False)

    assert not result.success
    said = failed_checks(result)["warm_up"]
    assert "rsi_14 reads more than the 400 rows before its own that it declares: values of 2016-12-30" in said


@pytest.mark.usefixtures("written_again")
def test_no_later_stage_runs_on_a_feature_that_reads_the_future(bench, monkeypatch):
    replace_rsi(monkeypatch, tomorrow)
    with pytest.raises(RefreshError, match=r"look_ahead of features\.technical: .*rsi_14 looks ahead"):
        bench.run_all(FIRST, LAST)

    assert {run.job_name for run in bench.instance.get_runs()} == {"refresh_symbols", "refresh_panel"}


@pytest.mark.usefixtures("written_again")
def test_stored_values_that_the_code_does_not_give_fail_the_check(bench):
    cursor = bench.desk.lake.cursor()
    cursor.execute(f"UPDATE lake.{TECHNICAL} SET rsi_14 = 1.5 WHERE date = DATE '2016-12-30'")

    (again,) = recompute(SETS["technical"], "daily", bench.desk, SCOPE, "")
    violations = again.look_ahead(SCOPE)

    assert set(violations["column"]) == {"rsi_14"}
    assert set(violations["date"]) == {"2016-12-30"}


@pytest.mark.usefixtures("written_again")
def test_a_bar_without_features_fails_the_completeness_check(bench):
    bench.desk.lake.cursor().execute(f"DELETE FROM lake.{TECHNICAL} WHERE date = DATE '2016-12-29'")

    missing = missing_features(DAILY["technical"], "daily", bench.desk, SCOPE, "")

    assert set(missing["date"]) == {"2016-12-29"}
    assert missing.height == 3


@pytest.mark.usefixtures("written_again")
def test_a_name_that_ended_before_the_others_is_checked_by_itself(bench):
    ended = "symbol = 'SIM0002' AND date >= DATE '2016-11-01'"
    bench.desk.lake.cursor().execute(f"DELETE FROM lake.{TECHNICAL} WHERE {ended}")

    alone = Scope({"symbol": ("SIM0002",)}, "date", date(2016, 1, 1), date(2017, 1, 1))
    (again,) = recompute(SETS["technical"], "daily", bench.desk, alone, "")

    assert again.stored["symbol"].unique().to_list() == ["SIM0002"]
    assert again.stored["date"].max() == date(2016, 10, 31)
