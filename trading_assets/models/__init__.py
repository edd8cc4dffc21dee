"""Models: trained month by month with what was known at each month's end.

What lives here: the models of the desk by name (`specs`), the choice of training rows (`walk_forward`), the fit
(`training`) and the registry of its versions in MLflow (`registry`).
What to put here: specifications, learners and their validation.
What not: the use of a model on new sessions (`predictions`).
"""
