"""Features in SQL: those that compare all names of a session, or join tables, rather than use one name's bars.

What lives here: which SQL tables there are and their columns (`catalogue`, the user's own in `own`), their contracts,
how dbt compiles the models of ``dbt_features`` to plain SQL (`compiled`), how that SQL runs on the lake for a span of
days (`statements`), and where each column comes from (`lineage`).
What not: the SQL itself (``dbt_features/models``), assets and checks (`trading_assets.features.sql.assets`).
"""
