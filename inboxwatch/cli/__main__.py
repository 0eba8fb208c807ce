"""`python -m inboxwatch.cli`: the command line without its script."""

from __future__ import annotations

from inboxwatch.cli import main

main()
