"""What lies on the disk: its owner's alone, and no key of signed links in the store."""

from __future__ import annotations

import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from inboxwatch.notify.links import Grant, LinkError, Links
from inboxwatch.store import Store
from inboxwatch.store.signing_key import LINKS_LASTED, former_key, signing_key
from tests.support.installation import Installation

URL = "https://watch.acme.test"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def salt_in(path: Path) -> bytes:
    with sqlite3.connect(path) as connection:
        return bytes.fromhex(connection.execute("select value from meta where key = 'salt'").fetchone()[0])


def grant(now: datetime) -> Grant:
    return Grant("c1", "dismiss", "ana", (now + timedelta(days=2)).replace(microsecond=0))


def test_a_store_and_all_beside_it_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "inboxwatch.db"
    store = Store(f"sqlite:///{path}")
    assert store.key
    with store.transaction() as tx:
        assert tx.leads.all() is not None
        assert {mode(one) for one in tmp_path.iterdir()} == {0o600}
    store.close()


def test_an_older_store_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "inboxwatch.db"
    Store(f"sqlite:///{path}").close()
    path.chmod(0o644)
    Store(f"sqlite:///{path}").close()
    assert mode(path) == 0o600


def test_who_reads_the_store_cannot_sign(tmp_path: Path) -> None:
    path = tmp_path / "inboxwatch.db"
    store, now = Store(f"sqlite:///{path}"), datetime.now(UTC)
    links = Links(store.key, URL, former=store.former_key)
    assert links.verify(links.sign(grant(now)), now) == grant(now)
    forged = Links(former_key(salt_in(path)), URL).sign(grant(now))
    with pytest.raises(LinkError):
        links.verify(forged, now)
    key = store.key
    store.close()
    assert key not in path.read_bytes()
    assert key.hex().encode() not in path.read_bytes()
    assert Store(f"sqlite:///{path}").key == key


def test_links_from_before_the_key_left_the_store_stay_valid_for_their_time(tmp_path: Path) -> None:
    path = tmp_path / "inboxwatch.db"
    Store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("delete from meta where key <> 'salt'")
    sent = Links(former_key(salt_in(path)), URL).sign(grant(now := datetime.now(UTC)))
    for _ in range(2):
        store = Store(f"sqlite:///{path}")
        links = Links(store.key, URL, former=store.former_key)
        assert links.verify(sent, now) == grant(now)
        store.close()
    assert store.former_key is not None
    assert now < store.former_key[1] <= datetime.now(UTC) + LINKS_LASTED
    later = now + LINKS_LASTED + timedelta(minutes=1)
    old = Links(former_key(salt_in(path)), URL).sign(grant(later))
    with pytest.raises(LinkError):
        links.verify(old, later)


def test_on_postgresql_the_key_needs_the_password_of_the_config() -> None:
    salt = b"s" * 32
    keys = {
        signing_key(make_url(f"postgresql+psycopg://watch:{password}@db.acme.test/inboxwatch"), salt)
        for password in ("one", "two")
    }
    assert len(keys | {former_key(salt)}) == 3


def test_reports_are_their_owners_alone(tmp_path: Path) -> None:
    home = Installation(tmp_path, {}, channels={"desk": {"type": "console"}})
    Store(f"sqlite:///{tmp_path}/inboxwatch.db").close()
    told = home.command("report", "--since", "30d", "-o", str(tmp_path / "r.html"), "--csv", str(tmp_path / "w.csv"))
    assert told.returncode == 0, told.stderr
    assert {mode(tmp_path / name) for name in ("r.html", "w.csv", "inboxwatch.db")} == {0o600}


@pytest.mark.parametrize(("readable", "code"), [(True, 1), (False, 0)])
def test_check_refuses_what_others_can_read(open_folder: Path, readable: bool, code: int) -> None:
    desk = {"type": "webhook", "url": "http://127.0.0.1:9", "secret_file": "s"}
    home = Installation(open_folder, {}, channels={"desk": desk})
    (open_folder / "s").write_text("a secret of a hook\n", encoding="utf-8")
    Store(f"sqlite:///{open_folder}/inboxwatch.db").close()
    for path in open_folder.iterdir():
        path.chmod(0o644 if readable else 0o640)
    told = home.command("check", "--offline", "--json")
    assert told.returncode == code, told.stdout
    for name in ("inboxwatch.yaml", '"file s"', "inboxwatch.db"):
        assert (name in told.stdout) is readable
