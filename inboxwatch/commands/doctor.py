"""`doctor`: one file for a maintainer with versions, config, health and errors, and nobody's name, mail or secret."""

from __future__ import annotations

import io
import json
import platform
import sys
import tarfile
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inboxwatch import __version__
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.pseudonyms import Pseudonyms
from inboxwatch.commands.terminal import fail, tell
from inboxwatch.config import drop_ins
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.now import now
from inboxwatch.store import Outage, Store, StoreError, Transaction
from inboxwatch.store.marks import DefectMark

if TYPE_CHECKING:
    from inboxwatch.config import Config

SHORT = 4
"""Characters of a private text below which it stands in ordinary words too."""


def run_doctor(path: Path, config: Config, file: Path) -> ExitCode:
    """The command; `file` is `-` for standard output. What is written is its user's alone."""
    data = drop_ins.read(path)[0].data
    names = Pseudonyms(data, (platform.node(), *platform.node().split(".")[:1]))
    parts: dict[str, Any] = {"versions.json": _versions(), "config.json": names.config(data)}
    try:
        parts |= _stored(config, names)
    except (StoreError, Outage) as error:
        parts["store.json"] = {"error": names.words(str(error))}
    archive = _packed(parts)
    try:
        if str(file) == "-":
            sys.stdout.buffer.write(archive)
        else:
            file.write_bytes(archive)
            file.chmod(0o600)
    except OSError as error:
        return fail(f"cannot write {file}: {error.strerror}")
    tell(f"{len(parts)} files, without names, addresses, subjects and secrets; look into it before you send it")
    return ExitCode.OK


def _versions() -> dict[str, Any]:
    packages = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"]}
    return {
        "inboxwatch": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libc": " ".join(platform.libc_ver()),
        "made_at": rfc3339(now()),
        "packages": dict(sorted(packages.items(), key=lambda one: one[0].lower())),
    }


def _stored(config: Config, names: Pseudonyms) -> dict[str, Any]:
    """What the store knows, as it is: nothing in it is changed. Raises StoreError, Outage."""
    if not config.store_url.resolved:
        return {"store.json": {"error": "its address is a secret that is not here"}}
    store = Store(config.store_url.reveal(), migrate=False)
    try:
        with store.reading() as tx:
            boxes, errors = _mailboxes(tx, config, names), _errors(tx)
            private = _quoted(tx, config, [boxes, errors])
            told = {"mailboxes.json": boxes, "errors.json": errors}
            size = store.file.stat().st_size if store.file is not None else None
            counted: dict[str, Any] = {"kind": tx.diagnosis.kind(), "version": tx.diagnosis.revision(), "bytes": size}
            counted["rows"] = tx.diagnosis.rows()
            # By kind and place, as our own program wrote it: no host of a mail server is in there.
            counted["ends"] = list(filter(None, tx.marks.all(DefectMark).values()))
            return {"store.json": counted} | {name: _told(part, names, private) for name, part in told.items()}
    finally:
        store.close()


def _mailboxes(tx: Transaction, config: Config, names: Pseudonyms) -> list[dict[str, Any]]:
    aside, lost, found = tx.quarantine.counts(), tx.quarantine.given_up(), []
    for row in tx.mailboxes.all():
        box = config.mailboxes.get(row.id)
        found.append(
            {
                "mailbox": names.name(row.id, "mailbox"),
                "connector": box.connector if box else "not in the config",
                "seen_until": rfc3339(row.seen_until),
                "last_success": rfc3339(row.last_success),
                "failing_since": rfc3339(row.failing_since),
                "reason": row.error_reason,
                "error": row.error or "",
                "left_out": row.remarks or "",
                "coverage": row.coverage,
                "set_aside": aside.get(row.id, 0),
                "given_up": lost.get(row.id, 0),
            }
        )
    return found


def _errors(tx: Transaction) -> dict[str, Any]:
    deliveries = [one._asdict() | {"owed_at": rfc3339(one.owed_at)} for one in tx.diagnosis.failed_deliveries()]
    aside = [{"mailbox": box, "error": why, "count": count} for box, why, count in tx.diagnosis.set_aside()]
    return {"deliveries": deliveries, "set_aside": aside}


def _quoted(tx: Transaction, config: Config, parts: list[Any]) -> list[str]:
    """Which private texts stand in what is told, the longest first."""
    told = json.dumps(parts, ensure_ascii=False).lower()
    ours = (one.name for one in config.people.values())
    found = {one for one in chain(ours, tx.diagnosis.private_texts()) if len(one) >= SHORT and one.lower() in told}
    return sorted(found, key=len, reverse=True)


def _told(part: Any, names: Pseudonyms, private: Iterable[str]) -> Any:
    """All texts of a part as a stranger may read them."""
    if isinstance(part, Mapping):
        return {name: _told(value, names, private) for name, value in part.items()}
    if isinstance(part, list):
        return [_told(value, names, private) for value in part]
    return names.words(part, private) if isinstance(part, str) else part


def _packed(parts: Mapping[str, Any]) -> bytes:
    """The parts as JSON in a .tar.gz."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, part in parts.items():
            data = json.dumps(part, indent=2, ensure_ascii=False).encode()
            entry = tarfile.TarInfo(f"inboxwatch-doctor/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(now().timestamp())
            archive.addfile(entry, io.BytesIO(data))
    return written.getvalue()
