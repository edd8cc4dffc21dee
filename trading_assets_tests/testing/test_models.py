"""What the test of a user's model calls: an honest model passes, and each broken rule is named."""

from textwrap import dedent

import pytest

from trading_assets.testing import check_model

MODEL = """
    from trading_assets.models.model_spec import ModelSpec

    mine = ModelSpec(
        name="mine", features=("rsi_14", "log_return_21"), min_sessions=60, max_sessions=90, min_rows=200, {options}
    )
"""


@pytest.fixture
def folder(tmp_path):
    """Factory of folders with a model, given by its further options."""

    def make(options):
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "models" / "mine.py").write_text(dedent(MODEL).format(options=options))
        return tmp_path

    return make


@pytest.mark.parametrize("options", ["", "learner='ridge'", "learner='ridge', scaling='robust'"])
def test_an_honest_model_passes(folder, options):
    check_model("mine", folder(options))


def test_a_feature_of_the_users_own_can_be_learned_from(folder, tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "gap.py").write_text(
        "import polars as pl\nfrom trading_assets.features import feature\n"
        "@feature(lookback=0, unit='ratio')\ndef gap():\n    'Gap.'\n    return pl.col('open') / pl.col('close')\n"
    )
    model = folder("learner='ridge'") / "models" / "mine.py"
    model.write_text(model.read_text().replace('"rsi_14"', '"gap"'))
    check_model("mine", tmp_path)


BROKEN = {
    "an unknown learner": ("learner='rigde'", r"model 'mine': there is no learner 'rigde' \(did you mean 'ridge'\?\)"),
    "an unknown parameter": ("learner='ridge', params={'alhpa': 1.0}", "model 'mine': .*alhpa"),
    "every row the same score": ("learner='lightgbm', params={'num_iterations': 1, 'min_data_in_leaf': 9999}", "same"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named(folder, case):
    options, said = BROKEN[case]
    with pytest.raises(AssertionError, match=said):
        check_model("mine", folder(options))


def test_a_model_that_does_not_exist_is_named_with_those_that_do(folder):
    with pytest.raises(AssertionError, match="no model 'yours' of your own; there are mine"):
        check_model("yours", folder(""))
