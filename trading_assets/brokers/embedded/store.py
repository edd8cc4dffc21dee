"""The broker's durable memory: the schema `broker` of the desk's Postgres, one transaction per step."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple

from trading_assets.brokers.embedded.accounts import MarginAccount, Position
from trading_assets.brokers.embedded.orders import Order
from trading_assets.brokers.embedded.rows import TABLES, account_row, order_row, read_account, read_order
from trading_assets.brokers.embedded.state import BrokerState, Changes
from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres.url import PostgresUrl


class ActivityFilter(NamedTuple):
    """Which activities a client requests; `token` is the id of the last one it has seen."""

    types: list[str] | None
    after: datetime | None
    until: datetime | None
    token: str | None
    is_ascending: bool
    size: int


class OrderFilter(NamedTuple):
    """Which orders a client requests."""

    is_open: bool | None
    symbols: list[str] | None
    side: str | None
    after: datetime | None
    until: datetime | None
    is_ascending: bool
    limit: int


class Store:
    """The rows of one broker.

    Parameters
    ----------
    postgres : PostgresUrl
        The desk's Postgres.
    name : str
        Name of the store; brokers of different names do not see each other.

    Raises
    ------
    LakeError
        Postgres cannot be reached, or another process serves this store.
    """

    def __init__(self, postgres: PostgresUrl, name: str) -> None:
        self.name = name
        postgres.ensure_schemas()
        self._connection = postgres.connect()
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(7172, hashtext(%s))", (name,))
            if not cursor.fetchone()[0]:
                self._connection.close()
                raise LakeError(f"another process is serving the broker {name!r}; stop it first")
            cursor.execute("SELECT pg_advisory_lock(7173)")
            cursor.execute(TABLES)
            cursor.execute("SELECT pg_advisory_unlock(7173)")

    def close(self) -> None:
        """End the connection; another process may serve the store then."""
        self._connection.close()

    def clock(self) -> datetime | None:
        """Time at which the broker stopped last."""
        rows = self._rows("SELECT clock FROM broker.stores WHERE store = %s", self.name)
        return rows[0][0] if rows else None

    def load(self, time: datetime, session_open: datetime | None) -> BrokerState:
        """Read the state as it was last stored.

        Parameters
        ----------
        time : datetime.datetime
            Time of a store that is new.
        session_open : datetime.datetime or None
            Open of the session that is trading at the stored time; its fills have used volume.
        """
        state = BrokerState(self.clock() or time)
        for row in self._rows("SELECT halted FROM broker.stores WHERE store = %s", self.name):
            state.halted = set(row[0])
        for cash, equity, body in self._rows(
            "SELECT cash, equity_at_close, body FROM broker.accounts WHERE store = %s ORDER BY id", self.name
        ):
            account = read_account({**body, "cash": cash, "equity_at_close": equity})
            state.accounts[account.id] = account
        columns = "account, symbol, quantity, average, mark"
        for owner, symbol, *values in self._rows(f"SELECT {columns} FROM broker.positions WHERE store = %s", self.name):
            state.accounts[owner].positions[symbol] = Position(*values)
        for (body,) in self._rows(
            "SELECT body FROM broker.orders WHERE store = %s AND is_open ORDER BY sequence", self.name
        ):
            order = read_order(body)
            state.orders[order.account][order.id] = order
        if session_open is not None:
            fills = "SELECT body FROM broker.activities WHERE store = %s AND type = 'FILL' AND at >= %s"
            for (body,) in self._rows(fills, self.name, session_open):
                state.used[body["account_id"], body["symbol"]] += float(body["qty"])
        sequences = (
            "SELECT greatest((SELECT max(sequence) FROM broker.orders WHERE store = %s), "
            "(SELECT max(('x' || substr(split_part(id, '::', 2), 1, 8) || substr(split_part(id, '::', 2), 10, 4))"
            "::bit(48)::bigint) FROM broker.activities WHERE store = %s))"
        )
        state.sequence = int(self._rows(sequences, self.name, self.name)[0][0] or 0)
        return state

    def write(self, state: BrokerState, changes: Changes) -> None:
        """Store what has changed, and the time, in one transaction."""
        accounts = [state.accounts[identity] for identity in sorted(changes.accounts)]
        with self._connection.cursor() as cursor:
            parts = [
                cursor.mogrify(
                    "INSERT INTO broker.stores VALUES (%s, %s, %s) ON CONFLICT (store) "
                    "DO UPDATE SET clock = excluded.clock, halted = excluded.halted",
                    (self.name, state.time, json.dumps(sorted(state.halted))),
                )
            ]
            for account in accounts:
                parts += self._account_statements(cursor, account, sorted(changes.positions.get(account.id, ())))
            tables = (
                ("orders", [order_row(self.name, order) for order in changes.orders.values()],
                 " ON CONFLICT (store, id) DO UPDATE SET is_open = excluded.is_open, body = excluded.body"),
                ("activities", [(self.name, a.account, a.id, a.type, a.at, json.dumps(a.body))
                                for a in changes.activities], ""),
                ("equity", [(self.name, *point) for point in changes.equity], " ON CONFLICT DO NOTHING"),
            )  # fmt: skip
            for table, rows, conflict in tables:
                if rows:
                    parts.append(_insert(cursor, table, rows, conflict))
            # One message with several statements is one transaction, and one round trip.
            cursor.execute(b"; ".join(parts))

    def order(self, account: str, identity: str) -> Order | None:
        """An order by its id."""
        where = "store = %s AND id = %s AND account = %s"
        return self._one_order(where, self.name, identity, account)

    def order_by_client_id(self, account: str, client_order_id: str) -> Order | None:
        """An order by the id that the client gave it."""
        where = "store = %s AND account = %s AND client_order_id = %s"
        return self._one_order(where, self.name, account, client_order_id)

    def orders(self, account: str, wanted: OrderFilter) -> list[Order]:
        """Orders by the time of their submission."""
        where, values = ["store = %s", "account = %s"], [self.name, account]
        for clause, value in (
            ("is_open = %s", wanted.is_open),
            ("symbol = ANY(%s)", wanted.symbols),
            ("side = %s", wanted.side),
            ("submitted_at > %s", wanted.after),
            ("submitted_at < %s", wanted.until),
        ):
            if value is not None:
                where.append(clause)
                values.append(value)  # type: ignore[arg-type]
        way = "ASC" if wanted.is_ascending else "DESC"
        statement = (
            f"SELECT body FROM broker.orders WHERE {' AND '.join(where)} "
            f"ORDER BY submitted_at {way}, sequence {way} LIMIT %s"
        )
        return [read_order(body) for (body,) in self._rows(statement, *values, wanted.limit)]

    def activities(self, account: str, wanted: ActivityFilter) -> list[dict[str, Any]]:
        """Activities by id, that is by time."""
        where, values = ["store = %s", "account = %s"], [self.name, account]
        for clause, value in (
            ("type = ANY(%s)", wanted.types),
            ("at > %s", wanted.after),
            ("at < %s", wanted.until),
            ('id COLLATE "C" > %s' if wanted.is_ascending else 'id COLLATE "C" < %s', wanted.token),
        ):
            if value is not None:
                where.append(clause)
                values.append(value)  # type: ignore[arg-type]
        way = "ASC" if wanted.is_ascending else "DESC"
        statement = (
            f'SELECT body FROM broker.activities WHERE {" AND ".join(where)} ORDER BY id COLLATE "C" {way} LIMIT %s'
        )
        return [body for (body,) in self._rows(statement, *values, wanted.size)]

    def equity(self, account: str, start: datetime, end: datetime) -> list[tuple[datetime, float]]:
        """Equity at the closes of a span of time."""
        statement = (
            "SELECT at, equity FROM broker.equity WHERE store = %s AND account = %s AND at BETWEEN %s AND %s "
            "ORDER BY at"
        )
        return [(at, equity) for at, equity in self._rows(statement, self.name, account, start, end)]

    def _account_statements(self, cursor: Any, account: MarginAccount, symbols: list[str]) -> list[bytes]:
        conflict = (
            " ON CONFLICT (store, id) DO UPDATE SET cash = excluded.cash, "
            "equity_at_close = excluded.equity_at_close, body = excluded.body"
        )
        statements = [_insert(cursor, "accounts", [account_row(self.name, account)], conflict)]
        gone = [symbol for symbol in symbols if symbol not in account.positions]
        if gone:
            where = "store = %s AND account = %s AND symbol = ANY(%s)"
            statements.append(
                cursor.mogrify(f"DELETE FROM broker.positions WHERE {where}", (self.name, account.id, gone))
            )
        held = [(symbol, account.positions[symbol]) for symbol in symbols if symbol in account.positions]
        rows = [(self.name, account.id, symbol, p.quantity, p.average, p.mark) for symbol, p in held]
        if rows:
            conflict = (
                " ON CONFLICT (store, account, symbol) DO UPDATE SET quantity = excluded.quantity, "
                "average = excluded.average, mark = excluded.mark"
            )
            statements.append(_insert(cursor, "positions", rows, conflict))
        return statements

    def _one_order(self, where: str, *values: object) -> Order | None:
        rows = self._rows(f"SELECT body FROM broker.orders WHERE {where}", *values)
        return read_order(rows[0][0]) if rows else None

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement, values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _insert(cursor: Any, table: str, rows: list[tuple[Any, ...]], conflict: str) -> bytes:
    template = "(" + ", ".join(["%s"] * len(rows[0])) + ")"
    values = b", ".join(cursor.mogrify(template, row) for row in rows)
    return b"INSERT INTO broker." + table.encode() + b" VALUES " + values + conflict.encode()
