"""Commands about your own work: new files, what is wrong with those that there are, and the pages of features."""

from __future__ import annotations

import sys

import pytest

from trading_assets import cli
from trading_assets.cli import features as commands
from trading_assets.features.templates import new_feature, new_sql_feature


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A lake's folder, and pages in a folder of this test."""
    monkeypatch.setattr(commands, "_PAGES", tmp_path / "pages")
    return tmp_path / "lake"


@pytest.fixture
def command(home, monkeypatch, capsys):
    """Run ``trading-assets`` with arguments: exit code, what was printed, and the error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["trading-assets", *arguments, "--home", str(home)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def files(folder):
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(str(path.relative_to(folder)) for path in found)


def write(home, name, text):
    path = home / "own" / "features" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestNew:
    def test_a_feature_is_a_file_and_a_test_and_the_next_steps_are_said(self, home, command):
        code, out, _ = command("new", "feature", "range_21", "--lookback", "20")
        assert code == 0
        assert files(home) == ["own/features/range_21.py", "own/tests/test_range_21.py"]
        assert "lookback=20" in (home / "own" / "features" / "range_21.py").read_text()
        steps = (
            "range_21.py",
            "pytest",
            "trading-assets check --home",
            "materialise features/own",
            "FROM features.own",
        )
        assert [step for step in steps if step not in out] == []

    def test_a_feature_in_sql_is_a_model_and_a_test(self, home, command):
        code, out, _ = command("new", "feature", "dollar_ratio", "--sql")
        assert code == 0
        assert files(home) == ["own/features/dollar_ratio.sql", "own/tests/test_dollar_ratio.py"]
        assert "FROM features.dollar_ratio" in out

    @pytest.mark.parametrize("kind", [[], ["--sql"]])
    @pytest.mark.parametrize("name", ["Range", "rsi_14", "log_return_21_rank", "symbol"])
    def test_a_name_that_cannot_be_is_one_readable_message(self, home, command, kind, name):
        code, _, err = command("new", "feature", name, *kind)
        assert code == 1
        assert err.startswith("error: ")
        assert name in err
        assert "Traceback" not in err
        assert files(home) == []

    @pytest.mark.parametrize("kind", [[], ["--sql"]])
    @pytest.mark.parametrize("again", ["features/range_21", "tests/test_range_21.py"])
    def test_nothing_is_written_over(self, home, command, kind, again):
        path = home / "own" / (again if again.endswith(".py") else again + (".sql" if kind else ".py"))
        path.parent.mkdir(parents=True)
        path.write_text("# mine")
        code, _, err = command("new", "feature", "range_21", *kind)
        assert (code, "is there already" in err) == (1, True)
        assert files(home) == [str(path.relative_to(home))]
        assert path.read_text() == "# mine"


class TestCheck:
    def test_a_desk_that_is_well_is_counted(self, home, command):
        write(home, "range_21.py", new_feature("range_21", 20)[0])
        code, out, _ = command("check")
        assert code == 0
        assert out.split() == ["466", "features,", "1", "models,", "2", "strategies,", "1", "books"]

    def test_everything_that_is_wrong_is_said_at_once_with_file_and_line(self, home, command):
        broken = write(home, "broken.py", "X = 1\n\nY = 1 / 0\n")
        ahead = write(home, "unknown.py", new_feature("unknown", 1)[0].replace('"open"', '"vwap"').replace("1", "0"))
        clash = write(home, "clash.sql", new_sql_feature("clash")[0].replace("clash", "rsi_14"))
        code, out, _ = command("check")
        assert code == 1
        assert f"{broken}:3: ZeroDivisionError: division by zero" in out
        assert f"{clash}:1: column 'rsi_14': there is a feature of this name already" in out
        assert ahead.name not in out

    @pytest.mark.slow
    def test_models_in_sql_are_compiled_and_run_on_empty_tables(self, home, command):
        refused = write(home, "refused.sql", new_sql_feature("refused")[0].replace("exact_mean(", "mean_of("))
        misspelt = write(home, "misspelt.sql", new_sql_feature("misspelt")[0].replace("close * v", "closed * v", 1))
        code, out, _ = command("check")
        assert code == 1
        assert f"{refused}: dbt cannot compile it: Runtime Error Compilation Error in model refused" in out
        assert f"{misspelt}: the model of features.misspelt does not run: Binder Error: Referenced column" in out

    def test_settings_that_cannot_be_used_are_said(self, home, command):
        home.mkdir()
        (home / "settings.yaml").write_text("exchnge: XNYS\n")
        code, _, err = command("check")
        assert (code, "exchnge" in err) == (1, True)


class TestPages:
    def test_the_pages_are_written_and_then_up_to_date(self, home, command):
        code, out, _ = command("docs")
        assert code == 0
        pages = files(home.parent / "pages")
        assert {"README.md", "technical.md", "cross_section.md"} <= set(pages)
        assert "own.md" not in pages
        assert "technical.md" in out
        code, out, _ = command("docs")
        assert (code, "up to date" in out) == (0, True)

    def test_those_of_your_own_features_lie_in_the_lakes_folder_and_change_no_other(self, home, command):
        command("docs")
        shipped = {name: (home.parent / "pages" / name).read_text() for name in files(home.parent / "pages")}
        write(home, "range_21.py", new_feature("range_21", 20)[0])
        assert command("docs")[0] == 0
        assert "| `range_21` |" in (home / "docs" / "features" / "own.md").read_text()
        assert {name: (home.parent / "pages" / name).read_text() for name in files(home.parent / "pages")} == shipped
