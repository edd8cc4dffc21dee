"""The store: DuckLake tables seen through DuckDB.

What lives here: the lake (`catalog`), the one writer path (`writes`), lazy reads (`frames`), which rows are out of date
with their inputs (`incremental`), time travel (`history`), maintenance, the SQL entry point (`sql`), views and
DuckLake's own tables (`ducklake_catalog`).
What not: anything that knows Dagster (`trading_assets.lake.bridge`).
"""
