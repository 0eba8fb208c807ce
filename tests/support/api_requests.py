"""Requests to the API, and what it answers."""

from __future__ import annotations

from typing import Any

from aiohttp.test_utils import TestClient

Answer = tuple[int, Any]
"""(status, body)"""


async def get(client: TestClient[Any, Any], path: str, **params: str) -> Answer:
    async with client.get(path, params=params) as answer:
        return answer.status, await answer.json(content_type=None)


async def send(client: TestClient[Any, Any], method: str, path: str, body: Any = None) -> Answer:
    async with client.request(method, path, json=body) as answer:
        if answer.status >= 400:
            assert answer.content_type == "application/problem+json"
        return answer.status, await answer.json(content_type=None)
