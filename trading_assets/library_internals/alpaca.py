"""alpaca-py's REST clients: timeouts, no retries of their own, another transport.

alpaca-py 0.44 has no public way to any of it: its clients create a `requests.Session` without timeouts, and repeat a
call on HTTP 429 and 504, a POST of an order included. A 504 after the order was accepted then makes a second order.
"""

from __future__ import annotations

from typing import Any

from requests import Session
from requests.adapters import BaseAdapter


def configure_client(client: Any, transport: BaseAdapter, *, uses_proxies: bool) -> None:
    """Send a client's calls through a transport, and disable its retries.

    Parameters
    ----------
    client : alpaca.common.rest.RESTClient
        The client, changed in place.
    transport : requests.adapters.BaseAdapter
        What sends a request and applies timeouts.
    uses_proxies : bool
        Whether the environment's proxies and credentials may be used.
    """
    session: Session = client._session  # noqa: SLF001
    for scheme in ("http://", "https://"):
        session.mount(scheme, transport)
    session.trust_env = uses_proxies
    client._retry = 0  # noqa: SLF001
    client._retry_codes = []  # noqa: SLF001
