"""The manager's report: one self-contained HTML page for a period (being built)."""
