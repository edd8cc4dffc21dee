"""Portfolio: what each book wants to hold.

What lives here: `books.yaml` and its reader (`books`), sizings by kind (`sizing`), and the target weights (`weights`).
What to put here: optimisers and sizing rules that turn scores into weights, one file each in `sizing`.
What not: orders, fills and cash, which are `execution`; scores, which are `signals`.
"""

from trading_assets.portfolio.book import Book, BookError
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets.portfolio.sizing import Sizing

__all__ = ["TARGET_WEIGHTS", "Book", "BookError", "Sizing"]
