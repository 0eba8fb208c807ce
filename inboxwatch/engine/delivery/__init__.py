"""Deliveries: enqueued in the transaction that owes them, claimed, composed when they leave."""
