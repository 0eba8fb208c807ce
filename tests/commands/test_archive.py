"""Archives: every message of every form is accounted for once, with the contract's time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inboxwatch.commands import archive
from inboxwatch.commands.replay import Timeline, message_line, problem_line, read_all
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.intake import Intake
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail.unknown_senders import leads_of_all
from inboxwatch.core.model import FolderRole
from inboxwatch.core.timestamp import rfc3339
from tests.support.messages import US

ONE = (
    b"From: bea@buyer.test\nTo: ana@acme.test\nSubject: Prices\nMessage-ID: <q1@buyer.test>\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0100\n\nHello\n"
)
TWO = ONE.replace(b"q1@", b"q2@")


def replayed(*paths: Path, text: bool = True) -> Timeline:
    return read_all(paths, Intake(US, Directory(), ThreadIndex(), leads_of_all), text=text)


def ids(timeline: Timeline) -> list[str]:
    return [entry.message.id for _, entry in timeline.sightings]


def test_an_mbox_gives_each_message_with_its_offset_and_unquotes_from_lines(tmp_path: Path) -> None:
    box = tmp_path / "in.mbox"
    first = b"From bea@buyer.test Mon Mar  2 09:30:00 2026\n" + ONE + b">From here on it is quoted\n>>From twice\n\n"
    box.write_bytes(first + b"From - Mon Mar  2 09:31:00 2026\n" + TWO)
    found = list(archive.read(box))
    assert [one.path for one in found] == [f"{box}:0", f"{box}:{len(first)}"]
    assert found[0].raw is not None
    assert b"\nFrom here on it is quoted\n>From twice\n" in (found[0].raw.text or b"")


def test_a_from_line_inside_a_message_does_not_cut_it(tmp_path: Path) -> None:
    box = tmp_path / "in.mbox"
    box.write_bytes(b"From - Mon Mar  2 09:30:00 2026\n" + ONE + b"\nFrom the bottom of my heart\n")
    assert len(list(archive.read(box))) == 1


@pytest.mark.parametrize(
    ("header", "at", "time_from"),
    [
        (
            b"Received: by a; Mon, 2 Mar 2026 08:00:00 +0000\nReceived: by b; Mon, 2 Mar 2026 07:00:00 +0000\n",
            "2026-03-02T08:00:00Z",
            "received",
        ),
        (b"", "2026-03-02T09:30:00Z", "envelope"),
    ],
)
def test_the_time_is_that_of_the_topmost_received_line_then_of_the_from_line(
    tmp_path: Path, header: bytes, at: str, time_from: str
) -> None:
    box = tmp_path / "in.mbox"
    box.write_bytes(b"From - Mon Mar  2 09:30:00 2026\n" + header + ONE)
    (entry,) = replayed(box).entries
    assert (rfc3339(entry.message.received_at), entry.message.time_from) == (at, time_from)


def test_a_single_file_without_any_relay_has_the_time_of_its_date(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(ONE)
    (entry,) = replayed(tmp_path / "one.eml").entries
    assert rfc3339(entry.message.received_at) == "2026-03-02T09:00:00Z"


def test_maildirs_and_folders_are_read_whole_and_tmp_is_not(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".Sent/tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    (tmp_path / "box/cur/1.a:2,S").write_bytes(ONE)
    (tmp_path / "box/tmp/2.a").write_bytes(b"half a mess")
    (tmp_path / "box/.Sent/cur/3.a:2,S").write_bytes(TWO)
    (tmp_path / "box/dovecot.index").write_bytes(b"\0\1")
    found = list(archive.read(tmp_path / "box"))
    assert [one.raw.role for one in found if one.raw] == [FolderRole.SENT, FolderRole.INBOX]
    assert sorted(ids(replayed(tmp_path / "box"))) == ["q1@buyer.test", "q2@buyer.test"]


def test_duplicates_are_shown_and_one_entry_counts(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(ONE)
    (tmp_path / "2.eml").write_bytes(ONE)
    timeline = replayed(tmp_path)
    assert (len(timeline.sightings), len(timeline.entries)) == (2, 1)


def test_what_cannot_be_used_is_a_problem_and_never_a_stop(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(b"")
    (tmp_path / "2.eml").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "3.eml").write_bytes(ONE)
    timeline = replayed(tmp_path)
    assert ids(timeline) == ["q1@buyer.test"]
    lines = [problem_line(one) for one in timeline.problems]
    assert [(Path(one["path"]).name, bool(one["reason"])) for one in lines] == [("1.eml", True), ("2.eml", True)]


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        replayed(tmp_path / "nowhere")


def test_a_message_line_has_the_contracts_keys_and_ids_without_brackets(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(ONE)
    ((path, entry),) = replayed(tmp_path).sightings
    line = json.loads(json.dumps(message_line(path, entry)))
    assert list(line) == [
        "type",
        "message_id",
        "path",
        "mailbox",
        "at",
        "direction",
        "kind",
        "signal",
        "thread",
        "parent",
        "lead",
        "evidence",
    ]
    assert (line["message_id"], line["direction"], line["kind"], line["at"]) == (
        "q1@buyer.test",
        "inbound",
        "human",
        "2026-03-02T09:00:00Z",
    )


def test_files_of_one_run_are_one_timeline_whatever_their_order(tmp_path: Path) -> None:
    (tmp_path / "b.eml").write_bytes(ONE)
    answer = (
        b"From: ana@acme.test\nTo: bea@buyer.test\nSubject: Re: Prices\nMessage-ID: "
        b"<a1@acme.test>\nIn-Reply-To: <q1@buyer.test>\nDate: Mon, 2 Mar 2026 11:00:00 +0100\n\n"
        b"Hi\n"
    )
    (tmp_path / "a.eml").write_bytes(answer)
    for order in (("a.eml", "b.eml"), ("b.eml", "a.eml")):
        timeline = replayed(*(tmp_path / name for name in order))
        assert ids(timeline) == ["q1@buyer.test", "a1@acme.test"]
        assert timeline.entries[1].match.parent == "q1@buyer.test"


def test_two_messages_with_one_id_are_printed_with_the_id_of_their_header(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(ONE)
    (tmp_path / "2.eml").write_bytes(ONE.replace(b"2 Mar", b"9 Mar"))
    timeline = replayed(tmp_path)
    assert len(timeline.entries) == 2
    assert {message_line(path, entry)["message_id"] for path, entry in timeline.sightings} == {"q1@buyer.test"}
