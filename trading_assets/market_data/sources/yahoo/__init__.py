"""The source Yahoo Finance: bars, corporate actions, companies, fundamentals and quotes, requested through yfinance.

Here: sending requests (`_session`, `_client`, `_batch`), the windows they may span (`_windows`), and reading their
answers (`_prices`, `_companies`, `_fundamentals`).

Not here: storing the answers, the private parts of yfinance (`trading_assets.library_internals`).
"""

from trading_assets.market_data.sources.yahoo.source import Transport, YahooParameters, YahooSource

__all__ = ["Transport", "YahooParameters", "YahooSource"]
