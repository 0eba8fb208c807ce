"""Cursors that installations have stored are read as they are, and written in the same form."""

from __future__ import annotations

from datetime import date

import pytest

from connectors.mail import delta_position
from connectors.mail.delta_position import DeltaPosition
from connectors.mail.gmail import position as gmail
from connectors.mail.gmail.position import HistoryPosition
from connectors.mail.imap import position as imap
from connectors.mail.imap.position import UidPosition
from connectors.mail.maildir import tree as maildir
from connectors.mail.maildir.folder import MaildirPosition

IMAP = (
    r'{"v":1,"folders":{"INBOX":[7,42],"Gesendet é":[9,5,80,"2026-05-04"],"Old":[1,3,9,null],'
    r'"Half":[2,1,9,"2026-05-04",1790999864,7],"News":[2,30,41,null,-5,33]}}'
)
GRAPH_AND_EWS = (
    r'{"v":1,"folders":{"AAMk=":{"at":"https://graph.microsoft.com/v1.0/x?$deltatoken=1"},'
    r'"B":{"at":"s","after":"2026-05-04T08:00:00Z","read":["m1","m2"]},'
    r'"C":{"at":"t","after":"1970-01-01T00:00:00Z","read":[],"pinned":false}}}'
)
MAILDIR = (
    r'{"v":1,"folders":{"INBOX":[12,0,[-1,""],"",null,[]],'
    r'"Sent":[13,1700000000000000000,[1700000000,"1700000000.a\udcff"],"0a1b2c3d4e5f6071",[1700000001,"x"],[5,0]],'
    r'"Half":[14,0,[-1,""],"",[1700000001,"x"],[],[1700000001,"x"],[1690000000000000000,"\udcff"]],'
    r'"News":[15,0,[1700000001,"x"],"",null,[],[1700000002,"y"],null]}}'
)


def test_imap() -> None:
    positions = {
        "INBOX": UidPosition(7, 42),
        "Gesendet é": UidPosition(9, 5, 80, date(2026, 5, 4)),
        "Old": UidPosition(1, 3, 9),
        "Half": UidPosition(2, 1, 9, date(2026, 5, 4), (1790999864, 7)),
        "News": UidPosition(2, 30, 41, after=(-5, 33)),
    }
    assert imap.decode(IMAP) == positions
    assert imap.encode(positions) == IMAP


@pytest.mark.parametrize(
    ("stored", "position"),
    [
        ('{"v":1,"history":"18446744073709551615"}', HistoryPosition("18446744073709551615")),
        ('{"v":1,"history":"77","newest":""}', HistoryPosition("77", newest="")),
        ('{"v":1,"history":"77","newest":"19aa"}', HistoryPosition("77", newest="19aa")),
    ],
)
def test_gmail(stored: str, position: HistoryPosition) -> None:
    assert gmail.decode(stored) == position
    assert gmail.encode(position) == stored


def test_graph_and_ews() -> None:
    positions = {
        "AAMk=": DeltaPosition("https://graph.microsoft.com/v1.0/x?$deltatoken=1"),
        "B": DeltaPosition("s", after="2026-05-04T08:00:00Z", read=("m1", "m2")),
        "C": DeltaPosition("t", after="1970-01-01T00:00:00Z", pinned=False),
    }
    assert delta_position.decode(GRAPH_AND_EWS) == positions
    assert delta_position.encode(positions) == GRAPH_AND_EWS


def test_maildir() -> None:
    positions = {
        "INBOX": MaildirPosition(12),
        "Sent": MaildirPosition(
            13,
            1700000000000000000,
            (1700000000, "1700000000.a\udcff"),
            ("0a1b2c3d", "4e5f6071"),
            (1700000001, "x"),
            (5, 0),
        ),
        "Half": MaildirPosition(
            14, until=(1700000001, "x"), upto=(1700000001, "x"), after=(1690000000000000000, "\udcff")
        ),
        "News": MaildirPosition(15, 0, (1700000001, "x"), upto=(1700000002, "y")),
    }
    assert maildir.decode(MAILDIR) == positions
    assert maildir.encode(positions) == MAILDIR
