"""Sessions of the IMAP connector with a scripted server: read to the end, or to the failure."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from connectors.mail.imap import Imap
from inboxwatch.connector import Batch, Cursor, MailboxError
from inboxwatch.testing import every
from tests.doubles.scripted_imap import PASSWORD, Answer, Client


async def read(connector: Imap, cursor: Cursor | None = None) -> list[Batch]:
    try:
        return await every(connector, cursor)
    finally:
        await connector.aclose()


async def failing(connector: Imap) -> MailboxError:
    with pytest.raises(MailboxError) as caught:
        await read(connector)
    assert PASSWORD not in f"{caught.value!r}{caught.value.hint}"
    return caught.value


def says(text: str) -> Answer:
    async def answer(client: Client, tag: str, _: str) -> None:
        await client.send(text.replace("TAG", tag))

    return answer


def certified(folder: Path) -> tuple[ssl.SSLContext, dict[str, Any]]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return context, {"security": "tls", "ca_file": str(folder / "ca.pem")}
