"""The top floor: the only package that may know every service. Nothing below imports it (kept by import-linter)."""
