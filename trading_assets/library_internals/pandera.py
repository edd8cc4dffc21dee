"""Private parts of pandera: how it comes to import pandas.

pandera imports pandas (1.0 to 1.4 s of start-up) whenever it is installed. It has a mode for installations without
pandas, but no way to choose it where pandas is installed for other packages: a public API would have to offer that
choice.

`without_pandas`
    Makes pandas look absent while pandera is imported.
`forget_pandas_types`
    The first validation looks for pandas once more and remembers the answer, in ``_load_get_backend_types_from_mro``.
"""

from __future__ import annotations

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
def without_pandas() -> Iterator[None]:
    """Let imports find no pandas, unless this process has imported it already."""
    if "pandas" in sys.modules:
        yield
        return
    finder = _HidePandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def forget_pandas_types() -> None:
    """Let pandera remember that there is no pandas; to be called under `without_pandas`."""
    with suppress(ImportError):  # without it everything works, but the first validation takes a second longer
        from pandera.backends.register_checks import _load_get_backend_types_from_mro

        _load_get_backend_types_from_mro()
