"""Labels: what happened after the decision, the only stage that looks ahead.

What lives here: `forward_return`, the total return from the next session's open over a horizon, with the session on
which it becomes known.
What to put here: targets to learn from; each carries `exit_date`, by which training is purged.
What not: anything that a decision may read (`features`).
"""

from trading_assets.labels.contract import FORWARD_RETURN

__all__ = ["FORWARD_RETURN"]
