"""How people say in Slack what an inquiry is: a select of the classes beside a wait, the same in a dialog, an undo.

Limits of https://docs.slack.dev/reference/block-kit: 100 options a group, 75 characters a label, 150 a value, 5 options
of an overflow (2 at least, of old). A message has room for few options beside its text: long lists stand in a dialog.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from inboxwatch.notify import choice_messages as said
from inboxwatch.notify import messages
from inboxwatch.notify.actions import ClassChoice, chosen
from inboxwatch.notify.qualification_messages import what
from inboxwatch.notify.slack.elements import PREFIX, Block, button, option, text
from inboxwatch.notify.wait import ShownWait
from inboxwatch.words import Wording

QUALIFY = f"{PREFIX}qualify"
"""The select: what is chosen holds at once."""
JUDGE, NOT_FOR_SALES = "judge", "not_for_sales"
"""The dialogs, of all choices and of those without a seller."""
MORE = f"{PREFIX}more"
"""The overflow."""
UNDO = f"{PREFIX}undo_verdict"

OPTIONS = 40
"""Of all selects of one message: more would not leave room for its text."""
_GROUP = 100


def acting_id(own: str, wait: ShownWait) -> str:
    """The id of the block of a wait's buttons. With a select in it each rendering has another one: by the same id
    Slack would show what somebody chose in the rendering before.
    """
    at = f":{wait.shown_at.timestamp():.0f}" if wait.to_judge and wait.shown_at else ""
    return f"{own}:act{at}"


def judging(wait: ShownWait, *, inline: bool) -> list[Block]:
    """By what somebody says what a wait is, or takes that back; empty without classes."""
    if not wait.choices:
        return []
    undo = [button(UNDO, wait.words.say(messages.UNDO), wait.id)] if wait.judged else []
    if wait.to_judge:
        if not inline:
            return [button(f"{PREFIX}{JUDGE}", wait.words.say(said.SAY_WHAT_IT_IS), wait.id)]
        return [select(wait.id, wait.choices, wait.words)]
    return undo if wait.over else [*undo, _overflow(wait)]


def select(clock: str, choices: Sequence[ClassChoice], words: Wording) -> Block:
    """The choices in two groups; what is chosen comes back with the wait."""
    return {
        "type": "static_select",
        "action_id": QUALIFY,
        "placeholder": text(words.say(said.IT_IS), 150),
        "option_groups": groups(choices, words, clock),
    }


def groups(choices: Sequence[ClassChoice], words: Wording, clock: str = "") -> list[Block]:
    """The choices as the options of a menu; a group that is too long for Slack goes on in a further one."""
    found: list[Block] = []
    for label, for_sales in said.GROUPS:
        options = [
            option(what(one.inquiry_class, one.tier), f"{clock}:{one.mark}")
            for one in choices
            if one.for_sales is for_sales
        ]
        parts = (options[at : at + _GROUP] for at in range(0, len(options), _GROUP))
        found += ({"label": text(words.say(label)), "options": part} for part in parts)
    return found


def offered_anew(blocks: Iterable[Block], clock: str, choices: Sequence[ClassChoice], words: Wording) -> list[Block]:
    """A posted message whose select of a wait offers what can be chosen now."""
    return [_anew(block, clock, choices, words) for block in blocks]


def _anew(block: Block, clock: str, choices: Sequence[ClassChoice], words: Wording) -> Block:
    elements: list[Block] = block.get("elements") or []
    if block.get("type") != "actions" or not any(_of(one, clock) for one in elements):
        return block
    return {**block, "elements": [select(clock, choices, words) if _of(one, clock) else one for one in elements]}


def _of(element: Block, clock: str) -> bool:
    """Whether it is the select of a wait."""
    if element.get("action_id") != QUALIFY:
        return False
    options = [one for group in element.get("option_groups") or [] for one in group["options"]]
    return any(one["value"].rpartition(":")[0] == clock for one in options)


def picked(value: str, choices: Iterable[ClassChoice]) -> ClassChoice | None:
    """The choice that an option stands for; None where it is offered no more."""
    return chosen(value.rpartition(":")[2], choices)


def clock_of(element: dict[str, Any]) -> str:
    """The wait on which somebody acts, by what was pressed or chosen."""
    option = element.get("selected_option")
    return str(option["value"]).rpartition(":")[0] if option else str(element.get("value") or "")


def dialog_of(element: dict[str, Any]) -> str:
    """The dialog that was picked in an overflow."""
    return str(element["selected_option"]["value"]).rpartition(":")[2]


def _overflow(wait: ShownWait) -> Block:
    labels = {NOT_FOR_SALES: said.NOT_FOR_SALES, JUDGE: said.IT_IS}
    options = [option(wait.words.say(label), f"{wait.id}:{name}") for name, label in labels.items()]
    return {"type": "overflow", "action_id": MORE, "options": options}
