"""From the sources into the lake: plan the requests of a run, fetch their answers, settle them, replace the rows.

Here, in the order of a run: which symbols and windows to request (`plan`); requesting them from the primary source and
its fallbacks, with a failure per symbol (`fetch`); which rows of an answer are stored beside those that are there
(`settle`); writing each answer on its own and reporting the outcome (`replace`).

Not here: the sources (`market_data.sources`), their order per table (`market_data.source_policy`), the assets that
start a run (`market_data.assets`).
"""

from trading_assets.market_data.ingest.fetch import Answer, CatchAll, Failure, fetch, read_bars, read_rows
from trading_assets.market_data.ingest.plan import Plan, closed_sessions, plan_requests
from trading_assets.market_data.ingest.replace import Outcome, SourcedTable, ingest, replace_failures

__all__ = [
    "Answer",
    "CatchAll",
    "Failure",
    "Outcome",
    "Plan",
    "SourcedTable",
    "closed_sessions",
    "fetch",
    "ingest",
    "plan_requests",
    "read_bars",
    "read_rows",
    "replace_failures",
]
