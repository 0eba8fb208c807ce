"""The daemon's writer thread, replaced: use cases run at once, and the process may be killed around each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from inboxwatch.daemon.writer import Writer
from inboxwatch.store import Store, Transaction

P = ParamSpec("P")
R = TypeVar("R")


class Killed(BaseException):
    """The process is killed here; no handler of the program sees it."""


class InlineWriter(Writer):
    """Runs units of work in the caller's thread."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.units_left: int | None = None
        """How many units, halves counted, until the process dies."""
        self.dies_at: tuple[str, bool] | None = None
        """The use case by name at which the process dies; True: once it is done, and has done something."""

    async def write(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        name = getattr(use_case, "__name__", "")
        self._die_at(name, done=False)
        result = await super().write(use_case, *args, **kwargs)
        if result or name != "claim":
            self._die_at(name, done=True)
        return result

    async def run(
        self, unit: Callable[[], R], *, writes: bool = True, patience: float | None = None, beside: bool = False
    ) -> R:
        self._count()
        result = unit()
        self._count()
        return result

    def _die_at(self, use_case: str, *, done: bool) -> None:
        """Dies here, once, where that was asked for."""
        if self.dies_at == (use_case, done):
            self.dies_at = None
            raise Killed

    def _count(self) -> None:
        if self.units_left is not None:
            self.units_left -= 1
            if self.units_left <= 0:
                self.units_left = None
                raise Killed
