"""Yahoo Finance as a source: bars, corporate actions, companies, fundamentals and quotes, asked through yfinance.

Here: how Yahoo is asked politely (`_rate`, `_session`, `_client`), what it can be asked (`_windows`), and what its
answers mean (`_prices`, `_companies`, `_fundamentals`).

Not here: storing what it answered, or asking for it again later.
"""

from trading_assets.market_data.sources.yahoo.source import Transport, YahooParameters, YahooSource

__all__ = ["Transport", "YahooParameters", "YahooSource"]
