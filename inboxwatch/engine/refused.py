"""Why an action of a person cannot be done."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  (the contract's word: exit code 1 "refused")
    """An action that cannot be done; `status` is the HTTP status that says why: 404 unknown, 409 over, 422 unusable."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
