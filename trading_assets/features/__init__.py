"""Features: what is known of a name after the close of a session.

What lives here: the catalogue of the technical features and their expressions, the assets that compute them, and the
assets of the SQL features, whose models are the dbt project `dbt_features`.
What to put here: sets of features, each a table of symbol, date and Float32 columns with a declared look-back.
What not: anything that reads a later session (`labels`), anything fitted to data (`models`).
"""
