"""Numbers for people (`СЗ-2027-000123`): a counter row, so that numbers have no holes and never repeat."""

from __future__ import annotations

from sqlalchemy import Connection


def next_number(connection: Connection, name: str) -> int:
    """The next number of `name` (1, 2, …), drawn in the command's transaction: a refused command returns it."""
    drawn = connection.exec_driver_sql(
        "INSERT INTO counter (name, value) VALUES (%s, 1) "
        "ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
        (name,),
    ).scalar_one()
    return int(drawn)
