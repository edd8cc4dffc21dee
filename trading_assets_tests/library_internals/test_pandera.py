"""pandera can still be imported without pandas, and still finds no pandas at its first validation."""

import json
import subprocess
import sys

from pandera.backends import register_checks

_PROGRAM = """
import json, sys
from trading_assets.lake.contracts.pandera_polars import SchemaErrors, pa
import polars as pl

class Bars(pa.DataFrameModel):
    close: pl.Float64 = pa.Field(gt=0, description="last price", metadata={"unit": "currency"})

schema = Bars.to_schema()
try:
    schema.validate(pl.DataFrame({"close": [1.0, -1.0]}), lazy=True)
except SchemaErrors as error:
    print(json.dumps({
        "rows": error.failure_cases["index"].to_list(),
        "description": schema.columns["close"].description,
        "has_pandas": "pandas" in sys.modules,
    }))
"""


def test_a_validation_imports_no_pandas():
    found = subprocess.run([sys.executable, "-W", "ignore", "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == {"rows": [1], "description": "last price", "has_pandas": False}


def test_the_answer_that_is_kept_has_its_private_name():
    assert callable(register_checks._load_get_backend_types_from_mro)
    assert "lru_cache" in type(register_checks._load_get_backend_types_from_mro).__name__
