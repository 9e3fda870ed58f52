"""What commands need from tables, read in their transaction and under their locks: one file per part."""
