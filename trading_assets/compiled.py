"""Loops compiled with numba, cached on disk by what the code says: the ledger's recursion, the windows of features."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher

from trading_assets.source_files import files_stamp

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def source_stamp(folder: Path) -> str:
    """Content hash of the Python files in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.

    Returns
    -------
    str
        Hexadecimal SHA-256 of the names and contents, in the order of names.
    """
    return files_stamp(sorted(folder.glob("*.py")), folder)


class _PackageCache(FunctionCache):
    """A cache of compiled code that is stale as soon as any module of the function's folder changes.

    Numba checks the time stamp of the file of the function itself only: after an update of `costs.py` alone it would
    go on running the ledger with the old costs compiled into it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file = IndexDataCacheFile(  # type: ignore[no-untyped-call]
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=source_stamp(Path(function.__code__.co_filename).parent),
        )


def numba_compiled(function: Function) -> Function:
    """Compile a function in numba's nopython mode on first use and keep the machine code on disk.

    Parameters
    ----------
    function : callable
        A function of arrays, numbers and named tuples of them; it may call compiled functions of its own folder.

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
