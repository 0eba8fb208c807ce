"""What matching costs a message, in microseconds of CPU: one line a figure.

    python -m tests.benchmarks.matching

The mail is made here: four people of ours, two hundred buyers, threads of one to nine messages, one newsletter and one
automatic answer in ten. The goals: reading a header <= 40, classifying <= 10, and matching that costs the same among a
hundred thousand known messages as among ten thousand.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.classify import classify
from inboxwatch.core.mail.headers import parse
from inboxwatch.core.mail.intake import Intake
from inboxwatch.core.mail.threads import ThreadIndex, keys
from inboxwatch.core.mail.threads.known import title_keys
from inboxwatch.core.mail.words import table
from inboxwatch.core.model import FolderRole, Part, RawMessage
from tests.support.messages import START, US, lead

RECEIVED = (
    "Received: from mx{n}.buyer.test (mx{n}.buyer.test [192.0.2.{n}])\n\tby mail.acme.test "
    "(Postfix) with ESMTPS id 4F{n}\n\tfor <ana@acme.test>; {date}\n"
)
NOISE = (
    "".join(f"X-Trace-{n}: {'v' * 60}\n" for n in range(12))
    + "DKIM-Signature: v=1; a=rsa-sha256;\n\tb="
    + "Q" * 340
    + "\nMIME-Version: 1.0\n"
)
WORDS = table("""
    lathe, price, offer, delivery, spindle, contract, service, visit, plant, spare, part, invoice, training, coolant,
    bed, chuck
""")


def conversations(count: int, seed: int = 1) -> list[RawMessage]:
    """So many raw messages, oldest first."""
    chance = random.Random(seed)
    raws: list[RawMessage] = []
    open_threads: list[tuple[str, str, list[str]]] = []
    for number in range(count):
        at = START + timedelta(seconds=40 * number)
        name = f"{chance.getrandbits(96):024x}@{chance.choice(('buyer.test', 'acme.test'))}"
        kind = chance.random()
        extra = ""
        chain: list[str] = []
        if kind < 0.6 and open_threads:
            buyer, title, chain = chance.choice(open_threads[-50:])
            title = f"Re: {title}"
        else:
            buyer, title = (
                f"buyer{chance.randrange(200)}@company{chance.randrange(60)}.test",
                f"{' '.join(chance.sample(WORDS, 3))} {number}",
            )
            open_threads.append((buyer, title, chain))
        sender, to = (f"Bea Buyer <{buyer}>", "Ana Diaz <ana@acme.test>, max@acme.test")
        if kind > 0.9:
            extra = "List-Unsubscribe: <https://news.test/u>\nPrecedence: bulk\n"
        elif kind > 0.85:
            extra, title = "Auto-Submitted: auto-replied\n", f"Automatic reply: {title}"
        elif len(chain) % 2:
            sender, to = to.partition(",")[0], sender
        if chain:
            extra += f"In-Reply-To: <{chain[-1]}>\nReferences: {' '.join(f'<{one}>' for one in chain[-8:])}\n"
        chain.append(name)
        date = format_datetime(at)
        head = "".join(RECEIVED.format(n=n, date=date) for n in (3, 2, 1)) + NOISE
        head += (
            f"From: {sender}\nTo: {to}\nSubject: {title}\nMessage-ID: <{name}>\nDate: {date}\n"
            f"{extra}Content-Type: multipart/alternative;\n\tboundary=x\n"
        )
        parts = (Part("text/plain", 900), Part("text/html", 4000))
        raws.append(RawMessage(str(number), FolderRole.INBOX, at, head.replace("\n", "\r\n").encode(), parts))
    return raws


def cost(work: Callable[[], object], count: int, rounds: int = 5) -> float:
    """Microseconds of CPU for one of `count` things, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / count * 1e6


def growth(size: int) -> float:
    """Microseconds for a message in a batch of 500, where the index holds what the batch's keys find among `size`."""
    messages = [parse(raw) for raw in conversations(size + 500)]
    directory = Directory(lead(f"buyer{n}@company{n % 60}.test") for n in range(200))
    everything = ThreadIndex()
    Intake(US, directory, everything).take_batch(messages[:size])
    batch = messages[size:]
    wanted, titles = keys(batch), title_keys(batch, frozenset()).subject_keys
    known = [
        one
        for one in everything.fresh.values()
        if one.id in wanted.ids or one.named in wanted.ids or one.subject_key in titles
    ]
    return cost(lambda: Intake(US, directory, ThreadIndex(known)).take_batch(batch), len(batch))


def main() -> None:
    raws = conversations(4000)
    messages = [parse(raw) for raw in raws]
    directory = Directory(lead(f"buyer{n}@company{n % 60}.test") for n in range(200))
    print(f"header block, bytes in the mean: {sum(len(raw.header) for raw in raws) / len(raws):.0f}")
    print(f"read a header: {cost(lambda: [parse(raw) for raw in raws], len(raws)):.1f} µs (goal 40)")
    print(f"classify: {cost(lambda: [classify(message) for message in messages], len(raws)):.1f} µs (goal 10)")
    print(f"keys to look up: {cost(lambda: keys(messages), len(raws)):.1f} µs")
    whole = cost(lambda: Intake(US, directory, ThreadIndex()).take_batch(messages), len(raws))
    print(f"classify, thread and find the lead: {whole:.1f} µs")
    small, large = growth(10_000), growth(100_000)
    print(
        f"a batch among 10,000 and 100,000 known: {small:.1f} and {large:.1f} µs, ratio {large / small:.2f} (goal 1.3)"
    )


if __name__ == "__main__":
    main()
