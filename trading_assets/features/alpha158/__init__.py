"""Alpha158: the 158 features of daily bars that qlib's models usually learn from, under qlib's names.

Here: the catalogue of the set, its values, and the windows that they are made of.
Not here: qlib's normalisation and labels (`models`, `labels`); the origin of the values of qlib itself is documented
beside the tests' reference data.
"""
