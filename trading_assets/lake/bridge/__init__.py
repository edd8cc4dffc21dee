"""The bridge between the lake and Dagster.

What lives here: asset options derived from a contract (`table_assets`), the IO manager, the rectangle of rows that
partition keys stand for (`partition_keys`) and the check of a table's contract. What not: assets of a stage.
"""
