"""Words that mail programs and their users write in many languages, as tables."""


def table(text: str) -> tuple[str, ...]:
    """The entries of a table, divided by commas; line breaks mean nothing."""
    return tuple(entry for part in text.split(",") if (entry := " ".join(part.split())))
