"""Replay: the same state, scores and balances again from the log alone, and what differs from the live system."""
