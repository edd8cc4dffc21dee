"""Ridge regression by scikit-learn."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from trading_assets.models.learners._sklearn import SklearnLearner


class RidgeRegression(SklearnLearner):
    """Linear regression with an L2 penalty; a missing value counts as the mean of its feature over the fit part.

    Attributes
    ----------
    alpha
        Penalty on the squared coefficients of standardised features; more pulls them closer to zero.

    References
    ----------
    Hoerl, A. and Kennard, R. (1970), Ridge Regression: Biased Estimation for Nonorthogonal Problems,
    *Technometrics* 12(1).

    """

    needs_scaling: ClassVar[bool] = True
    alpha: float = Field(1.0, ge=0)

    def estimator(self, seed: int) -> Any:
        """Make the regression behind an imputer; it draws no random numbers."""
        del seed
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import Ridge
        from sklearn.pipeline import make_pipeline

        return make_pipeline(SimpleImputer(keep_empty_features=True), Ridge(self.alpha, solver="cholesky"))
