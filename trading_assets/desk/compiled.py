"""Loops compiled with numba, cached on disk by what the code says: the ledger's recursion, the windows of features."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher

from trading_assets.desk.source_files import files_stamp

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = f"{__name__.partition('.')[0]}."


@cache
def source_stamp(*folders: Path) -> str:
    """Content hash of the Python files in some folders: hexadecimal SHA-256 of their names and contents, in order."""
    return "".join(files_stamp(sorted(folder.glob("*.py")), folder) for folder in folders)


def source_folders(function: Callable[..., Any]) -> tuple[Path, ...]:
    """Folders whose code is compiled into a function, sorted: its own, and those of what it may call or be given.

    Parameters
    ----------
    function : callable
        A Python function. The compiled functions among its module's globals are followed into their own modules; of
        named tuples the folder alone counts.
    """
    found, coming = set[Path](), [function]
    seen = {function.__module__}
    while coming:
        current = coming.pop()
        found.add(Path(current.__code__.co_filename).parent)
        for value in current.__globals__.values():
            if isinstance(value, Dispatcher) and value.py_func.__module__ not in seen:
                seen.add(value.py_func.__module__)
                coming.append(value.py_func)
            elif isinstance(value, type) and issubclass(value, tuple) and value.__module__.startswith(_PACKAGE):
                found.add(Path(sys.modules[value.__module__].__file__ or __file__).parent)
    return tuple(sorted(found))


class _PackageCache(FunctionCache):
    """A cache of compiled code that is stale as soon as any module of the folders it comes from changes.

    Numba checks the time stamp of the file of the function itself only: after an update of `costs.py` alone it would
    go on running the ledger with the old costs compiled into it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file = IndexDataCacheFile(  # type: ignore[no-untyped-call]
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=source_stamp(*source_folders(function)),
        )


def numba_compiled(function: Function) -> Function:
    """Compile a function in numba's nopython mode on first use and keep the machine code on disk.

    Parameters
    ----------
    function : callable
        A function of arrays, numbers and named tuples of them; it may call other compiled functions.

    Returns
    -------
    callable
        The compiled function, with the signature of `function`. Floating point follows IEEE 754 without reordering,
        so equal inputs give equal bits. Other threads go on while it runs.
    """
    compiled: Any = numba.njit(nogil=True)(function)
    if isinstance(compiled, Dispatcher):  # not so where the environment disables compilation
        vars(compiled)["_cache"] = _PackageCache(function)
    result: Function = compiled
    return result
