"""Nobody can write a text that holds the interpreter: what reads strangers' texts costs time in proportion to them.

No test compares seconds. Work is done on a text and on the same text four times as long; what is more than linear needs
sixteen times as much then, and what is linear four times. Texts that cost next to nothing are not compared.
"""

from __future__ import annotations

import ast
import inspect
import re
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import pytest

from inboxwatch.commands import archive
from inboxwatch.config.reply_rules import load as load_rules
from inboxwatch.core.mail import quotes, reply_rules, subjects
from inboxwatch.core.mail.absence import return_day
from inboxwatch.core.mail.classify import classify
from inboxwatch.core.mail.headers import Unusable, parse
from inboxwatch.core.model import Message
from inboxwatch.mime import text_of
from tests.support.pumps import AnyPattern, modules, pumps

SHORT, LONG = 2_000, 8_000
NOTHING = 0.002
"""Seconds of CPU for LONG characters that need no comparison: what is quadratic costs many times more."""
WIDE = 9.0
"""Growth that is more than linear beyond doubt, when a text grows fourfold."""

BOUNDED = {
    "inboxwatch.core.mail.classify.senders._RANDOM": 320,
    "inboxwatch.core.mail.classify.senders._CODED": 330,
    "inboxwatch.core.mail.classify.senders._SRS0": 330,
    "inboxwatch.core.mail.classify.senders._SRS1": 330,
    "inboxwatch.core.mail.subjects._SERIES": 1000,
}
"""Patterns that are not linear and see so many characters at most: of one address, of a subject."""

CALLS = re.compile(r"\bre\.(?!compile\b|escape\b)\w+\(")
"""Where a pattern is used that was not compiled before."""


def cost(work: Callable[[], Any]) -> float:
    """Seconds of CPU that work takes, the least of three."""
    least = float("inf")
    for _ in range(3):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
        if least < NOTHING:
            break
    return least


def costs_less(work: Callable[[], Any], bound: float) -> bool:
    """Whether `cost` is below a bound; ends with the first try that is."""
    for _ in range(3):
        began = time.process_time()
        work()
        if time.process_time() - began < bound:
            return True
    return False


def named_patterns() -> Iterator[tuple[str, AnyPattern, str]]:
    """Every compiled pattern of the program: its name, itself, and how it is used."""
    for module in modules():
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            several = value if isinstance(value, tuple | list) else [value]
            for number, one in enumerate(several):
                pattern = one[1] if isinstance(one, tuple) and len(one) == 2 else one
                if isinstance(pattern, re.Pattern):
                    anywhere = re.search(rf"\b{name}\.(search|finditer|findall|subn?|split)\(", source)
                    how = "search" if anywhere or pattern is not value else "match"
                    yield f"{module.__name__}.{name}" + (f"[{number}]" if pattern is not value else ""), pattern, how
        # Parsing all of them takes seconds, and every worker of a test run collects this module.
        for node in ast.walk(ast.parse(source)) if CALLS.search(source) else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                text = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
                if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and text:
                    how = "match" if "match" in node.func.attr else "search"
                    if node.func.attr not in ("compile", "escape") and isinstance(text, str | bytes):
                        yield f"{module.__name__}:{node.func.attr} {text!r}", re.compile(text), how


@cache
def all_patterns() -> dict[str, tuple[AnyPattern, str]]:
    found = {name: (pattern, how) for name, pattern, how in named_patterns()}
    for rule in load_rules().rules:
        found[f"rule {rule.name}"] = (rule.words, "match" if rule.whole else "search")
        if rule.unless is not None:
            found[f"rule {rule.name}, unless"] = (rule.unless, "search")
    return found


def matching(pattern: AnyPattern, how: str, text: str) -> Callable[[], Any]:
    given: Any = text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
    return lambda: getattr(pattern, how)(given)


@pytest.mark.parametrize("name", all_patterns())
def test_a_pattern_costs_time_in_proportion_to_its_text(name: str) -> None:
    pattern, how = all_patterns()[name]
    if bound := BOUNDED.get(name):
        assert max(cost(matching(pattern, how, pump.text(bound))) for pump in pumps(pattern)) < 10 * NOTHING
        return
    for pump in pumps(pattern):
        once = cost(matching(pattern, how, pump.text(SHORT)))
        # A pattern that explodes must not be tried on more.
        assert once < 50 * NOTHING, pump
        if once > NOTHING / WIDE:
            assert costs_less(matching(pattern, how, pump.text(LONG)), max(NOTHING, WIDE * once)), pump


def test_every_pattern_that_is_bounded_is_one_of_the_program() -> None:
    assert BOUNDED.keys() <= all_patterns().keys()


