"""What was known when: price adjustment, look-back blocks and detectors of look-ahead.

What lives here: pure functions on frames that any stage uses to stay within what was known on a date. What not:
features, labels and other values that are traded on.
"""

from trading_assets.point_in_time.adjustment import forward_adjust
from trading_assets.point_in_time.as_of import as_of_join
from trading_assets.point_in_time.blocks import lookback_blocks
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.point_in_time.warm_up import warmup_violations

__all__ = ["as_of_join", "forward_adjust", "lookahead_violations", "lookback_blocks", "pick_cuts", "warmup_violations"]
