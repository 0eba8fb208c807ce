"""Writes the dashboards as JSON: `generate.py [FOLDER]`. A test holds them to what is committed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from boards import mailboxes, overview, people
from grafana_foundation_sdk.cog.encoder import JSONEncoder

DASHBOARDS = {"overview": overview.build, "people-and-teams": people.build, "mailboxes-and-health": mailboxes.build}


def write(folder: Path) -> None:
    """One file a dashboard; the same code writes the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, build in DASHBOARDS.items():
        text = json.dumps(build().build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards")
