"""Google's machine-readable descriptions of its APIs, which its client library carries: doubles are held to them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def described(api: str) -> dict[str, Any]:
    """The discovery document of an API, such as `gmail.v1`."""
    path = files("googleapiclient") / "discovery_cache" / "documents" / f"{api}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def conforms(document: dict[str, Any], schema: str, value: Any) -> None:
    """A double says, and takes, nothing that Google's description does not allow."""
    types: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
    types["any"] = object
    properties = document["schemas"][schema].get("properties", {})
    assert isinstance(value, dict)
    found: Any
    for name, found in value.items():
        assert name in properties, f"{schema} has no {name}"
        kind = properties[name]
        if "$ref" in kind:
            conforms(document, kind["$ref"], found)
            continue
        assert isinstance(found, types[kind["type"]]), f"{schema}.{name} is a {kind['type']}"
        for one in value[name] if kind["type"] == "array" else ():
            if "$ref" in kind["items"]:
                conforms(document, kind["items"]["$ref"], one)
