#!/bin/sh
# Puts a backup into an empty database. What it finds there already stops it: nothing is overwritten.
#
#   restore.sh BACKUP         a folder that backup.sh wrote
#
# Every process of the market must be stopped. The DSN is found as in backup.sh; its database must exist and be empty.
# Then: the keys of the same installation, ./market migrate (which sets the passwords of the roles), start, and the
# checks of docs/operations/restore.md.
set -eu

[ $# -eq 1 ] && [ -f "$1/market.dump" ] || { echo "usage: restore.sh BACKUP" >&2; exit 2; }
url=${MARKET_DATABASE_URL:-$(cat "${MARKET_SECRETS_DIR:?name MARKET_DATABASE_URL or MARKET_SECRETS_DIR}/market_database_url")}
here=$(cd "$(dirname "$0")" && pwd)

(cd "$1" && sha256sum --check --quiet market.dump.sha256)
found=$(psql --dbname="$url" --no-psqlrc --no-password --tuples-only --no-align --command \
  "SELECT count(*) FROM pg_namespace WHERE nspname = 'market' OR EXISTS (SELECT FROM pg_class WHERE relname = 'log_head')")
if [ "$found" != 0 ]; then
  echo "restore.sh: there is a market in this database already; restore into an empty one" >&2
  exit 1
fi

# Roles belong to the server and are in no dump of a database.
sed -n '/^DO /p' "${MARKET_ROLES:-$here/../postgres/roles.sql}" |
  psql --dbname="$url" --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1
pg_restore --dbname="$url" --no-password --exit-on-error --single-transaction "$1/market.dump"
psql --dbname="$url" --no-psqlrc --no-password --quiet --command="ANALYZE"
echo "restored $1"
