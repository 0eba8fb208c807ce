"""`python -m tests.support.simulation SEED [PROCESSES]` prints what happens in one simulated world."""

from __future__ import annotations

import sys
import tempfile

from tests.support.simulation.random_world import play

seed, processes = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
with tempfile.TemporaryDirectory() as folder:
    play(seed, print, url=f"sqlite:///{folder}/store.db", processes=processes)
