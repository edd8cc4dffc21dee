"""Loops compiled with numba, cached on disk by their source: the ledger's recursion, the windows of features.

A function is compiled once for each signature, and the classes of named tuples are part of it. So such a class can
select code: `compiled_method` calls the method that it defines, and its callers are compiled for each class separately.
"""

import hashlib
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.extending import overload

from trading_assets.desk.source_files import files_stamp
from trading_assets.library_internals.numba import keep_on_disk, python_function

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = f"{__name__.partition('.')[0]}."
_NAME_DIGITS = 12


@cache
def source_stamp(*sources: Path) -> str:
    """Content hash of Python files, and of those in folders: hexadecimal SHA-256 of names and contents, in order."""
    return "".join(
        files_stamp(sorted(source.glob("*.py")), source) if source.is_dir() else files_stamp([source], source.parent)
        for source in sources
    )


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
            called = python_function(value)
            if called is not None and called.__module__ not in seen:
                seen.add(called.__module__)
                coming.append(called)
            elif isinstance(value, type) and issubclass(value, tuple) and value.__module__.startswith(_PACKAGE):
                found.add(Path(sys.modules[value.__module__].__file__ or __file__).parent)
    return tuple(sorted(found))


def _place(function: Callable[..., Any], classes: Sequence[type]) -> tuple[str, str]:
    """Ending of the name of a file of compiled code, and the stamp of the sources that are compiled into it.

    Different classes have different files, each stamped with the files that define them: another class leaves the
    compiled code of the others valid, and the file of a class that no longer exists is never read.
    """
    folders, files = source_folders(function), dict.fromkeys(_file_of(one) for one in classes)
    stamp = source_stamp(*folders, *(file for file in files if file.parent not in folders))
    names = "\n".join(f"{one.__module__}.{one.__qualname__}" for one in classes)
    return f"-{hashlib.sha256(names.encode()).hexdigest()[:_NAME_DIGITS]}" if classes else "", stamp


def _file_of(defined: type) -> Path:
    return Path(sys.modules[defined.__module__].__file__ or __file__)


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
        so equal inputs give equal bits. It runs without Python's global lock.
    """
    compiled: Any = numba.njit(nogil=True)(function)
    keep_on_disk(compiled, partial(_place, function))
    result: Function = compiled
    return result


def compiled_method(name: str) -> Callable[[Any, Any], float]:
    """Make a method of named tuples callable from compiled code.

    Parameters
    ----------
    name : str
        Name of a method that takes one argument and returns a number. Its body must be what `numba_compiled` takes.

    Returns
    -------
    callable
        Function of a named tuple and the argument. Compiled code that calls it contains the method of the tuple's
        class: a choice between classes costs nothing when it runs.
    """

    def call(owner: Any, argument: Any) -> float:
        return getattr(owner, name)(argument)  # type: ignore[no-any-return]

    def compiled_call(owner: Any, argument: Any) -> Any:  # noqa: ARG001 - numba matches it with what it returns
        method = _compiled(getattr(owner.instance_class, name))

        def implementation(owner: Any, argument: Any) -> Any:
            return method(owner, argument)

        return implementation

    overload(call)(compiled_call)
    return call


@cache
def _compiled(method: Callable[..., Any]) -> Any:
    return numba.njit(nogil=True)(method)
