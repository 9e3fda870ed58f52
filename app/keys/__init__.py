"""Changing the keys of an installation while what they protect lives on (docs/operations/keys.md)."""
