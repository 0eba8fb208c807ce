"""Clocks: the facts of a thread folded into waits, policies, business hours and ladders."""
