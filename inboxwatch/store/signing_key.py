"""The key that signs links and sessions: never in the store alone, so that who reads the store cannot sign.

Beside a SQLite file it is a file of its own; on PostgreSQL it is made of the store's salt and the password of
`store.url`, so that several processes have the same. It was once made of the salt alone: links of that time stay valid
until they expire.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from datetime import timedelta
from pathlib import Path

from sqlalchemy import URL

LINKS_LASTED = timedelta(days=7)
"""How long links were valid whose key was in the store."""
SUFFIX = ".key"


def former_key(salt: bytes) -> bytes:
    """The key that was made of the salt alone."""
    return hashlib.blake2b(b"signing", key=salt).digest()


def signing_key(url: URL, salt: bytes) -> bytes:
    """The key of a store. Raises OSError where its file can be neither read nor made."""
    if url.get_backend_name() != "sqlite":
        password = url.password
        return hashlib.blake2b(str(password).encode(), key=salt).digest() if password else former_key(salt)
    if not url.database or url.database == ":memory:":
        return former_key(salt)
    path = Path(url.database + SUFFIX)
    with contextlib.suppress(FileNotFoundError):
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    try:
        # Of several processes that start together one makes the key, whole from its first moment.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(made)
    finally:
        made.unlink()
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def keep_private(database: str) -> None:
    """Makes a SQLite file, with what lies beside it, its owner's alone; SQLite gives further files the same mode."""
    with contextlib.suppress(OSError):  # what cannot be made or opened here is told by the driver, in its words
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for path in (Path(database + suffix) for suffix in ("", "-wal", "-shm", "-journal", SUFFIX)):
        with contextlib.suppress(OSError):
            mode = path.stat().st_mode
            if mode & 0o077:
                path.chmod(stat.S_IMODE(mode) & 0o700)
