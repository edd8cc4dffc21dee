"""Estimators of volatility, one entry per feature."""

from trading_assets.features.feature import Feature, FeatureSet, table_of


def _realised(window: int) -> Feature:
    formula = f"standard deviation of {window} log returns, annualised"
    return Feature(f"realised_volatility_{window}", formula, "per year", window)


SET = FeatureSet(
    name="volatility",
    doc="Estimators of each name's volatility, annualised, and their ratios.",
    features=table_of(
        [
            *(_realised(window) for window in (10, 21, 63)),
            Feature(
                "parkinson_volatility_21",
                "sqrt(mean ln(high / low)^2 / (4 ln 2)) of 21 bars, annualised",
                "per year",
                20,
                "Parkinson (1980)",
            ),
            Feature(
                "garman_klass_volatility_21",
                "sqrt(mean 0.5 ln(high / low)^2 - (2 ln 2 - 1) ln(close / open)^2) of 21 bars, annualised",
                "per year",
                20,
                "Garman and Klass (1980)",
            ),
        ]
    ),
    package=__package__ or "",
)
