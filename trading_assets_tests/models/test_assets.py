"""Which sessions models are trained at, and what the row of a model says of its data."""

from datetime import date
from pathlib import Path

import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.models.assets import month_ends
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.month import MonthlyTrainer
from trading_assets_tests.desks import open_bench
from trading_assets_tests.models.panels import panel

SPEC = ModelSpec(name="small", params={"num_iterations": 5}, min_sessions=60, max_sessions=120, min_rows=200)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2016-01-01", "2016-03-31", ["2016-01-29", "2016-02-29", "2016-03-31"]),
        ("2015-12-01", "2016-01-31", ["2015-12-31", "2016-01-29"]),
        ("2015-04-01", "2015-04-30", ["2015-04-30"]),
    ],
)
def test_a_month_ends_with_its_last_session(first: str, last: str, expected: list[str]) -> None:
    days = sessions("XNYS", date.fromisoformat(first), date.fromisoformat(last))
    assert [str(day) for day in month_ends(days)] == expected


def test_the_same_month_of_two_years_ends_twice() -> None:
    assert month_ends([date(2015, 3, 31), date(2016, 3, 31)]) == [date(2015, 3, 31), date(2016, 3, 31)]


def test_a_month_trained_again_to_the_same_model_keeps_its_version_and_its_snapshot(
    postgres: PostgresUrl, tmp_path: Path
) -> None:
    """Sessions after the cut were added since: the lake's snapshot is another, what the model learned from is not."""
    features, labels = panel()
    cut = features["date"].unique().sort()[100]
    with open_bench(postgres, tmp_path / "lake", {"kind": "simulated"}, date(2020, 1, 1), date(2021, 1, 1)) as bench:
        first = MonthlyTrainer(bench.desk, features.filter(features["date"] <= cut), labels, snapshot=3)
        again = MonthlyTrainer(bench.desk, features, labels, snapshot=9)
        assert first.train(SPEC, [cut], workers=1) == again.train(SPEC, [cut], workers=1) == []
    assert first.trained()["data_snapshot"].to_list() == [3]
    assert again.trained().equals(first.trained())
