"""Readers of mailboxes and lead lists; they enter inboxwatch by its entry-point groups."""
