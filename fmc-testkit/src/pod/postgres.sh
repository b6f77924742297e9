# What the entry point of the PostgreSQL image does for a user who is not root (docker-library/postgres,
# `docker-entrypoint.sh`): it makes a cluster in an empty PGDATA, lets other hosts in by their password, and becomes
# the server. The image's configuration listens on all addresses; Debian's does not, so the server is told.
set -eu
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
fi
mkdir -p "$PGDATA"
chmod 700 "$PGDATA"
mkdir -p /var/run/postgresql || :
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?the image refuses to make a cluster without a password}"
    # The image gives it by a pipe too: there may be no folder for a file.
    printf '%s\n' "$POSTGRES_PASSWORD" | initdb --username=postgres --pwfile=/dev/stdin --auth-local=trust --auth-host=scram-sha-256
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
fi
unset POSTGRES_PASSWORD
exec "$@" -c 'listen_addresses=*'
