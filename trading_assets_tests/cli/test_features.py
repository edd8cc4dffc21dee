"""Commands about features: new ones of your own, and the pages of all."""

from __future__ import annotations

import sys

import pytest

from trading_assets import cli
from trading_assets.cli import features as commands
from trading_assets.features import own
from trading_assets.features.sql import own as own_sql


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Let the commands write into folders of this test."""
    for name in ("modules", "tests"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(own, "__path__", [str(tmp_path / "modules")])
    monkeypatch.setattr(commands, "_TESTS", tmp_path / "tests")
    monkeypatch.setattr(commands, "_PAGES", tmp_path / "pages")
    monkeypatch.setattr(own_sql.write_sql_feature, "__defaults__", (tmp_path / "models",))
    return tmp_path


@pytest.fixture
def command(monkeypatch, capsys):
    """Run ``trading-assets`` with arguments: exit code, what was printed, and the error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["trading-assets", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_new_feature_is_a_module_and_a_test_and_the_next_steps_are_said(folders, command):
    code, out, _ = command("new", "feature", "range_21", "--lookback", "20")
    assert code == 0
    assert files(folders) == ["modules/range_21.py", "tests/test_range_21.py"]
    assert "lookback=20" in (folders / "modules" / "range_21.py").read_text()
    steps = ("range_21.py", "pytest", "trading-assets docs", "test_definitions --update", "FROM features.own")
    assert [step for step in steps if step not in out] == []


def test_a_new_feature_in_sql_is_a_model(folders, command):
    code, out, _ = command("new", "feature", "dollar_ratio", "--sql")
    assert code == 0
    assert files(folders) == ["models/dollar_ratio.sql"]
    assert "FROM features.dollar_ratio" in out


@pytest.mark.parametrize("kind", [[], ["--sql"]])
@pytest.mark.parametrize("name", ["Range", "rsi_14", "log_return_21_rank", "symbol"])
def test_a_name_that_cannot_be_is_one_readable_message(folders, command, kind, name):
    code, _, err = command("new", "feature", name, *kind)
    assert code == 1
    assert err.startswith("error: ")
    assert name in err
    assert "Traceback" not in err
    assert files(folders) == []


@pytest.mark.parametrize("kind", [[], ["--sql"]])
def test_a_feature_is_not_written_over(folders, command, kind):
    command("new", "feature", "range_21", *kind)
    code, _, err = command("new", "feature", "range_21", *kind)
    assert code == 1
    assert "is there already" in err


def test_the_pages_are_written_and_then_up_to_date(folders, command):
    code, out, _ = command("docs")
    assert code == 0
    assert {"pages/README.md", "pages/technical.md", "pages/cross_section.md"} <= set(files(folders))
    assert "technical.md" in out
    code, out, _ = command("docs")
    assert (code, "up to date" in out) == (0, True)
