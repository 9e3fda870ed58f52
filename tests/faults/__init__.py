"""Faults on purpose: real processes on a real PostgreSQL, killed, frozen and cut off; afterwards everything must be right."""
