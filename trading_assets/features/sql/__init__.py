"""Features in SQL: what looks at all names of a session, or joins tables, rather than at one name's bars.

What lives here: which SQL tables there are and their columns (`catalogue`, your own ones by `own`), their contracts,
how dbt makes plain SQL of the models of ``dbt_features`` (`compiled`), how that runs on the lake for a span of days
(`statements`), and where each column comes from (`lineage`).
What not: the SQL itself (``dbt_features/models``), assets and checks (`trading_assets.features.sql.assets`).
"""
