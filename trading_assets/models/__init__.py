"""Models: trained month by month with what was known at each month's end.

What lives here: what a model is (`model_spec`) and the desk's models by name (`specs`), families of models (`learner`,
one file each in `learners`), the choice of training rows (`walk_forward`), of features (`selection`) and their scaling
(`scaling`), what is held out, tuned and let into use (`validation`), the fit (`training`, by month in `month`), the
registry of versions in MLflow (`registry`) and which of them is in use (`promotion`).
What to put here: specifications, learners and their validation, and whatever is fitted to data before a model.
What not: features (`features`), the use of a model on new sessions (`predictions`).
"""

from trading_assets.models.learner import Fitted, Learner, LearnerError
from trading_assets.models.model_spec import ModelError, ModelSpec
from trading_assets.models.validation import Gate, Splitter, Tuner

__all__ = ["Fitted", "Gate", "Learner", "LearnerError", "ModelError", "ModelSpec", "Splitter", "Tuner"]
