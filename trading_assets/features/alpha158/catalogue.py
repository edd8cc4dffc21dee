"""Alpha158, one entry per feature: qlib's names and expressions, in qlib's order.

Expressions are qlib's (`qlib.contrib.data.loader.Alpha158DL`, the default of the handler ``Alpha158``), with spaces and
without needless parentheses: ``$close`` is the row's close, ``Ref(x, n)`` its value n rows before, other functions with
a number take the last n rows, the row's own included, or as many as there are since the name's first bar.

A value is null where qlib's is NaN: where a window holds no value, or only one where a deviation needs two, where the
close did not move (RSQR, CORR), and where volume or growth deviate by at most 2e-5 (CORR, CORD). No value depends on
the scale of prices or volumes; qlib's values depend on it slightly:

- qlib adds 1e-12 to denominators; here a quotient by exactly zero is zero;
- in CORR qlib adds one share to each volume; here a bar without volume is missing, as is growth from zero in CORD;
- for RSQR and CORR qlib treats a close that deviates by up to 2e-5 in money as constant; here it must not move at all;
- VMA and VSTD of a bar without volume, in a window with volume, are null; qlib divides by 1e-12.
"""

from collections.abc import Iterator

from trading_assets.features.feature_set import Feature, FeatureSet, table_of

WINDOWS = (5, 10, 20, 30, 60)

_BAR = {
    "KMID": "($close - $open) / $open",
    "KLEN": "($high - $low) / $open",
    "KMID2": "($close - $open) / ($high - $low)",
    "KUP": "($high - Greater($open, $close)) / $open",
    "KUP2": "($high - Greater($open, $close)) / ($high - $low)",
    "KLOW": "(Less($open, $close) - $low) / $open",
    "KLOW2": "(Less($open, $close) - $low) / ($high - $low)",
    "KSFT": "(2 * $close - $high - $low) / $open",
    "KSFT2": "(2 * $close - $high - $low) / ($high - $low)",
}
_PRICE = {
    "OPEN0": "$open / $close",
    "HIGH0": "$high / $close",
    "LOW0": "$low / $close",
    "VWAP0": "$vwap / $close; bars have no $vwap: the typical price ($high + $low + $close) / 3",
}

_RISE, _MOVE = "Greater({0} - Ref({0}, 1), 0)", "Abs({0} - Ref({0}, 1))"
_FALL = "Greater(Ref({0}, 1) - {0}, 0)"
_FLOW = "Abs($close / Ref($close, 1) - 1) * $volume"


def _share(part: str, of: str) -> str:
    return f"{part} / Sum({_MOVE.format(of)}, {{n}})"


def _balance(of: str) -> dict[str, str]:
    rise, fall = (f"Sum({part.format(of)}, {{n}})" for part in (_RISE, _FALL))
    return {"P": _share(rise, of), "N": _share(fall, of), "D": _share(f"({rise} - {fall})", of)}


_PRICE_BALANCE, _VOLUME_BALANCE = _balance("$close"), _balance("$volume")

# family, expression, unit, rows before the window that it reads, group
_ROLLING = (
    ("ROC", "Ref($close, {n}) / $close", "ratio", 1, "price"),
    ("MA", "Mean($close, {n}) / $close", "ratio", 0, "trend"),
    ("STD", "Std($close, {n}) / $close", "ratio", 0, "trend"),
    ("BETA", "Slope($close, {n}) / $close", "ratio per bar", 0, "trend"),
    ("RSQR", "Rsquare($close, {n}), of the line through the closes", "fraction", 0, "trend"),
    ("RESI", "Resi($close, {n}) / $close, from that line to the last close", "ratio", 0, "trend"),
    ("MAX", "Max($high, {n}) / $close", "ratio", 0, "extremes"),
    ("MIN", "Min($low, {n}) / $close", "ratio", 0, "extremes"),
    ("QTLU", "Quantile($close, {n}, 0.8) / $close, interpolated linearly", "ratio", 0, "rank"),
    ("QTLD", "Quantile($close, {n}, 0.2) / $close, interpolated linearly", "ratio", 0, "rank"),
    ("RANK", "Rank($close, {n}): mean rank from 1 among equal closes / rows", "fraction", 0, "rank"),
    ("RSV", "($close - Min($low, {n})) / (Max($high, {n}) - Min($low, {n}))", "fraction", 0, "extremes"),
    ("IMAX", "IdxMax($high, {n}) / {n}: place of the first highest, from 1 = oldest row", "fraction", 0, "extremes"),
    ("IMIN", "IdxMin($low, {n}) / {n}: place of the first lowest, from 1 = oldest row", "fraction", 0, "extremes"),
    ("IMXD", "(IdxMax($high, {n}) - IdxMin($low, {n})) / {n}", "fraction", 0, "extremes"),
    ("CORR", "Corr($close, Log($volume), {n}) over the bars with volume", "correlation", 0, "correlation"),
    (
        "CORD",
        "Corr($close / Ref($close, 1), Log($volume / Ref($volume, 1) + 1), {n})",
        "correlation",
        1,
        "correlation",
    ),
    ("CNTP", "Mean($close > Ref($close, 1), {n})", "fraction", 1, "moves"),
    ("CNTN", "Mean($close < Ref($close, 1), {n})", "fraction", 1, "moves"),
    ("CNTD", "Mean($close > Ref($close, 1), {n}) - Mean($close < Ref($close, 1), {n})", "fraction", 1, "moves"),
    *((f"SUM{side}", formula, "fraction", 1, "moves") for side, formula in _PRICE_BALANCE.items()),
    ("VMA", "Mean($volume, {n}) / $volume", "ratio", 0, "volume"),
    ("VSTD", "Std($volume, {n}) / $volume", "ratio", 0, "volume"),
    ("WVMA", f"Std({_FLOW}, {{n}}) / Mean({_FLOW}, {{n}})", "ratio", 1, "volume"),
    *((f"VSUM{side}", formula, "fraction", 1, "volume") for side, formula in _VOLUME_BALANCE.items()),
)


def _features() -> Iterator[Feature]:
    for name, formula in _BAR.items():
        yield Feature(name, formula, "fraction" if name.endswith("2") else "ratio", 0, f"qlib Alpha158 {name}", "bar")
    for name, formula in _PRICE.items():
        yield Feature(name, formula, "ratio", 0, f"qlib Alpha158 {name}", "price")
    for family, formula, unit, before, group in _ROLLING:
        for n in WINDOWS:
            source = f"qlib Alpha158 {family}{n}"
            yield Feature(f"{family}{n}", formula.format(n=n), unit, n - 1 + before, source, group)


SET = FeatureSet(
    name="alpha158",
    doc="The 158 features of qlib's Alpha158: shape of the bar, and windows of 5 to 60 bars of price and volume.",
    features=table_of(_features()),
    package=__package__ or "",
    is_windowed=True,
)
