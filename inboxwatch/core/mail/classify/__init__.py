"""Kinds: what sort of mail a message is, and the signal that decided it.

`classify` looks at the message alone, `judge` adds what is known beside it: the message it answers, its author, what
people said of it.
"""

from inboxwatch.core.mail.classify.grounds import NO_SIGNS, UNRELATED, Answered, Grounds, Relation, Said, Signs, Trait
from inboxwatch.core.mail.classify.kinds import HUMAN, classify
from inboxwatch.core.mail.classify.second import FEW, judge, traits_of
from inboxwatch.core.mail.classify.senders import is_machine

__all__ = [
    "FEW",
    "HUMAN",
    "NO_SIGNS",
    "UNRELATED",
    "Answered",
    "Grounds",
    "Relation",
    "Said",
    "Signs",
    "Trait",
    "classify",
    "is_machine",
    "judge",
    "traits_of",
]
