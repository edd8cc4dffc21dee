"""Assets of reports: a tear sheet per book, a card per model."""

import json
from pathlib import Path

import dagster as dg
import polars as pl

from trading_assets.backtest.contract import PNL
from trading_assets.desk import conditions, mappings
from trading_assets.desk.desk import Desk
from trading_assets.desk.pictures import as_markdown_image
from trading_assets.files import write_atomically
from trading_assets.labels.assets import HORIZON_SESSIONS
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import Contract
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset
from trading_assets.lake.store.hashing import content_hash
from trading_assets.models.contract import FEATURE_IMPORTANCE
from trading_assets.models.specs import models
from trading_assets.portfolio.books import books
from trading_assets.predictions.contract import DAILY
from trading_assets.reports.contract import MODEL_CARD, TEAR_SHEET
from trading_assets.serving import queries
from trading_assets.signals.registry import strategies

OWNER = "portfolio"


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""

    @dg.asset(
        **table_asset(TEAR_SHEET, owner=OWNER, kinds={"matplotlib"}),
        partitions_def=dg.StaticPartitionsDefinition(list(desk.part(books))),
        deps=[_all_of(contract) for contract in (PNL, DAILY, FORWARD_RETURN, FEATURE_IMPORTANCE)],
        automation_condition=conditions.after_upstream_changed(),
    )
    def tear_sheet(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        from trading_assets.reports import plots
        from trading_assets.reports.metrics import statistics
        from trading_assets.reports.tear_sheet import TearSheet, tear_sheet_html, tear_sheet_json

        found = [TEAR_SHEET.empty()]
        for name in run_scope_of(context, TEAR_SHEET).values["book"]:
            book = desk.part(books)[name]
            rows = queries.book_pnl(desk, book=name)
            if rows.is_empty():
                context.log.warning(f"book {name} has no P&L yet: no signals, or its start is in the future")
                continue
            follows = desk.part(strategies)[book.strategy].models
            model = follows[0] if len(follows) == 1 else None
            sheet = TearSheet(
                book=name,
                pnl=rows,
                horizon=HORIZON_SESSIONS,
                config=book.model_dump(),
                snapshot={"pnl_content_hash": content_hash(rows.drop("costs"), key=PNL.key)},
                ic=information_coefficient(desk, model) if model else None,
                importance=queries.latest_importance(desk, model=model) if model else None,
            )
            folder = desk.reports / name
            write_atomically(folder / "tear_sheet.html", tear_sheet_html(sheet))
            write_atomically(folder / "tear_sheet.json", tear_sheet_json(sheet))
            figures = statistics(rows, sheet.ic, horizon=HORIZON_SESSIONS)
            context.add_output_metadata(
                {
                    "equity_curve": dg.MetadataValue.md(
                        as_markdown_image(plots.equity_and_drawdown(rows, title=f"Book {name}, after costs"), name)
                    ),
                    "verdict": sheet.verdict().text,
                    "statistics": dg.MetadataValue.md(_markdown_table(figures)),
                    "tear_sheet": dg.MetadataValue.path(folder / "tear_sheet.html"),
                }
            )
            found.append(figures.select(book=pl.lit(name), statistic="statistic", value="value", unit="unit"))
        return pl.concat(found)

    @dg.asset(
        **table_asset(MODEL_CARD, owner=OWNER, kinds={"matplotlib"}),
        partitions_def=dg.StaticPartitionsDefinition(list(desk.part(models))),
        deps=[_all_of(contract) for contract in (DAILY, FORWARD_RETURN, FEATURE_IMPORTANCE)],
        automation_condition=conditions.after_upstream_changed(),
    )
    def model_card(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        from trading_assets.reports import plots
        from trading_assets.reports.metrics import monthly_information_coefficient

        found = [MODEL_CARD.empty()]
        for model in run_scope_of(context, MODEL_CARD).values["model"]:
            ic = information_coefficient(desk, model)
            latest = queries.latest_importance(desk, model=model)
            if ic.is_empty() or latest.is_empty():
                context.log.warning(f"model {model} has no predictions whose labels have ended yet")
                continue
            by_month = plots.information_coefficient_by_month(ic, title=f"Rank IC of {model} by month")
            context.add_output_metadata(
                {
                    "ic_by_month": dg.MetadataValue.md(as_markdown_image(by_month, "rank IC by month")),
                    "feature_importance": dg.MetadataValue.md(
                        as_markdown_image(plots.feature_importance(latest), "feature importance")
                    ),
                    "mean_rank_ic": float(ic["rank_ic"].mean() or 0.0),  # type: ignore[arg-type]
                }
            )
            found.append(
                monthly_information_coefficient(ic).select(
                    model=pl.lit(model), month="month", sessions="n_sessions", rank_ic="rank_ic"
                )
            )
        return pl.concat(found)

    return [tear_sheet, model_card]


def _all_of(contract: Contract) -> dg.AssetDep:
    return dg.AssetDep(contract.asset_key, partition_mapping=mappings.everything_so_far())


def information_coefficient(desk: Desk, model: str) -> pl.DataFrame:
    """Information coefficient of a model's predictions, session by session."""
    from trading_assets.reports.metrics import information_coefficient as compute

    scored = queries.scored_returns(desk, model=model)
    return compute(scored.drop("forward_return"), scored.drop("prediction"))


def read_tear_sheet(path: Path) -> dict[str, object]:
    """The JSON twin of a tear sheet."""
    content: dict[str, object] = json.loads(path.read_text())
    return content


def _markdown_table(figures: pl.DataFrame) -> str:
    lines = ["| statistic | value | unit |", "|---|---:|---|"]
    for name, value, unit in figures.iter_rows():
        lines.append(f"| {name} | {'n/a' if value is None else f'{value:,.4f}'} | {unit} |")
    return "\n".join(lines)
