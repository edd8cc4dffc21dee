"""Settings of Alpaca as a source."""

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
        The names that `AlpacaSource.symbols` lists; all active ones of the exchanges if there are none.
    feed
        ``"iex"`` (one exchange, some 3 % of the volume, free) or ``"sip"`` (all exchanges). One lake keeps to one feed.
    exchange, currency
        Of all symbols.
    account
        ``"paper"`` or ``"live"``: the kind of account that the keys are of.
    url
        Another place of its APIs, for instance that of an embedded broker; Alpaca's own if None.
    requests_per_minute
        Most calls a minute; 200 is what a free subscription allows.
    """

    symbols: Sequence[str] | None = None
    feed: Literal["iex", "sip"] = "iex"
    exchange: str = "XNYS"
    currency: str = "USD"
    account: Literal["paper", "live"] = "paper"
    url: str | None = None
    requests_per_minute: int = 200

    def __post_init__(self) -> None:
        """Check what needs no call."""
        if self.requests_per_minute < 1:
            raise SourceConfigError(
                f"setting source.alpaca.requests_per_minute is {self.requests_per_minute}; it must be 1 or more."
            )
        if isinstance(self.symbols, str):
            raise SourceConfigError(
                f"setting source.alpaca.symbols is the single text {self.symbols!r}; write a list: [{self.symbols}]."
            )
