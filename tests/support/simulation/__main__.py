"""`python -m tests.support.simulation SEED` prints what happens in one simulated world."""

from __future__ import annotations

import sys

from tests.support.simulation.random_world import play

play(int(sys.argv[1]), print)
