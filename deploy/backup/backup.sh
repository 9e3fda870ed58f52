#!/bin/sh
# A backup of an installation's database: one consistent moment of all services, checked before it counts.
#
#   backup.sh FOLDER          writes FOLDER/<UTC time>/market.dump and its checksum; prints that folder
#
# The owner's DSN is MARKET_DATABASE_URL, or the file market_database_url in MARKET_SECRETS_DIR. Needs pg_dump and
# pg_restore of the server's version or newer. Keys are not in it, and must not lie beside it: docs/operations/restore.md.
set -eu

[ $# -eq 1 ] || { echo "usage: backup.sh FOLDER" >&2; exit 2; }
umask 077
url=${MARKET_DATABASE_URL:-$(cat "${MARKET_SECRETS_DIR:?name MARKET_DATABASE_URL or MARKET_SECRETS_DIR}/market_database_url")}
name=$(date -u +%Y%m%dT%H%M%SZ)
# Made aside and renamed: what was interrupted never looks like a backup.
unfinished=$1/.unfinished-$name-$$
mkdir -p "$unfinished"
trap 'rm -rf "$unfinished"' EXIT

# What is private is bytes that the keys of vault, access and custodians encrypt; replies and due commands come along.
pg_dump --dbname="$url" --format=custom --no-password --lock-wait-timeout=60s --file="$unfinished/market.dump"
# Reads every byte back: a full disk or a torn file is found now and not at the restore.
pg_restore --file=/dev/null "$unfinished/market.dump"
(cd "$unfinished" && sha256sum market.dump > market.dump.sha256)

mv "$unfinished" "$1/$name"
trap - EXIT
echo "$1/$name"
