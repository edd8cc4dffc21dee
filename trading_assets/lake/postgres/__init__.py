"""The Postgres under the lake: its address, the embedded server, sessions and advisory locks.

What lives here: how a server is found (`url`), started and stopped (`server`), and how this process talks to it
(`sessions`, `locks`). What not: what is stored in it.
"""

from trading_assets.lake.postgres.url import (
    PostgresUrl,
    hold_embedded_postgres,
    release_embedded_postgres,
    stop_embedded_postgres,
)

__all__ = ["PostgresUrl", "hold_embedded_postgres", "release_embedded_postgres", "stop_embedded_postgres"]
