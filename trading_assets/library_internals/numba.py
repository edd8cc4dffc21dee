"""Private parts of numba: where compiled code is kept on disk, and when it is stale.

Numba's documented ``cache=True`` checks the time stamp of the file of the function itself only: after a change of a
function that it calls, the old code runs on. A public API would have to let the caller give the stamp, and a name for
the file of each signature. Used are `FunctionCache` with its ``_cache_path``, ``_impl.filename_base``, ``_cache_file``,
``_load_overload`` and ``_save_overload``; `IndexDataCacheFile`, which holds a stamp beside the code; the attribute
``_cache`` of a `Dispatcher`; and ``normalize_signature``, which gives the types of a signature's arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from numba.core import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher
from numba.core.sigutils import normalize_signature

Place = Callable[[Sequence[type]], tuple[str, str]]
"""Maps the classes of the named tuples in a signature to a suffix of the file name and the stamp of the sources."""


def python_function(value: object) -> Callable[..., Any] | None:
    """The Python function that a compiled function was compiled from; None for anything else."""
    return value.py_func if isinstance(value, Dispatcher) else None


def keep_on_disk(compiled: Any, place: Place) -> None:
    """Keep the machine code of a compiled function on disk, named and stamped by a `Place`.

    Does nothing where the environment disables compilation.
    """
    if isinstance(compiled, Dispatcher):
        vars(compiled)["_cache"] = StampedCache(compiled.py_func, place)


class StampedCache(FunctionCache):
    """Compiled code on disk, a file for each choice of named tuples, valid while the stamp of the file is the same.

    Parameters
    ----------
    function : callable
        The Python function.
    place : callable
        See `Place`.
    """

    def __init__(self, function: Callable[..., Any], place: Place) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._place = place
        self._cache_file = self.file_of(())

    def file_of(self, signature: Any) -> IndexDataCacheFile:
        """The file of a signature's compiled code."""
        arguments = normalize_signature(signature)[0]  # type: ignore[no-untyped-call]
        ending, stamp = self._place(list(_named_tuples(arguments)))
        base = self._impl.filename_base + ending
        return IndexDataCacheFile(cache_path=self._cache_path, filename_base=base, source_stamp=stamp)  # type: ignore[no-untyped-call]

    # Numba holds its compiler lock during both.

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        self._cache_file = self.file_of(sig)
        return super()._load_overload(sig, target_context)  # type: ignore[no-untyped-call]

    def _save_overload(self, sig: Any, data: Any) -> None:
        self._cache_file = self.file_of(sig)
        super()._save_overload(sig, data)  # type: ignore[no-untyped-call]


def _named_tuples(arguments: Iterable[Any]) -> Iterator[type]:
    """Classes of the named tuples among arguments, those within others included."""
    for argument in arguments:
        if isinstance(argument, types.BaseNamedTuple):
            yield argument.instance_class  # type: ignore[attr-defined]
        if isinstance(argument, types.BaseTuple):
            yield from _named_tuples(argument.types)  # type: ignore[attr-defined]
