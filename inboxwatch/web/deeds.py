"""`GET /api/v1/deeds`: what people did in a period, as `inboxwatch replay --deeds` reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from aiohttp import web

from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.deed_lines import deed_page
from inboxwatch.web.problems import Problem
from inboxwatch.web.query_fields import instant_of, refuse_unknown

FILTERS = ("since", "until")
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def of_query(daemon: DaemonPort, request: web.Request) -> web.StreamResponse:
    """JSON Lines, page by page: no page of a long period is kept in memory beside the next. Raises Problem."""
    refuse_unknown(request.query, FILTERS)
    now = daemon.now()
    until = instant_of(request.query, "until") or now
    since = instant_of(request.query, "since") or _EVER
    if since >= until:
        raise Problem(422, "since: must lie before `until`")
    page = await daemon.read(deed_page, daemon.rules, since, until)
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
    await response.prepare(request)
    while True:
        await response.write(b"".join(json.dumps(line).encode() + b"\n" for line in page.lines))
        if page.since is None:
            break
        page = await daemon.read(deed_page, daemon.rules, page.since, until)
    await response.write_eof()
    return response
