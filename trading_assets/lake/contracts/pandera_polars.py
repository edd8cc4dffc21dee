"""pandera for Polars alone: the same library, imported the way it imports itself where pandas is not installed.

No contract uses pandas, and without it the definitions load in under three seconds (``python -m benchmarks load``
prints both figures).
"""

from trading_assets.library_internals.pandera import forget_pandas_types, without_pandas

with without_pandas():
    import pandera.errors
    import pandera.polars as pa

    forget_pandas_types()

SchemaErrors = pandera.errors.SchemaErrors

__all__ = ["SchemaErrors", "pa"]
