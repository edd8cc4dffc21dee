"""Numba still keeps compiled code where its stamp says, a file for each choice of classes."""

import inspect
from typing import NamedTuple

import numba
import pytest
from numba.core.caching import FunctionCache, IndexDataCacheFile

from trading_assets.library_internals.numba import StampedCache, keep_on_disk, python_function


class Factor(NamedTuple):
    value: float


class Other(NamedTuple):
    value: float


def scaled(factor, number):
    return factor.value * number


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Compile the function as in a process of its own, under a stamp; misses of the cache so far."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def compile_(stamp):
        found = numba.njit(scaled)
        keep_on_disk(found, lambda classes: ("".join(f"-{one.__name__}" for one in classes), stamp))
        return found

    return compile_


def misses(function):
    return sum(function.stats.cache_misses.values())


def test_code_is_read_again_while_its_stamp_is_the_same(compiled):
    for stamp, missed in (("1", 1), ("1", 0), ("2", 1)):
        function = compiled(stamp)
        assert function(Factor(2.0), 3.0) == 6.0
        assert misses(function) == missed


def test_each_choice_of_classes_has_a_file_of_its_own(compiled, tmp_path):
    function = compiled("1")
    for factor in (Factor(2.0), Other(3.0)):
        function(factor, 1.0)
    names = [path.name for path in tmp_path.rglob("*.nbi")]
    assert sorted(("Factor" in name, "Other" in name) for name in names) == [(False, True), (True, False)]


def test_a_function_is_told_from_what_it_was_compiled_from():
    assert python_function(numba.njit(scaled)) is scaled
    assert python_function(scaled) is None


def test_the_attributes_and_methods_that_are_used_exist():
    assert list(inspect.signature(IndexDataCacheFile.__init__).parameters) == [
        "self",
        "cache_path",
        "filename_base",
        "source_stamp",
    ]
    assert list(inspect.signature(FunctionCache._load_overload).parameters) == ["self", "sig", "target_context"]
    assert list(inspect.signature(FunctionCache._save_overload).parameters) == ["self", "sig", "data"]
    cache = StampedCache(scaled, lambda _: ("", "1"))
    assert cache._cache_file._source_stamp == "1"
    assert isinstance(cache._impl.filename_base, str)
    assert "_cache" in vars(numba.njit(scaled))
