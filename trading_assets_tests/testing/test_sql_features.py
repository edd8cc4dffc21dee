"""What the test of a user's feature in SQL calls: an honest model passes, and each broken rule is named."""

import tempfile
from datetime import date

import polars as pl
import pytest

from trading_assets.features.templates import new_sql_feature
from trading_assets.testing import check_sql_feature, run_sql_feature

BROKEN = {
    "looks_ahead": ("20 preceding and current row", "19 preceding and 1 following", "looks_ahead looks ahead: values"),
    "looks_back": ('"lookback": 20', '"lookback": 5', "looks_back reads more than the 5 rows"),
    "nothing": ("filled < 21", "filled < 9999", "nothing has no value on any row"),
    "infinite": ("dollars / mean_dollars", "dollars / 0.0", "infinite has values that are not finite: infinite"),
    "misspelt": ("close * volume as", "closed * volume as", 'Referenced column "closed" not found'),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The template's model, and one for each rule that it can break."""
    made = tmp_path_factory.mktemp("own")
    (made / "features").mkdir()
    (made / "features" / "honest.sql").write_text(new_sql_feature("honest")[0])
    for name, (old, new, _) in BROKEN.items():
        text = new_sql_feature(name)[0]
        assert old in text
        (made / "features" / f"{name}.sql").write_text(text.replace(old, new))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(made))
        yield made


def test_an_honest_model_passes(folder):
    check_sql_feature("honest", folder)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_named(folder, name):
    with pytest.raises(Exception, match=BROKEN[name][2]):
        check_sql_feature(name, folder)


def test_a_model_that_does_not_exist_is_named_with_those_that_do(folder):
    with pytest.raises(AssertionError, match="no feature 'yours' of your own in SQL; there is honest, infinite"):
        check_sql_feature("yours", folder)


def test_rows_are_those_of_tables_written_down(folder):
    days = [date(2016, 1, day) for day in range(4, 26)]
    bars = pl.DataFrame({"symbol": "A", "date": days, "close": 10.0, "volume": [100] * 21 + [310]})
    found = run_sql_feature("honest", {"market_data.bars_daily": bars}, folder)
    assert found["honest"].to_list() == [None] * 20 + [1.0, pytest.approx(3100 / (20 * 1000 + 3100) * 21)]
