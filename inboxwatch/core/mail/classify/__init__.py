"""Kinds: what sort of mail a message is, and the signal that decided it.

`classify` looks at the message alone, `reconsider` adds what the message it answers tells and who its author is.
"""

from inboxwatch.core.mail.classify.kinds import classify
from inboxwatch.core.mail.classify.second import STRANGER, Acquaintance, reconsider
from inboxwatch.core.mail.classify.senders import is_machine

__all__ = ["STRANGER", "Acquaintance", "classify", "is_machine", "reconsider"]
