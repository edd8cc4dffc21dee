"""One page per book: figures, months, charts, verdict, settings and the data it was made from.

Here: HTML and JSON text. Not here: the figures (`metrics`), the charts (`plots`), writing files.
The HTML needs no second file and no network; everything that comes from outside is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import polars as pl

from trading_assets.desk.pictures import data_uri
from trading_assets.reports import plots
from trading_assets.reports.metrics import (
    Verdict,
    monthly_returns,
    pnl_of_one_book,
    ruined_on,
    statistics,
    verdict,
    with_equity,
    yearly_returns,
)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CSS = """
body{font:15px/1.5 system-ui,sans-serif;color:#1f2933;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p.sub{color:#616e7c;margin:.2rem 0 1.5rem}
p.verdict{border-left:4px solid #b3362b;background:#faf3f2;padding:.8rem 1rem}
p.convincing{border-color:#1f5fa8;background:#f1f5fa}
table{border-collapse:collapse;width:100%;font-size:.85rem}th,td{padding:.25rem .5rem;border-bottom:1px solid #e4e7eb}
th{text-align:left;color:#616e7c;font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.loss{color:#b3362b}td.key{overflow-wrap:anywhere}img{max-width:100%;height:auto}
"""
# The browser may load nothing from outside the page.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class TearSheet:
    """What a tear sheet is made from.

    Attributes
    ----------
    book
        Name of the book.
    pnl
        Its P&L, columns as in `metrics.statistics`.
    horizon
        Sessions a label spans.
    config
        Settings of the book; nested values are written as JSON.
    snapshot
        What data it was made from: lake snapshot id, content hashes, model hashes.
    ic
        `date, rank_ic` from `metrics.information_coefficient`; None for a book that does not follow one model.
    importance
        `feature, gain` of the latest model; None for a book that does not follow one model.

    """

    book: str
    pnl: pl.DataFrame
    horizon: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    snapshot: Mapping[str, Any] = field(default_factory=dict)
    ic: pl.DataFrame | None = None
    importance: pl.DataFrame | None = None

    def verdict(self) -> Verdict:
        """Judge the evidence, see `metrics.verdict`."""
        rows = pnl_of_one_book(self.pnl)
        ic = None if self.ic is None else self.ic.sort("date")["rank_ic"]
        return verdict(with_equity(rows)["daily_return"], ic, horizon=self.horizon, ruined_on=ruined_on(rows))


def tear_sheet_html(sheet: TearSheet) -> str:
    """Write the page as one self-contained HTML document (also well-formed XML)."""
    rows = pnl_of_one_book(sheet.pnl)
    judged = sheet.verdict()
    kind = "verdict convincing" if judged.is_convincing else "verdict"
    body = [
        f"<h1>{escape(sheet.book)}</h1>",
        f'<p class="sub">{rows["date"][0]} to {rows["date"][-1]}, {rows.height} sessions, after costs</p>',
        f'<p class="{kind}">{escape(judged.text)}</p>',
        *_charts(sheet),
        "<h2>Statistics</h2>",
        _statistics_table(statistics(sheet.pnl, sheet.ic, horizon=sheet.horizon)),
        "<h2>Monthly returns (%)</h2>",
        _months_table(monthly_returns(sheet.pnl), yearly_returns(sheet.pnl)),
        "<h2>Book</h2>",
        _settings_table(sheet.config),
        "<h2>Data</h2>",
        _settings_table(sheet.snapshot),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{escape(sheet.book)}: tear sheet</title>\n<style>{_CSS}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def tear_sheet_json(sheet: TearSheet) -> str:
    """Write the same content without charts as JSON with sorted keys; undefined figures are null."""
    rows = pnl_of_one_book(sheet.pnl)
    judged = sheet.verdict()
    figures = statistics(sheet.pnl, sheet.ic, horizon=sheet.horizon)
    content = {
        "book": sheet.book,
        "first_session": rows["date"][0].isoformat(),
        "last_session": rows["date"][-1].isoformat(),
        "ruined_on": ruined_on(rows),
        "statistics": {name: {"value": value, "unit": unit} for name, value, unit in figures.iter_rows()},
        "monthly_returns": {
            f"{year:04d}-{month:02d}": value for year, month, value in monthly_returns(sheet.pnl).iter_rows()
        },
        "verdict": {"is_convincing": judged.is_convincing, "text": judged.text},
        "config": dict(sheet.config),
        "data": dict(sheet.snapshot),
    }
    return json.dumps(content, sort_keys=True, indent=2, default=str, allow_nan=False)


def _charts(sheet: TearSheet) -> list[str]:
    images = [("Equity and drawdown", plots.equity_and_drawdown(sheet.pnl))]
    if sheet.ic is not None and sheet.ic.height:
        images.append(("Rank IC by month", plots.information_coefficient_by_month(sheet.ic)))
    images.append(("Turnover and costs", plots.turnover_and_costs(sheet.pnl)))
    if sheet.importance is not None and sheet.importance.height:
        images.append(("Feature importance", plots.feature_importance(sheet.importance)))
    return [f'<p><img src="{data_uri(png)}" alt="{escape(alt)}"/></p>' for alt, png in images]


def _statistics_table(figures: pl.DataFrame) -> str:
    lines = [
        f'<tr><td>{escape(name.replace("_", " "))}</td><td class="n">{_number(value)}</td><td>{escape(unit)}</td></tr>'
        for name, value, unit in figures.iter_rows()
    ]
    head = '<tr><th>statistic</th><th class="n">value</th><th>unit</th></tr>'
    return f"<table>\n{head}\n" + "\n".join(lines) + "\n</table>"


def _months_table(months: pl.DataFrame, years: pl.DataFrame) -> str:
    values = {(year, month): value for year, month, value in months.iter_rows()}
    head = "".join(f'<th class="n">{name}</th>' for name in (*_MONTHS, "Year"))
    lines = [
        f"<tr><td>{year}</td>"
        + "".join(_percent_cell(values.get((year, month))) for month in range(1, 13))
        + _percent_cell(total)
        + "</tr>"
        for year, total in years.iter_rows()
    ]
    return f"<table>\n<tr><th>year</th>{head}</tr>\n" + "\n".join(lines) + "\n</table>"


def _settings_table(settings: Mapping[str, Any]) -> str:
    if not settings:
        return "<p>none recorded</p>"
    lines = [
        f'<tr><td>{escape(str(key))}</td><td class="key">{escape(_text(value))}</td></tr>'
        for key, value in sorted(settings.items())
    ]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _percent_cell(value: float | None) -> str:
    if value is None:
        return '<td class="n"></td>'
    return f'<td class="n{" loss" if value < 0 else ""}">{value * 100.0:.2f}</td>'


def _number(value: float | None) -> str:
    if value is None:
        return "n/a"
    value += 0.0  # a negative zero is shown as zero
    return f"{value:,.0f}" if value == int(value) and abs(value) > 1 else f"{value:,.4f}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
