"""Reading several folders together, in batches that bear the same share of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def shares(pending: Mapping[str, Sequence[Item]], size: int) -> Iterator[dict[str, Sequence[Item]]]:
    """Cuts what is to read into batches of about `size`, each with the same share of every folder.

    UIDs ascend in time: so inbox and sent mail advance together, and an answer is read near its question.
    """
    total = sum(map(len, pending.values()))
    batches = -(-total // size)
    for number in range(batches):
        share = {
            name: uids[low:high]
            for name, uids in pending.items()
            if (low := len(uids) * number // batches) < (high := len(uids) * (number + 1) // batches)
        }
        if share:
            yield share
