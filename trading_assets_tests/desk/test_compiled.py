"""Compiled code on disk belongs to the sources it was made from."""

from pathlib import Path

from trading_assets import backtest, execution
from trading_assets.backtest.ledger import run_ledger
from trading_assets.desk.compiled import numba_compiled, source_folders, source_stamp


def test_the_stamp_changes_with_any_file_of_the_folder(tmp_path):
    stamps = []
    for name, text in [("a.py", "x = 1"), ("b.py", "y = 1"), ("b.py", "y = 2"), ("c.txt", "not code")]:
        (tmp_path / name).write_text(text, encoding="utf-8")
        source_stamp.cache_clear()
        stamps.append(source_stamp(tmp_path))
    assert len(set(stamps[:3])) == 3
    assert stamps[3] == stamps[2]


def test_the_compiled_ledger_is_stamped_with_every_folder_that_is_compiled_into_it():
    source_stamp.cache_clear()
    folders = source_folders(run_ledger.py_func)
    assert {Path(package.__file__).parent for package in (backtest, execution)} <= set(folders)
    assert run_ledger._cache._cache_file._source_stamp == source_stamp(*folders)


def test_compiled_functions_give_what_python_gives():
    def mean(left: float, right: float) -> float:
        return (left + right) / 2.0

    assert numba_compiled(mean)(1.0, 4.0) == mean(1.0, 4.0) == 2.5
