"""How often Python looks for reference cycles."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 50
"""Objects made before a look at the young ones, and how many such looks before one at the older ones."""


def collect_seldom() -> None:
    """Call it once what stays for good is in memory: the program, the config, the leads.

    A batch of mail makes many objects and hardly a cycle. With Python's defaults an eighth of the time of a backfill
    went into looking again and again at everything that had come to stay. After a reload what had come to stay by the
    old config is looked at once more: else it would never go.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
