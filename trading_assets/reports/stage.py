"""The stage of reports: its tables, assets and jobs."""

from __future__ import annotations

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import tags_of_names
from trading_assets.desk.stage import Span, Stage, StageJob
from trading_assets.models.specs import models
from trading_assets.portfolio.books import books
from trading_assets.reports.assets import build_assets
from trading_assets.reports.contract import CONTRACTS, MODEL_CARD, TEAR_SHEET

BOOKS_JOB, MODELS_JOB = "report_books", "report_models"


def _tags_of_books(desk: Desk, span: Span) -> dict[str, str]:
    del span
    return tags_of_names(list(desk.part(books)))


def _tags_of_models(desk: Desk, span: Span) -> dict[str, str]:
    del span
    return tags_of_names(list(desk.part(models)))


STAGE = Stage(
    "reports",
    contracts=lambda _: CONTRACTS,
    assets=build_assets,
    jobs=(
        StageJob(BOOKS_JOB, lambda _: [TEAR_SHEET.table], _tags_of_books),
        StageJob(MODELS_JOB, lambda _: [MODEL_CARD.table], _tags_of_models),
    ),
)
