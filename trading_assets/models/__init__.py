"""Models: trained month by month with what was known at each month's end.

What lives here: what a model is (`model_spec`) and the desk's models by name (`specs`), the choice of training rows
(`walk_forward`), of features (`selection`) and their scaling (`scaling`), the fit (`training`, by month in `month`) and
the registry of its versions in MLflow (`registry`).
What to put here: specifications, learners and their validation, and whatever is fitted to data before a model.
What not: features (`features`), the use of a model on new sessions (`predictions`).
"""
