"""Assets of reports: a tear sheet per book, a card per model."""

import json
from dataclasses import asdict
from pathlib import Path

import dagster as dg
import polars as pl

from trading_assets.backtest.contract import PNL
from trading_assets.desk import conditions, mappings
from trading_assets.desk.desk import Desk
from trading_assets.labels.assets import HORIZON_SESSIONS
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.lake.store.hashing import content_hash
from trading_assets.models.contract import FEATURE_IMPORTANCE
from trading_assets.models.specs import models
from trading_assets.portfolio.books import books
from trading_assets.predictions.contract import DAILY
from trading_assets.reports.contract import MODEL_CARD, TEAR_SHEET
from trading_assets.signals.registry import strategies

OWNER = "portfolio"


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""

    @dg.asset(
        **table_asset(TEAR_SHEET, owner=OWNER, kinds={"matplotlib"}),
        partitions_def=dg.StaticPartitionsDefinition(list(desk.part(books))),
        ins={
            "pnl": table_in(PNL, mappings.everything_so_far()),
            "predictions": table_in(DAILY, mappings.everything_so_far()),
            "labels": table_in(FORWARD_RETURN, mappings.everything_so_far()),
            "importance": table_in(FEATURE_IMPORTANCE, mappings.everything_so_far()),
        },
        automation_condition=conditions.after_upstream_changed(),
    )
    def tear_sheet(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        pnl: LakeFrame,
        predictions: LakeFrame,
        labels: LakeFrame,
        importance: LakeFrame,
    ) -> pl.DataFrame:
        from trading_assets.reports import plots
        from trading_assets.reports.metrics import statistics
        from trading_assets.reports.tear_sheet import TearSheet, tear_sheet_html, tear_sheet_json

        found = [TEAR_SHEET.empty()]
        for name in run_scope_of(context, TEAR_SHEET).values["book"]:
            book = desk.part(books)[name]
            rows = _with_costs(pnl.read(book=name))
            if rows.is_empty():
                context.log.warning(f"book {name} has no P&L yet: no signals, or its start is in the future")
                continue
            follows = desk.part(strategies)[book.strategy].models
            model = follows[0] if len(follows) == 1 else None
            sheet = TearSheet(
                book=name,
                pnl=rows,
                horizon=HORIZON_SESSIONS,
                config=asdict(book),
                snapshot={"pnl_content_hash": content_hash(pnl.read(book=name), key=PNL.key)},
                ic=information_coefficient(predictions, labels, model) if model else None,
                importance=_latest(importance.read(model=model)) if model else None,
            )
            folder = desk.reports / name
            write_atomically(folder / "tear_sheet.html", tear_sheet_html(sheet))
            write_atomically(folder / "tear_sheet.json", tear_sheet_json(sheet))
            figures = statistics(rows, sheet.ic, horizon=HORIZON_SESSIONS)
            context.add_output_metadata(
                {
                    "equity_curve": dg.MetadataValue.md(
                        plots.as_markdown_image(
                            plots.equity_and_drawdown(rows, title=f"Book {name}, after costs"), name
                        )
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
        ins={
            "predictions": table_in(DAILY, mappings.everything_so_far()),
            "labels": table_in(FORWARD_RETURN, mappings.everything_so_far()),
            "importance": table_in(FEATURE_IMPORTANCE, mappings.everything_so_far()),
        },
        automation_condition=conditions.after_upstream_changed(),
    )
    def model_card(
        context: dg.AssetExecutionContext, predictions: LakeFrame, labels: LakeFrame, importance: LakeFrame
    ) -> pl.DataFrame:
        from trading_assets.reports import plots
        from trading_assets.reports.metrics import monthly_information_coefficient

        found = [MODEL_CARD.empty()]
        for model in run_scope_of(context, MODEL_CARD).values["model"]:
            ic = information_coefficient(predictions, labels, model)
            latest = _latest(importance.read(model=model))
            if ic.is_empty() or latest.is_empty():
                context.log.warning(f"model {model} has no predictions whose labels have ended yet")
                continue
            by_month = plots.information_coefficient_by_month(ic, title=f"Rank IC of {model} by month")
            context.add_output_metadata(
                {
                    "ic_by_month": dg.MetadataValue.md(plots.as_markdown_image(by_month, "rank IC by month")),
                    "feature_importance": dg.MetadataValue.md(
                        plots.as_markdown_image(plots.feature_importance(latest), "feature importance")
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


def information_coefficient(predictions: LakeFrame, labels: LakeFrame, model: str) -> pl.DataFrame:
    """Information coefficient of a model's predictions, session by session."""
    from trading_assets.reports.metrics import information_coefficient as compute

    return compute(
        predictions.read(["date", "symbol", "prediction"], model=model),
        labels.read(["symbol", "date", "forward_return"]),
    )


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new text, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f"{path.suffix}.partial")
    partial.write_text(text)
    partial.replace(path)


def read_tear_sheet(path: Path) -> dict[str, object]:
    """The JSON twin of a tear sheet."""
    content: dict[str, object] = json.loads(path.read_text())
    return content


def _with_costs(pnl: pl.DataFrame) -> pl.DataFrame:
    return pnl.with_columns(costs=pl.col("commission") + pl.col("slippage_cost"))


def _latest(importance: pl.DataFrame) -> pl.DataFrame:
    return importance.filter(pl.col("date") == pl.col("date").max()).select("feature", "gain", "split")


def _markdown_table(figures: pl.DataFrame) -> str:
    lines = ["| statistic | value | unit |", "|---|---:|---|"]
    for name, value, unit in figures.iter_rows():
        lines.append(f"| {name} | {'n/a' if value is None else f'{value:,.4f}'} | {unit} |")
    return "\n".join(lines)
