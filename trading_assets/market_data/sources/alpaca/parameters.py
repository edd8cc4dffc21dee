"""Settings of the source Alpaca."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trading_assets.market_data.sources.errors import SourceConfigError


@dataclass(frozen=True, kw_only=True)
class AlpacaParameters:
    """Settings of `AlpacaSource`; the keys are not among them.

    Attributes
    ----------
    symbols
        The symbols that `AlpacaSource.symbols` lists; None for all active ones of the exchanges.
    feed
        ``"iex"`` (one exchange, about 3 % of the volume, free) or ``"sip"`` (all exchanges). A lake must keep to one.
    exchange, currency
        Of all symbols.
    account
        ``"paper"`` or ``"live"``: the kind of account that the keys belong to.
    url
        Base address of the APIs, for instance that of an embedded broker; None for Alpaca's own.
    requests_per_minute
        Most requests per minute; a free subscription allows 200.
    """

    symbols: Sequence[str] | None = None
    feed: Literal["iex", "sip"] = "iex"
    exchange: str = "XNYS"
    currency: str = "USD"
    account: Literal["paper", "live"] = "paper"
    url: str | None = None
    requests_per_minute: int = 200

    def __post_init__(self) -> None:
        """Check the settings that need no request."""
        if self.requests_per_minute < 1:
            raise SourceConfigError(
                f"setting source.alpaca.requests_per_minute is {self.requests_per_minute}; it must be 1 or more."
            )
        if isinstance(self.symbols, str):
            raise SourceConfigError(
                f"setting source.alpaca.symbols is the single string {self.symbols!r}; write a list: [{self.symbols}]."
            )
