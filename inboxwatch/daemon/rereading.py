"""Reading single messages again, through whichever part of the port a connector has."""

from __future__ import annotations

from collections.abc import Sequence

from inboxwatch.connector import Quarantined, Recovers, Reread, Rereads


async def reread(connector: Rereads | Recovers, refs: Sequence[str]) -> Reread:
    """Raises MailboxError. One that cannot tell what is gone has it tried again until it is given up."""
    if isinstance(connector, Rereads):
        return await connector.reread(refs)
    messages = await connector.recover(refs)
    read = {message.ref for message in messages}
    return Reread(messages, tuple(Quarantined(ref, "it could not be read again") for ref in refs if ref not in read))
