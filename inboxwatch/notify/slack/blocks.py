"""Slack messages and dialogs as Block Kit JSON. Pure: waits in, dictionaries out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.notify import ABOUT_WAITS, NoticeType, follow_up_messages, messages
from inboxwatch.notify import choice_messages as said
from inboxwatch.notify.actions import Candidate, ClassChoice
from inboxwatch.notify.ladder_words import ladder_lines
from inboxwatch.notify.slack import markup
from inboxwatch.notify.slack.elements import (
    HEADER,
    PREFIX,
    Block,
    button,
    fact,
    field,
    header,
    lines,
    markdown,
    option,
    plain_context,
    section,
    text,
)
from inboxwatch.notify.slack.verdict_blocks import JUDGE, NOT_FOR_SALES, OPTIONS, acting_id, groups, judging
from inboxwatch.notify.wait import ShownWait, chosen
from inboxwatch.words import ENGLISH, Wording, english

BUTTONS = messages.ACTION_LABELS
"""What can be pressed, by the name of the action."""
FOLLOW_UP_BUTTONS = follow_up_messages.ACTION_LABELS
"""The same of a follow-up."""

_TITLES = BUTTONS | FOLLOW_UP_BUTTONS | {JUDGE: said.SAY_WHAT_IT_IS, NOT_FOR_SALES: said.NOT_FOR_SALES}
"""Of dialogs."""

PUT_OFFS = {
    "1d": english("1 day"),
    "3d": english("3 days"),
    "7d": english("1 week"),
    "14d": english("2 weeks"),
    "30d": english("30 days"),
}
SNOOZES = {
    "15m": english("15 minutes"),
    "30m": english("30 minutes"),
    "1h": english("1 hour"),
    "2h": english("2 hours"),
    "4h": english("4 hours"),
    "1d": english("1 day"),
}

_WITH_BUTTONS = 9
"""Waits of one message that get buttons: five blocks each, of fifty."""
_LISTED = 30
_CHARACTERS = 11_000
"""Of all waits of one message as JSON: Slack refuses what is longer than about 13,200 (`msg_blocks_too_long`), which
no document says (https://github.com/slackapi/bolt-js/issues/2509). The rest is for what is said around them, and for
what people will have done to them.
"""


class SlackMessage(NamedTuple):
    text: str
    """For notifications, and for programs that show no blocks."""
    blocks: list[Block]


def message(
    kind: NoticeType,
    headline: str,
    waits: Sequence[ShownWait],
    link: str,
    *,
    interactive: bool,
    listed: bool = False,
    error: str = "",
    words: Wording = ENGLISH,
) -> SlackMessage:
    """A message about any number of waits; `listed` shows each in one line. `link` is a web address or empty.

    (Eight parameters: the parts of one message, each asked for by name where it can be mistaken.)
    """
    blocks: list[Block] = []
    single = len(waits) == 1 and kind in ABOUT_WAITS
    if not single:
        blocks.append(header("head", headline))
        if len(headline) > HEADER:
            blocks.append(section("full", headline, 500))
    if error:
        blocks.append(section("error", messages.server_said(error, words=words), 600))

    def some(limit: int) -> tuple[int, list[Block]]:
        """The first waits, and how many those are."""
        shown = chosen(waits, limit) if listed else waits[:limit]
        if listed:
            return len(shown), _lines_of(shown)
        inline = _room(shown)
        return len(shown), [
            block
            for wait in shown
            for block in wait_blocks(
                wait, single=single, interactive=interactive, note=wait.handed or wait.note, inline=inline
            )
        ]

    told, of_waits = _fitting(some, _LISTED if listed else _WITH_BUTTONS)
    blocks += of_waits
    if len(waits) > told:
        blocks.append(section("more", messages.and_more(len(waits) - told, words=words)))
    if link:
        blocks.append(_link(link, words))
    return SlackMessage(markup.escaped(headline, 500), blocks[:50])


def _fitting(some: Callable[[int], tuple[int, list[Block]]], limit: int) -> tuple[int, list[Block]]:
    """As many waits as one message has room for, one at least: how many those are, and their blocks."""
    count, found = some(limit)
    while count > 1 and len(json.dumps(found, ensure_ascii=False)) > _CHARACTERS:
        count, found = some(count - 1)
    return count, found


def _lines_of(waits: Sequence[ShownWait]) -> list[Block]:
    """A line for each wait, under the headings of their sections."""
    blocks, heading = list[Block](), ""
    for wait in waits:
        if wait.section != heading:
            heading = wait.section
            blocks.append(header(None, heading))
        blocks.append(_listed(wait))
    return blocks


def wait_blocks(
    wait: ShownWait, *, single: bool, interactive: bool, note: str = "", inline: bool = True
) -> list[Block]:
    """The blocks of one wait; their ids begin with `mark(wait.id)`, so that they can be renewed in a longer message.

    `inline`: whether the message has room for a select of classes.
    """
    own = mark(wait.id)
    standing = f"{_icon(wait)} {wait.standing[:1].upper()}{wait.standing[1:]}"
    about = [line for line in (wait.who, wait.subject) if line]
    if single:
        blocks = [header(f"{own}:head", standing), lines(f"{own}:who", about)]
    else:
        blocks = [lines(f"{own}:who", [standing, *about])]
    blocks.append({"type": "section", "block_id": f"{own}:facts", "fields": list(_facts(wait, single=single))})
    if single and (steps := _reminders(wait)):
        blocks.append({"type": "section", "block_id": f"{own}:next", "text": steps})
    if wait.mail_link:
        blocks.append({**_link(wait.mail_link, wait.words, messages.OPEN_MAIL), "block_id": f"{own}:mail"})
    if interactive and (offered := [*_buttons(wait), *judging(wait, inline=inline)]):
        blocks.append({"type": "actions", "block_id": acting_id(own, wait), "elements": offered})
    if note:
        blocks.append(plain_context(f"{own}:note", note))
    return blocks


def _buttons(wait: ShownWait) -> list[Block]:
    words = wait.words
    if wait.over and not wait.closed:
        return []
    if wait.closed:
        label = follow_up_messages.AGAIN if wait.follow_up else messages.TAKE_BACK
        return [button(f"{PREFIX}reopen", words.say(label), wait.id)]
    offered = FOLLOW_UP_BUTTONS if wait.follow_up else BUTTONS
    left_out = {"dismiss"} if wait.to_judge else set[str]()
    return [
        button(f"{PREFIX}{action}", words.say(label), wait.id)
        for action, label in offered.items()
        if action not in left_out
    ]


def _room(waits: Sequence[ShownWait]) -> bool:
    """Whether one message has room for the selects of its waits."""
    return sum(len(wait.choices) for wait in waits if wait.to_judge) <= OPTIONS


def replaced(blocks: Sequence[Block], wait: ShownWait, note: str) -> list[Block]:
    """The blocks of a posted message with those of one wait renewed, whatever else the message tells."""
    own = mark(wait.id)
    places = [place for place, block in enumerate(blocks) if str(block.get("block_id", "")).startswith(f"{own}:")]
    if not places:
        return list(blocks)
    told = [block for block in blocks if str(block.get("block_id", "")).endswith(":facts")]
    inline = _room([wait] * len(told))
    fresh = wait_blocks(wait, single=is_single(blocks), interactive=True, note=note, inline=inline)
    rest = [block for place, block in enumerate(blocks) if place not in places]
    return [*rest[: places[0]], *fresh, *rest[places[0] :]][:50]


def is_single(blocks: Sequence[Block]) -> bool:
    """Whether a posted message tells of one wait only, and may be renewed as a whole."""
    return any(str(block.get("block_id", "")).endswith(":head") for block in blocks)


def reply(headline: str, link: str, words: Wording = ENGLISH) -> SlackMessage:
    """What is said in the thread of an earlier message."""
    blocks = [section("headline", headline, 500)]
    if link:
        blocks.append(_link(link, words))
    return SlackMessage(markup.escaped(headline, 500), blocks)


def answer(lines: Iterable[str], waits: Sequence[ShownWait], link: str = "", words: Wording = ENGLISH) -> SlackMessage:
    """What `/inboxwatch` says, to the asker only. `link` is a web address or empty."""
    told = [line for line in lines if line] or [words.say(messages.NOTHING_WAITS)]
    blocks = [section(None, line, 600) for line in told[:10]]
    shown, of_waits = _fitting(lambda limit: (min(limit, len(waits)), _lines_of(chosen(waits, limit))), _LISTED)
    blocks += of_waits
    if len(waits) > shown:
        blocks.append(section(None, messages.and_more(len(waits) - shown, words=words)))
    if link:
        blocks.append(_link(link, words))
    return SlackMessage(markup.escaped(" ".join(told), 500), blocks)


def dialog(
    action: str,
    clock: str,
    place: Mapping[str, Any],
    offered: Sequence[Candidate] | Sequence[ClassChoice] = (),
    words: Wording = ENGLISH,
) -> dict[str, Any]:
    """The dialog behind a button: what must be chosen, and a reason. `place` is where it was pressed; `offered` are
    the people who could own the wait, or what it could be.
    """
    blocks: list[Block] = []
    if lengths := {"snooze": SNOOZES, "put_off": PUT_OFFS}.get(action):
        options = [option(words.say(label), value) for value, label in lengths.items()]
        label = words.say("For") if action == "snooze" else words.say("Follow up in")
        blocks.append(field("choice", label, {"type": "static_select", "options": options}))
    elif action == "assign":
        people = [one for one in offered if isinstance(one, Candidate)]
        blocks.append(field("choice", words.say("To"), _menu(list(_groups(people, words)))))
    elif action in (JUDGE, NOT_FOR_SALES):
        classes = [one for one in offered if isinstance(one, ClassChoice)]
        blocks.append(field("choice", words.say(said.IT_IS), _menu(groups(classes, words, clock))))
    typed = {"type": "plain_text_input", "max_length": 300}
    blocks.append(field("reason", words.say("Reason"), typed, optional=action not in ("dismiss", "stop")))
    return {
        "type": "modal",
        "callback_id": f"{PREFIX}{action}",
        "title": text(words.say(_TITLES.get(action, messages.TAKE_BACK)), 24),
        "submit": text(words.say("Save"), 24),
        "close": text(words.say("Cancel"), 24),
        "private_metadata": json.dumps({"clock": clock, **place}),
        "blocks": blocks,
    }


def _menu(option_groups: list[Block]) -> Block:
    return {"type": "static_select", "option_groups": option_groups}


def mark(clock: str) -> str:
    """What the block ids of a wait begin with: short, and of no alphabet that a clock's id could break."""
    return hashlib.sha256(clock.encode(errors="surrogatepass")).hexdigest()[:16]


def _facts(wait: ShownWait, *, single: bool) -> Iterable[Block]:
    words = wait.words

    def date(moment: datetime | None) -> str:
        return markup.date(moment, words)

    if wait.since:
        label = words.say("Silent") if wait.follow_up else words.say("Waited") if wait.over else words.say("Waiting")
        yield fact(label, words.say("%(waited)s, since %(at)s", waited=wait.waited, at=date(wait.since)))
    if wait.due:
        within = f", {markup.escaped(wait.within)}" if wait.within else ""
        yield fact(words.say("Due"), f"{date(wait.due)}{within}")
    held = ""
    if wait.held_until:
        held = messages.held(snoozed=wait.held_as == "snoozed", until=date(wait.held_until), words=words)
    owner = markup.escaped(wait.owner) or words.say("nobody")
    yield fact(words.say("Owner"), f"{owner}, {held}" if held else owner)
    if wait.last_owner:
        yield fact(words.say("Owner before"), markup.escaped(wait.last_owner))
    if wait.inquiry:
        yield fact(words.say("Class"), markup.escaped(wait.inquiry, 300))
    if wait.points:
        reasons = "\n".join(markup.escaped(one) for one in wait.reasons)
        yield fact(words.say("Score %(points)s", points=wait.points), reasons)
    if wait.rank:
        yield text(wait.rank, 120)
    if wait.exchanged is not None:
        before = words.count("%(count)s message", "%(count)s messages", wait.exchanged)
        if wait.last_exchanged:
            before = words.say("%(messages)s, last %(at)s", messages=before, at=date(wait.last_exchanged))
        yield fact(words.say("Before"), before)
    if not single and (steps := _reminders(wait)):
        yield steps


def _reminders(wait: ShownWait) -> Block | None:
    """The ladder, or the next step alone where the notice carries no more; None where nothing follows."""
    words = wait.words

    def date(moment: datetime) -> str:
        return markup.date(moment, words)

    if wait.over or not (wait.steps or wait.next_at):
        return None
    following = LadderStep(wait.next_at, wait.next_targets, wait.next_owner, ahead=True) if wait.next_at else None
    steps = wait.steps or ((following,) if following else ())
    told = ladder_lines([_escaped(one) for one in steps], date, verdict=wait.is_verdict, words=words)
    return fact(words.say("Reminders"), "\n".join(told))


def _escaped(step: LadderStep) -> LadderStep:
    names = tuple(markup.escaped(one, 80) for one in step.targets)
    return replace(step, targets=names, moves_to=markup.escaped(step.moves_to, 80))


def _listed(wait: ShownWait) -> Block:
    """A wait in one line."""
    line = section(None, f"{_icon(wait)} {wait.line}", 500)
    if wait.mail_link:
        line["fields"] = [markdown(markup.link(wait.mail_link, wait.words.say(messages.OPEN_MAIL)))]
    return line


def _link(link: str, words: Wording, label: str = messages.OPEN_LINK) -> Block:
    elements = [markdown(markup.link(link, words.say(label)))]
    return {"type": "context", "block_id": "link", "elements": elements}


def _icon(wait: ShownWait) -> str:
    if wait.over:
        return "✅" if wait.state == "answered" else "⚪"
    if wait.reason == "unverified":
        return "🟣"
    if wait.held_until:
        return "⏸️"
    return "🔴" if wait.overdue else "🟠"


def _groups(candidates: Sequence[Candidate], words: Wording) -> Iterable[Block]:
    for label, present in ((words.say("Here now"), True), (words.say("Away"), False)):
        people = [candidate for candidate in candidates if candidate.present is present][:100]
        if people:
            names = [(f"{one.name} ({one.note})" if one.note else one.name, one.person) for one in people]
            yield {"label": text(label), "options": [option(name, person) for name, person in names]}
