"""Files of new work: the test holds as it is, and with any body that obeys the rules; it fails where one does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trading_assets.features.registry import FeatureError
from trading_assets.features.sql.own import SqlFeatureError
from trading_assets.features.templates import new_feature, new_sql_feature
from trading_assets.models.model_spec import ModelError
from trading_assets.models.templates import new_model
from trading_assets.portfolio.sizing import SizingError
from trading_assets.portfolio.templates import new_sizing
from trading_assets.signals import StrategyError
from trading_assets.signals.templates import new_strategy

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


@pytest.fixture
def written(tmp_path):
    """Factory of own work with a new file and its test."""

    def make(name, texts, file=None):
        file = file or f"features/{name}.py"
        files = tmp_path / "own" / file, tmp_path / "own" / "tests" / f"test_{name}.py"
        for file, text in zip(files, texts, strict=True):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return files

    return make


def outcome(test, cwd):
    """How the tests of a file end, run from another folder, as pytest counts them."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(test)]
    environment = os.environ | {"TMPDIR": str(cwd)}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return re.sub(r" in [\d.]+s.*| warnings?|, \d+(?= warning)", "", done.stdout.splitlines()[-1])


@pytest.mark.parametrize("lookback", [0, 400])
def test_the_test_holds_as_it_is(written, tmp_path, lookback):
    _, test = written("momentum", new_feature("momentum", lookback))
    assert outcome(test, tmp_path) == "1 passed, 1 skipped"


def test_the_test_holds_when_the_body_is_that_of_the_readme(written, tmp_path):
    module, test = written("range_21", new_feature("range_21", 20))
    (body,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def range_21" in block)
    module.write_text(body)
    assert outcome(test, tmp_path) == "1 passed, 1 skipped"


def test_the_test_fails_for_a_body_that_looks_ahead_and_for_a_value_that_is_not_the_one_worked_out(written, tmp_path):
    module, test = written("momentum", new_feature("momentum", 1))
    ahead = module.read_text().replace(".shift(1)", ".shift(-1)")
    by_hand = re.sub(r"# (\(\[.*)", r"\1", test.read_text())
    test.write_text(by_hand)
    assert outcome(test, tmp_path) == "1 failed, 1 passed"
    test.write_text(by_hand.replace("0.25", "12.0 / 11.0 - 1"))
    assert outcome(test, tmp_path) == "2 passed"
    module.write_text(ahead)
    assert outcome(test, tmp_path) == "2 failed"


@pytest.mark.slow
def test_the_test_of_a_model_in_sql_holds_as_it_is_and_fails_for_one_that_looks_ahead(written, tmp_path):
    model, test = written("dollars", new_sql_feature("dollars"), "features/dollars.sql")
    assert outcome(test, tmp_path) == "1 passed, 1 skipped"
    model.write_text(model.read_text().replace("20 preceding and current row", "19 preceding and 1 following"))
    assert outcome(test, tmp_path) == "1 failed, 1 skipped"


def test_the_test_of_a_model_holds_as_it_is_and_fails_for_one_that_reads_what_does_not_exist(written, tmp_path):
    module, test = written("momentum", new_model("momentum"), "models/momentum.py")
    assert outcome(test, tmp_path) == "1 passed"
    module.write_text(module.read_text().replace('"rsi_14"', '"rsi_15"'))
    assert outcome(test, tmp_path) == "1 failed"


def test_the_test_of_a_strategy_holds_as_it_is_and_fails_for_one_that_looks_ahead(written, tmp_path):
    module, test = written("reversal", new_strategy("reversal"), "strategies/reversal.py")
    assert outcome(test, tmp_path) == "1 passed, 1 skipped"
    module.write_text(module.read_text().replace(".shift(5)", ".shift(-5)"))
    assert outcome(test, tmp_path) == "1 failed, 1 skipped"


def test_the_test_of_a_sizing_holds_as_it_is_and_fails_for_one_that_keeps_no_limit(written, tmp_path):
    module, test = written("by_rank", new_sizing("by_rank"), "sizings/by_rank.py")
    assert outcome(test, tmp_path) == "1 passed, 1 skipped"
    module.write_text(module.read_text().replace("inputs.limits.max_weight", "9.0"))
    assert outcome(test, tmp_path) == "1 failed, 1 skipped"


def test_the_files_are_in_the_style_of_the_project(written):
    files = [
        str(path) for days in (0, 9) for path in written(f"momentum_{days}", new_feature(f"momentum_{days}", days))
    ]
    files += [str(written("dollars", new_sql_feature("dollars"), "features/dollars.sql")[1])]
    files += map(str, written("momentum", new_model("momentum"), "models/momentum.py"))
    files += map(str, written("reversal", new_strategy("reversal"), "strategies/reversal.py"))
    files += map(str, written("by_rank", new_sizing("by_rank"), "sizings/by_rank.py"))
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", *files]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "lookback", "said"),
    [
        ("Momentum", 5, "'Momentum' cannot be the name of a feature"),
        ("class", 5, "'class' cannot be the name of a feature"),
        ("../evil", 5, "'../evil' cannot be the name of a feature"),
        ("rsi_14", 5, "there is a column 'rsi_14' already"),
        ("volume", 5, "there is a column 'volume' already"),
        ("momentum", -1, "--lookback -1: it counts the bars before a row's own, from 0 to 400"),
        ("momentum", 401, "--lookback 401"),
    ],
)
def test_what_cannot_be_a_feature_has_no_files(name, lookback, said):
    with pytest.raises(FeatureError, match=said):
        new_feature(name, lookback, taken={"rsi_14"})


@pytest.mark.parametrize(
    ("new", "name", "said"),
    [
        (new_model, "Momentum", "'Momentum' cannot be the name of a model"),
        (new_model, "two words", "'two words' cannot be the name of a model"),
        (new_model, "taken", "there is a model 'taken' already"),
        (new_strategy, "Reversal", "'Reversal' cannot be the name of a strategy"),
        (new_strategy, "class", "'class' cannot be the name of a strategy"),
        (new_strategy, "taken", "there is a strategy 'taken' already"),
        (new_sizing, "By_rank", "'By_rank' cannot be the kind of a sizing"),
        (new_sizing, "taken", "there is a sizing 'taken' already"),
    ],
)
def test_what_cannot_be_a_model_a_strategy_or_a_sizing_has_no_files(new, name, said):
    with pytest.raises((ModelError, StrategyError, SizingError), match=said):
        new(name, taken={"taken"})


@pytest.mark.parametrize("name", ["Mine", "1st", "a-b", "a__b", ""])
def test_what_cannot_be_a_table_has_no_files(name):
    with pytest.raises(SqlFeatureError, match="lower case"):
        new_sql_feature(name)
