"""yfinance's global state, set once per process: it raises its exceptions, logs nothing, and caches in our folder."""

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
    """Prepare yfinance for this process; `cache_path` is the folder of its caches.

    Raises
    ------
    SourceConfigError
        The folder cannot be created.
    """
    import yfinance as yf  # type: ignore[import-untyped]

    with _LOCK:
        yf.config.debug.hide_exceptions = False
        # Its debug messages contain the crumb.
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        # Its deprecated calls of pandas are nothing that a reader of bars can change.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="yfinance")
        folder = cache_path or _default_cache()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceConfigError(
                f"setting source.yahoo.cache_path: {folder} cannot be created ({error.strerror}); choose another."
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
