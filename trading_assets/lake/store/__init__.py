"""The store: DuckLake tables seen through DuckDB.

What lives here: the lake (`catalog`), the one writer path (`writes`), lazy reads (`frames`), which rows are behind
their inputs (`incremental`), time travel (`history`), upkeep (`maintenance`), the SQL entry point (`sql`) and views.
What not: anything that knows Dagster (`trading_assets.lake.bridge`).
"""