def test_a_pattern_of_quadratic_cost_would_be_found() -> None:
    bad = re.compile(r"a\s*,?\s*b")
    pump = max(pumps(bad), key=lambda one: cost(matching(bad, "match", one.text(SHORT // 4))))
    once, often = (cost(matching(bad, "match", pump.text(length))) for length in (SHORT // 2, SHORT * 2))
    assert often > WIDE * once


HEADERS = (
    "Date", "Received", "From", "To", "Cc", "Reply-To", "Sender", "Return-Path", "Message-ID", "In-Reply-To",
    "References", "Subject", "Thread-Index", "Content-Type", "List-Id", "Auto-Submitted", "X-Failed-Recipients",
    "X-Mailer", "Feedback-ID", "X-Original-From", "Precedence", "X-Unused",
)  # fmt: skip
PIECES = (
    "\n ", "\n\t", " \n ", "a ", "a@", "@", "<", "<a", "<a@b ", ">", "(", "()", "(\\(", "\\", '"', '\\"', '"\\',
    ",", "a,", ";", "; ", "; a=", "; boundary=", "=?", "=?utf-8?q?", "=?utf-8?b?QQ==?= ", "?= =?", "a.", "-=",
    "=-", "srs0-=", "a1", "7", "7 ", "7:", "7/", "(7/7", "re:", "re: ", "re ", "[a]", "[", "(was: ", ")",
    "(was:)", "*", "* ", "-", "_", "auto: ", "out of office ", "noreply", "é", "\xa0", "mon, ", "mon ",
    "2 mar 2026 ", "+", "a+", "owner-", "-bounces", "campaign:", "/o=a/cn=", "  ",
)  # fmt: skip
BODIES = (
    "\r\n", "\n", "a", "a ", "a@", "@", "<", "<a", "<a ", "<a href=", "href=", "href=unsub", "<!--", "<div>",
    "&#9", "&#x", "&amp;", "<blockquote>", ">", "> ", "| ", "on a@b wrote:\n", "from: a\n", "from: ", "-----",
    "-----\n", "name ", "name:\n", "name \n", "http://", "http://a", "https://unsub", "meddelande", "automat",
    "contain", "this mail a ", "i am ", "yes ", "thanks, ", "until 2 ", "2.3.", "back on ", "please ",
    "message-id: <", "\t", "\xa0", "--b\n\nx\n", "--b\nContent-Type: text/html\n\n<p>\n",
    "Content-Type: text/plain; ", "=\n", "=C3", "+AAA-", "é",
)  # fmt: skip
KINDS = (
    "text/plain",
    "text/html",
    "multipart/mixed; boundary=b",
    "message/delivery-status",
    "text/calendar; method=reply",
    "message/rfc822",
    "text/rfc822-headers",
    "text/html\nContent-Transfer-Encoding: quoted-printable",
    "text/plain; charset=utf-7",
)
BASE = "From: bea@buyer.test\nTo: ana@acme.test\nMessage-ID: <x@buyer.test>\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n"
SLACK = 4.0
"""What a message may cost (50 ms) is a promise about a machine of its own; here several things run at once."""
MOST = 0.05 * SLACK


def with_header(name: str, piece: str, end: str, length: int) -> bytes:
    kept = "".join(line + "\n" for line in BASE.splitlines() if not line.startswith(name + ":"))
    return f"{name}: a{piece * (length // len(piece))}{end}\n{kept}\nhello\n".encode()


def with_body(kind: str, piece: str, length: int) -> bytes:
    return f"{BASE}MIME-Version: 1.0\nContent-Type: {kind}\n\n{piece * (length // len(piece))}\n".encode()


RULES = load_rules()


def whole_way(whole: bytes) -> Message | None:
    """What the daemon does with a message, as far as its bytes decide how long that takes."""
    found = archive.found("pumped", whole)
    try:
        assert found.raw is not None
        message = parse(found.raw, text_of(whole))
    except Unusable:
        return None
    verdict = classify(message)
    RULES.of(message, verdict)
    subjects.read(message.subject)
    quotes.read(message.text or "")
    return_day(reply_rules.own_text(message), message.received_at)
    return message


def assert_linear(make: Callable[[int], bytes], length: int) -> None:
    began = time.process_time()
    whole_way(make(length))
    first = time.process_time() - began
    if first > 10 * NOTHING:
        bound = min(MOST, WIDE * cost(lambda: whole_way(make(length // 4))))
        assert first < bound or costs_less(lambda: whole_way(make(length)), bound)


@pytest.mark.parametrize("name", HEADERS)
def test_whatever_a_header_is_made_of_its_message_costs_linear_time(name: str) -> None:
    for number, piece in enumerate(PIECES):
        make = partial(with_header, name, piece, "!>" * (number % 2))
        assert_linear(make, 40_000)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_body_is_made_of_its_message_costs_linear_time(kind: str) -> None:
    for piece in BODIES:
        assert_linear(partial(with_body, kind, piece), 300_000)


def test_a_date_of_sixty_thousand_folded_blanks_is_no_date_and_its_message_is_read() -> None:
    message = whole_way(with_header("Date", "\r\n ", "x", 180_000))
    assert message is not None
    assert message.sent_at is None
    assert message.id == "x@buyer.test"


def test_a_date_whose_folds_are_long_is_read() -> None:
    line = "Date: Mon,\r\n" + " " * 500 + "2 Mar 2026 10:00:00 +0000\n"
    message = whole_way((BASE.replace("Date: Mon, 2 Mar 2026 10:00:00 +0000\n", line) + "\nhello\n").encode())
    assert message is not None
    assert message.sent_at is not None
    assert message.sent_at.isoformat() == "2026-03-02T10:00:00+00:00"


def test_the_text_of_a_letter_is_found_among_parts_and_below_an_attached_message() -> None:
    whole = (
        f"{BASE}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nfirst words\n--b\n"
        "Content-Type: application/pdf; name=x.pdf\n\n%PDF\n--b\nContent-Type: message/rfc822\n\n"
        "Subject: inner\nContent-Type: text/plain\n\nlast words\n--b--\n"
    )
    text = text_of(whole.encode())
    assert "first words" in text
    assert "last words" in text
    assert "%PDF" not in text
