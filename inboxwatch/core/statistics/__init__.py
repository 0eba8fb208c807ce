"""Figures of many waits."""
