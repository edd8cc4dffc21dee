"""Alpha158: the 158 features of daily bars that qlib's models are usually fed with, by their own names.

Here: the catalogue of the set, its values, and the windows that they are made of.
Not here: qlib's normalisation and labels (`models`, `labels`); where the values of qlib itself come from is said beside
the tests' reference data.
"""
