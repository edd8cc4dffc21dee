"""Refusals: the answers of the protocol that turn a request down, with HTTP status, Alpaca's code and the reason."""

from __future__ import annotations

INVALID, STATE, FORBIDDEN, NOT_FOUND = 40010001, 42210000, 40310000, 40410000


class ApiError(Exception):
    """An answer of the protocol that refuses a request.

    Parameters
    ----------
    status : int
        HTTP status.
    code : int or None
        Alpaca's code; None for an answer without one.
    message : str
        What was wrong.
    **details
        Further fields of the body.
    """

    def __init__(self, status: int, code: int | None, message: str, **details: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {**({} if code is None else {"code": code}), "message": message, **details}


def invalid(message: str) -> ApiError:
    """A request that cannot be understood."""
    return ApiError(422, INVALID, message)


def refused(message: str) -> ApiError:
    """A request that does not fit the state of the order or of the asset."""
    return ApiError(422, STATE, message)


def forbidden(message: str, **details: str) -> ApiError:
    """A request that the account may not make."""
    return ApiError(403, FORBIDDEN, message, **details)


def not_found(message: str) -> ApiError:
    """A request for something that does not exist."""
    return ApiError(404, NOT_FOUND, message)
