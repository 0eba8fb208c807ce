"""Kinds: what sort of mail a message is, and the signal that decided it.

`classify` looks at the message alone, `reconsider` adds what the message it answers tells.
"""

from inboxwatch.core.mail.classify.kinds import classify
from inboxwatch.core.mail.classify.second import reconsider

__all__ = ["classify", "reconsider"]
