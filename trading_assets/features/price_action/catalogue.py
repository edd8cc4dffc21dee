"""Price action, one entry per feature."""

from collections.abc import Iterable

from trading_assets.features.feature import Feature, FeatureSet, table_of


def _returns() -> Iterable[Feature]:
    for window in (1, 5, 10, 21, 63, 126, 252):
        formula = f"ln(close / close {window} bar(s) before)"
        yield Feature(f"log_return_{window}", formula, "log return", window, group="returns")


def _location() -> Iterable[Feature]:
    yield Feature("distance_to_high_252", "close / highest high of 252 bars - 1, at most 0", "ratio", 251)
    yield Feature("distance_to_low_252", "close / lowest low of 252 bars - 1, at least 0", "ratio", 251)


SET = FeatureSet(
    name="price_action",
    doc="Returns, ratios, gaps and their changes of each name's own bars.",
    features=table_of(
        [
            *_returns(),
            *_location(),
            Feature("overnight_gap", "ln(open / close of the bar before)", "log return", 1, group="gaps"),
        ]
    ),
    package=__package__ or "",
)
