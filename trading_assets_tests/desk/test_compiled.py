"""Compiled code on disk belongs to the sources it was made from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from trading_assets import backtest, execution
from trading_assets.backtest.ledger import run_ledger
from trading_assets.desk.compiled import numba_compiled, source_folders, source_stamp
from trading_assets_tests.backtest.golden import markets
from trading_assets_tests.execution.examples import PER_TRADE

MODEL = """
from typing import NamedTuple
class {name}(NamedTuple):
    factor: float
    def applied(self, value):
        return {formula}
"""
LOOP = """
from trading_assets.desk.compiled import compiled_method, numba_compiled
applied = compiled_method("applied")
@numba_compiled
def total(model, count):
    result = 0.0
    for k in range(count):
        result += applied(model, float(k))
    return result
"""
RUN = """
import json, sys
from importlib import import_module
from loop import total
found = {}
for name in sys.argv[1:]:
    model = getattr(import_module(name), name.title())(3.0)
    before = dict(total.stats.cache_misses)
    value = total(model, 4)
    found[name] = [value, total.stats.cache_misses != before]
print(json.dumps(found))
"""
FOLDERS = ("loops", "models")
SECOND_PROCESS = """
from trading_assets.backtest.ledger import run_ledger
from trading_assets_tests.backtest.golden import markets
from trading_assets_tests.execution.examples import PER_TRADE
market, targets = next(markets(1))
run_ledger(market, targets, 1e5, PER_TRADE.rules(1.0, 0.1))
print(sum(run_ledger.stats.cache_hits.values()), sum(run_ledger.stats.cache_misses.values()))
"""


def run_python(script: str, *arguments: str, folders: Sequence[Path] = ()) -> str:
    """What a script prints in a process that starts from nothing; `folders` are where it finds modules."""
    paths = [*map(str, folders), str(Path(execution.__file__).parents[2])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_stamp_changes_with_any_file_of_the_folder(tmp_path):
    stamps = []
    for name, text in [("a.py", "x = 1"), ("b.py", "y = 1"), ("b.py", "y = 2"), ("c.txt", "not code")]:
        (tmp_path / name).write_text(text, encoding="utf-8")
        source_stamp.cache_clear()
        stamps.append(source_stamp(tmp_path))
    assert len(set(stamps[:3])) == 3
    assert stamps[3] == stamps[2]


def test_the_stamp_of_a_file_is_that_of_its_name_and_content(tmp_path):
    stamps = []
    for name, text in [("a.py", "x = 1"), ("b.py", "x = 1"), ("b.py", "x = 2")]:
        (tmp_path / name).write_text(text, encoding="utf-8")
        source_stamp.cache_clear()
        stamps.append(source_stamp(tmp_path / name))
    assert len(set(stamps)) == 3


def test_the_compiled_ledger_is_stamped_with_every_source_that_is_compiled_into_it():
    market, targets = next(markets(1))
    run_ledger(market, targets, 1e5, PER_TRADE.rules(1.0, 0.1))
    source_stamp.cache_clear()
    folders = source_folders(run_ledger.py_func)
    assert {Path(package.__file__).parent for package in (backtest, execution)} <= set(folders)
    models = Path(execution.__file__).parent / "models"
    files = [models / f"{name}.py" for name in ("commission_per_trade", "slippage_square_root", "fill_participation")]
    [stamp] = {
        run_ledger._cache.file_of(signature)._source_stamp
        for signature in run_ledger.signatures
        if "PerTrade" in str(signature)
    }
    assert stamp == source_stamp(*folders, *files)


def test_a_second_process_does_not_compile_the_ledger_again():
    market, targets = next(markets(1))
    run_ledger(market, targets, 1e5, PER_TRADE.rules(1.0, 0.1))
    assert run_python(SECOND_PROCESS).split() == ["1", "0"]


@pytest.fixture
def project(tmp_path) -> Path:
    """A loop that is compiled for two classes, each in a file of its own."""
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    (tmp_path / "loops" / "loop.py").write_text(LOOP, encoding="utf-8")
    write_model(tmp_path, "twice", "2.0 * value")
    write_model(tmp_path, "times", "self.factor * value")
    return tmp_path


def write_model(project: Path, name: str, formula: str) -> None:
    (project / "models" / f"{name}.py").write_text(MODEL.format(name=name.title(), formula=formula), encoding="utf-8")


def run(project: Path, *names: str) -> dict[str, list]:
    """Value and whether it was compiled, by class, in a process that starts from nothing."""
    found: dict[str, list] = json.loads(run_python(RUN, *names, folders=[project / name for name in FOLDERS]))
    return found


def test_code_is_compiled_once_for_each_class_of_a_named_tuple(project):
    assert run(project, "twice", "times") == {"twice": [12.0, True], "times": [18.0, True]}
    assert run(project, "twice", "times") == {"twice": [12.0, False], "times": [18.0, False]}


def test_an_edited_class_is_compiled_again_and_the_others_are_not(project):
    run(project, "twice", "times")
    write_model(project, "twice", "2.0 * value + 1.0")
    assert run(project, "twice", "times") == {"twice": [16.0, True], "times": [18.0, False]}


def test_a_class_that_is_gone_or_new_leaves_the_code_of_the_others_valid(project):
    run(project, "twice", "times")
    (project / "models" / "twice.py").unlink()
    write_model(project, "minus", "value - self.factor")
    assert run(project, "times", "minus") == {"times": [18.0, False], "minus": [-6.0, True]}


def test_a_method_is_called_by_its_class_without_compiling_too(project, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    script = "from loop import total; from times import Times; print(total(Times(3.0), 4))"
    assert run_python(script, folders=[project / name for name in FOLDERS]).strip() == "18.0"


def test_compiled_functions_give_what_python_gives():
    def mean(left: float, right: float) -> float:
        return (left + right) / 2.0

    assert numba_compiled(mean)(1.0, 4.0) == mean(1.0, 4.0) == 2.5
