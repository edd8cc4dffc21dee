"""yfinance's global state, set once: exceptions are raised, nothing is logged, caches are in a folder of one's own."""

from __future__ import annotations

import logging
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Final

from trading_assets.market_data.sources.errors import SourceConfigError

__all__ = ["prepare_yfinance"]

_LOCK: Final = threading.Lock()
_CACHES: Final[list[Path]] = []


def prepare_yfinance(cache_path: Path | None) -> None:
    """Prepare yfinance for this process; `cache_path` is where its caches go.

    Raises
    ------
    SourceConfigError
        If there can be no folder of that name.
    """
    import yfinance as yf  # type: ignore[import-untyped]

    with _LOCK:
        yf.config.debug.hide_exceptions = False
        # Its debug messages carry the crumb.
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        # It calls pandas in ways that the next pandas will not have; who reads bars can do nothing about it.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="yfinance")
        folder = cache_path or _default_cache()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceConfigError(
                f"setting source.yahoo.cache_path: {folder} cannot be made ({error.strerror}); name another."
            ) from None
        if _CACHES[-1:] != [folder]:
            yf.set_tz_cache_location(str(folder))
            _CACHES[:] = [folder]


def _default_cache() -> Path:
    try:
        folder = Path.home() / ".cache" / "trading-assets" / "yahoo"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        folder = Path(tempfile.gettempdir()) / "trading-assets-yahoo"
    return folder
