"""Statistics of returns, one entry per feature."""

from trading_assets.features.feature import Feature, FeatureSet, table_of

SET = FeatureSet(
    name="statistical",
    doc="Moments and memory of each name's returns, and how it moves with the market.",
    features=table_of(
        [
            Feature(
                "return_skew_63",
                "m3 / m2^1.5 of 63 log returns (population moments); 0 if flat",
                "ratio",
                63,
                group="moments",
            ),
            Feature(
                "beta_63",
                "covariance of return and market return / variance of market return, 63 bars; 0 if the market is flat",
                "ratio",
                63,
                "Sharpe (1964)",
                group="market",
            ),
        ]
    ),
    package=__package__ or "",
    intervals=frozenset({"daily"}),
    needs_market=True,
)
