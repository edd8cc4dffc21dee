"""pandera for Polars alone: the same library, imported the way it imports itself where pandas is not installed.

pandera imports pandas (1.0 to 1.4 s of start-up) whenever it finds it, and no contract here uses it. pandera has a
Polars-only mode for installations without pandas; hiding pandas during this one import selects that mode, so that the
definitions load in under three seconds (``python -m benchmarks load`` prints both figures).
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _HidePandas(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname == "pandas":
            msg = "No module named 'pandas'"
            raise ModuleNotFoundError(msg, name="pandas")
        return None


@contextmanager
def _without_pandas() -> Iterator[None]:
    if "pandas" in sys.modules:
        yield
        return
    finder = _HidePandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


with _without_pandas():
    import pandera.errors
    import pandera.polars as pa

    with suppress(ImportError):  # the first validation imports pandas too, unless this answer is known by then
        from pandera.backends.register_checks import _load_get_backend_types_from_mro

        _load_get_backend_types_from_mro()

SchemaErrors = pandera.errors.SchemaErrors

__all__ = ["SchemaErrors", "pa"]
