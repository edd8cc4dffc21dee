"""Errors of some of a run's names: the other names are still computed, and the run fails at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.errors import RetryableError, TradingAssetsError


class SeveralFailedError(TradingAssetsError):
    """Several of a run's names failed; the message has the error of each."""


class SeveralNotReadyError(SeveralFailedError, RetryableError):
    """Several of a run's names failed because their inputs are not there yet; the message has the error of each."""


@dataclass
class Failures:
    """Collects the errors of a run's names.

    Attributes
    ----------
    kind : str
        What the names denote: ``book``, ``strategy``, ``model``.
    errors : dict of str to Exception
        Error of each name that failed.

    Examples
    --------
    >>> failures = Failures("book")
    >>> for name in ("a", "b"):
    ...     with failures.of(name):
    ...         if name == "a":
    ...             raise ValueError("no price")
    >>> sorted(failures.errors)
    ['a']
    """

    kind: str
    errors: dict[str, Exception] = field(default_factory=dict)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Keep an error that is raised while a name is computed."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the run raises it at its end
            self.errors[name] = error

    def raise_them(self, retry_seconds: float) -> None:
        """Raise the error of the only name that failed, or one error that combines those of all.

        Parameters
        ----------
        retry_seconds : float
            Pause before the step is retried, if all errors are of inputs that are not there yet.
        """
        if not self.errors:
            return
        with retry_when_not_ready(retry_seconds):
            raise self._as_one()

    def _as_one(self) -> Exception:
        if len(self.errors) == 1:
            return next(iter(self.errors.values()))
        text = "; ".join(f"{self.kind} {name}: {error}" for name, error in self.errors.items())
        message = f"{len(self.errors)} names of the run failed, the others are done: {text}"
        are_retryable = all(isinstance(error, RetryableError) for error in self.errors.values())
        return (SeveralNotReadyError if are_retryable else SeveralFailedError)(message)
