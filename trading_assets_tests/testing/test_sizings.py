"""What the test of a user's sizing calls: an honest sizing passes, and each broken rule is named."""

import pytest

from trading_assets.portfolio.sizing import SizingLimits
from trading_assets.portfolio.templates import new_sizing
from trading_assets.testing import check_sizing, sizing_weights

RETURNS = """
    @property
    def needs(self):
        return Needs(return_sessions=20)

    def weights("""

BY_NAME = "inputs.returns.group_by('rebalance', 'symbol', maintain_order=True)"
CALM = f"{BY_NAME}.agg(calm=1 / pl.col('return').std()).drop_nulls()"
WITH_CALM = "inputs.scores.join(calm, on=['rebalance', 'symbol'], maintain_order='left')"
RANK = 'rank("ordinal").over("rebalance").cast(pl.Float64)'
SHARED = "share_out(claims, inputs.limits.gross_leverage, inputs.limits.max_weight)"


@pytest.fixture
def folder(tmp_path):
    """Factory of folders with the template's sizing, parts of its text replaced."""

    def make(*replaced):
        text = new_sizing("mine")[0]
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "sizings").mkdir(exist_ok=True)
        (tmp_path / "sizings" / "mine.py").write_text(text)
        return tmp_path

    return make


def test_an_honest_sizing_passes(folder):
    check_sizing("mine", folder())


def test_an_honest_sizing_that_reads_returns_passes(folder):
    made = folder(
        ("import Sizing,", "import Needs, Sizing,"),
        ("\n    def weights(", RETURNS),
        ("rank = ", f"calm = {CALM}\n        rank = "),
        ("highest(inputs.scores,", f"highest({WITH_CALM},"),
        ("claim=rank", "claim=pl.col('calm')"),
    )
    check_sizing("mine", made)


BROKEN = {
    "weights that follow other sessions": (
        (RANK, "abs() / pl.col('score').abs().max()"),
        (SHARED, "claims.select('rebalance', 'symbol', weight=pl.col('claim') / 50)"),
        "the sizing 'mine': weight looks ahead",
    ),
    "weights above the limits": (
        (RANK, "is_not_null().cast(pl.Float64)"),
        (SHARED, "claims.select('rebalance', 'symbol', weight='claim')"),
        "the sizing 'mine' gives a weight above max_weight",
    ),
    "no weight": (
        (SHARED, "claims.head(0).select('rebalance', 'symbol', weight='claim')"),
        "the sizing 'mine' gives no weight in a daily book",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named(folder, case):
    *replaced, said = BROKEN[case]
    with pytest.raises(AssertionError, match=said):
        check_sizing("mine", folder(*replaced))


def test_a_sizing_that_does_not_exist_is_named_with_those_that_do(folder):
    with pytest.raises(AssertionError, match="no sizing 'yours' of your own; there are mine"):
        check_sizing("yours", folder())


def test_weights_are_those_of_scores_written_down(folder):
    limits = SizingLimits(top_fraction=0.5, gross_leverage=1.0, max_weight=0.6)
    found = sizing_weights("mine", {"A": 0.3, "B": 0.1, "C": -0.2, "D": 0.2}, folder(), limits=limits)
    assert found == {"A": pytest.approx(0.6), "D": pytest.approx(0.4)}
