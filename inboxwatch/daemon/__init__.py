"""The running program: one loop a mailbox, a channel and a duty, and the thread that writes to the store."""
