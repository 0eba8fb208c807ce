"""Ownership: people and teams, routing, and how a wait is brought up to now."""
