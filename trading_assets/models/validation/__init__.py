"""Validation: what is held out of a fit, which parameters are chosen, what may go into use.

What lives here: the contracts `Splitter`, `Tuner` and `Gate`, and their members, one module each.
What to put here: another split, search or gate. A specification names it as an object: `ModelSpec(tuner=MySearch())`.
What not: the fit (`models.training`), the rows of a month before they are split (`models.walk_forward`).
"""

from trading_assets.models.validation.gate import Contender, Gate
from trading_assets.models.validation.purged_tail import PurgedTail
from trading_assets.models.validation.splitter import Split, Splitter
from trading_assets.models.validation.tuner import Score, Tuner

__all__ = ["Contender", "Gate", "PurgedTail", "Score", "Split", "Splitter", "Tuner"]
