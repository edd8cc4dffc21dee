"""The shipped sets of features by name, and the contracts of their tables."""

from trading_assets.features.catalogue import SHIPPED
from trading_assets.features.contract import daily_contracts, set_contracts, tables_read_by_sql
from trading_assets.features.matrix.matrix import matrix_of
from trading_assets.features.sql.catalogue import SHIPPED as SHIPPED_IN_SQL
from trading_assets.features.sql.contract import contract_of

SETS = {one.name: one for one in SHIPPED}
SQL_SETS = {one.name: one for one in SHIPPED_IN_SQL}
BY_SET = set_contracts(SHIPPED)
DAILY = daily_contracts(SHIPPED)
SQL = {name: contract_of(one) for name, one in SQL_SETS.items()}
CROSS_SECTION = SQL["cross_section"]
READABLE = tables_read_by_sql()
MATRIX = matrix_of()
