"""The key that signs links and sessions: never in the store alone, so that who reads the store cannot sign.

Beside a SQLite file it is a file of its own; on PostgreSQL it is made of the store's salt and the password of
`store.url`, so that several processes have the same. It was once made of the salt alone: links of that time stay valid
until they expire. So do those of a store that was moved to PostgreSQL: their key is kept, encrypted by the new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import URL

from inboxwatch.now import now

LINKS_LASTED = timedelta(days=7)
"""How long links were valid whose key was in the store."""
SUFFIX = ".key"
MOVED = "links by another key until"
"""Among the store's secrets: the key of the store that this one is a copy of."""


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
        return read_key(path)
    made = _written(path, secrets.token_bytes(32))
    try:
        # Of several processes that start together one makes the key, whole from its first moment.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(made)
    finally:
        made.unlink()
    return read_key(path)


def read_key(path: Path) -> bytes:
    """The key in a file. Raises OSError, or ValueError where the file holds something else."""
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def write_key(path: Path, key: bytes) -> None:
    """Puts a key into a file, whole, in place of what is there."""
    _written(path, key).replace(path)


def moved_key(key: bytes, own: bytes) -> str:
    """The key of the store that another is a copy of, as the copy, whose own key is `own`, keeps it for a time."""
    nonce, until = secrets.token_bytes(16), now() + LINKS_LASTED
    return f"{until.isoformat()} {nonce.hex()} {_crypted(key, nonce, own).hex()}"


def former_of_moved(kept: str, own: bytes) -> tuple[bytes, datetime]:
    """The reverse of `moved_key`, and until when links by that key are valid (UTC)."""
    until, nonce, content = kept.split()
    return _crypted(bytes.fromhex(content), bytes.fromhex(nonce), own), datetime.fromisoformat(until)


def _crypted(content: bytes, nonce: bytes, key: bytes) -> bytes:
    """Encrypts a key, or decrypts it; a key has 64 bytes at most, and no nonce is used twice."""
    stream = hashlib.blake2b(b"moved" + nonce, key=key[:64], digest_size=len(content)).digest()
    return bytes(one ^ other for one, other in zip(content, stream, strict=True))


def _written(path: Path, key: bytes) -> Path:
    """A new file beside `path` that holds a key."""
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
    return made


def keep_private(database: str) -> None:
    """Makes a SQLite file, with what lies beside it, its owner's alone; SQLite gives further files the same mode."""
    with contextlib.suppress(OSError):  # what cannot be made or opened here is told by the driver, in its words
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for path in (Path(database + suffix) for suffix in ("", "-wal", "-shm", "-journal", SUFFIX)):
        with contextlib.suppress(OSError):
            mode = path.stat().st_mode
            if mode & 0o077:
                path.chmod(stat.S_IMODE(mode) & 0o700)
