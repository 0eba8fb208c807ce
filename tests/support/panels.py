"""What the dashboards ask: every expression of every panel as Grafana sends it, with a viewer's choices filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DASHBOARDS = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"
ALL = {"team": ".*", "owner": ".*", "tier": ".*", "mailbox": ".*"}


@dataclass(frozen=True, slots=True)
class Asked:
    dashboard: str
    panel: str
    ref: str
    expr: str
    instant: bool


def dashboards() -> Iterator[dict[str, Any]]:
    for path in sorted(DASHBOARDS.glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def panels_of(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All panels, those in closed rows among them."""
    shown = [one for one in dashboard["panels"] if one["type"] != "row"]
    return [*shown, *(one for row in rows_of(dashboard) for one in row["panels"])]


def rows_of(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows, which show nothing themselves."""
    return [one for one in dashboard["panels"] if one["type"] == "row"]


def filled(expr: str, choices: Mapping[str, str]) -> str:
    """The expression with variables replaced; anything left unknown is an error of the dashboard."""
    for name, value in {**choices, "__rate_interval": "1m"}.items():
        expr = re.sub(rf"\$(?:{name}\b|{{{name}}})", value, expr)
    assert "$" not in expr, f"unknown variable in {expr}"
    return expr


def asked(choices: Mapping[str, str]) -> Iterator[Asked]:
    for dashboard in dashboards():
        for panel in panels_of(dashboard):
            for target in panel["targets"]:
                assert target["instant"] != target["range"], panel["title"]
                expr = filled(target["expr"], choices)
                yield Asked(dashboard["title"], panel["title"], target["refId"], expr, target["instant"])
