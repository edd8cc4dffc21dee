"""Command line of the stream of minute bars."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading_assets.cli.common import Home, console, signalled
from trading_assets.cli.lakes import existing_lake
from trading_assets.desk.settings import Settings, SettingsError

if TYPE_CHECKING:
    from trading_assets.market_data.sources.alpaca import AlpacaSource
    from trading_assets.market_data.streaming import StoredBatch

streaming_app = typer.Typer()


@streaming_app.command()
def stream(
    symbols: Annotated[str | None, typer.Option(help="Names with commas between; the universe's by default.")] = None,
    feed: Annotated[str | None, typer.Option(help="iex or sip; the source's by default.")] = None,
    url: Annotated[str | None, typer.Option(help="Another place than Alpaca, for instance an embedded broker.")] = None,
    batch_seconds: Annotated[float, typer.Option(min=0, help="Longest wait of a bar before it is written.")] = 5.0,
    home: Home = None,
) -> None:
    """Write Alpaca's minute bars into the lake as they come, and what was missed from history, until Ctrl-C."""
    from trading_assets.desk.desk import open_lake
    from trading_assets.market_data.streaming import BarStream, StreamTiming
    from trading_assets.market_data.streaming.assets import Observations
    from trading_assets.orchestration.instance import open_instance

    settings = existing_lake(home)
    source = _source(settings, symbols, feed, url)
    names = list(source.parameters.symbols or ())
    source.connection()  # reports wrong keys before the lake is opened
    observations = Observations(open_instance(settings))

    def tell(batch: "StoredBatch") -> None:
        _print_batch(batch)
        observations.add(batch)

    stop = signalled()
    made = BarStream(
        open_lake(settings),
        source,
        names,
        timing=StreamTiming(batch_seconds=batch_seconds),
        on_batch=tell,
        on_problem=lambda problem: console.print(problem, soft_wrap=True, markup=False),
    )
    console.print(
        f"minute bars of {len(names)} names, feed {source.parameters.feed}, into {settings.home} (Ctrl-C ends)"
    )
    try:
        made.run(stop)
    finally:
        observations.record()


def _source(settings: Settings, symbols: str | None, feed: str | None, url: str | None) -> "AlpacaSource":
    """Alpaca as the settings have it, if they do, with the options of the command."""
    from trading_assets.market_data.sources import AlpacaSource, make_source
    from trading_assets.market_data.universe import member_lists, names_of

    configured = (settings.source, *settings.other_sources.values())
    options: dict[str, Any] = {"exchange": settings.exchange, "kind": "alpaca"}
    options |= next((dict(source) for source in configured if source.get("kind") == "alpaca"), {})
    given = {"symbols": [name.strip() for name in (symbols or "").split(",") if name.strip()], "feed": feed, "url": url}
    options |= {name: value for name, value in given.items() if value}
    options["symbols"] = options.get("symbols") or names_of(member_lists(settings.universe))
    source = make_source(options)
    if not (isinstance(source, AlpacaSource) and source.parameters.symbols):
        msg = "which names? Use --symbols AAPL,MSFT, or list them under universe.symbols in settings.yaml"
        raise SettingsError(msg)
    return source


def _print_batch(batch: "StoredBatch") -> None:
    minute = f"{batch.last:%Y-%m-%d %H:%M} UTC" if batch.last else "no bar"
    quarantined = f", {batch.quarantined} in quarantine" if batch.quarantined else ""
    console.print(
        f"{minute}: {batch.streamed} from the stream, {batch.backfilled} from history: "
        f"{batch.added} added, {batch.changed} changed{quarantined}"
    )
