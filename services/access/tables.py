"""Access's tables: credentials (secret), accounts, sessions, failed sign-ins."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData(schema="access")

# Secret: not in the log. Every field is fixed by the commitment in the account's last event about it (verify.py).
credential = Table(
    "credential",
    metadata,
    Column("account_id", UUID(as_uuid=False), primary_key=True),
    Column("login_mac", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("password_hash", Text, nullable=False),
    UniqueConstraint("login_mac", name="credential_login"),
)

# One row once `access.kek` was changed: the key that logins, names and commitments are under, closed under the file's.
# Those in the log's events stay checkable so. Without a row that key is the file itself.
root_key = Table(
    "root_key",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("wrapped", LargeBinary, nullable=False),
    CheckConstraint("one", name="root_key_one_row"),
)

account_view = Table(
    "account_view",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("bootstrap", Boolean, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("proposed", JSONB, nullable=False),
    Column(
        "rights_version", BigInteger, nullable=False, comment="when rights were last lost: older tokens are revoked"
    ),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("account_view_roles", "roles", postgresql_using="gin"),
    Index("account_view_organisation", "organisation", "id"),
)
session_view = Table(
    "session_view",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("account_id", UUID(as_uuid=False), nullable=False),
    Column("kind", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("token_ends", DateTime(timezone=True), nullable=False),
    Column("account_version", BigInteger, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("revoked", Boolean, nullable=False, server_default="false"),
    Index("session_view_account", "account_id", "started_at"),
    Index("session_view_ends", "token_ends"),
)
sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("session_id", UUID(as_uuid=False), primary_key=True),
    Column("account_id", UUID(as_uuid=False), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("sign_in_failure_account", "account_id", "at"),
)
