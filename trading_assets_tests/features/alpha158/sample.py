"""Alpha158 of whole frames of bars, for its tests."""

from datetime import date

from trading_assets.features.alpha158.catalogue import SET, WINDOWS
from trading_assets.features.compute import compute
from trading_assets_tests.point_in_time.sample import actions

KEY = ["symbol", "date"]
NAMES = list(SET.features)
PRICES = ("open", "high", "low", "close")
NO_ACTIONS = actions()


def of_windows(*families):
    return {f"{family}{n}" for family in families for n in WINDOWS}


def alpha158(bars, known=NO_ACTIONS, start=date(2000, 1, 1), end=date(2020, 12, 31), **options):
    return compute([SET], bars, known, start=start, end=end, **options)["alpha158"]
