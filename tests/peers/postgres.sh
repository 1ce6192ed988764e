#!/usr/bin/env bash
# A real PostgreSQL server of the machine's own packages, as a peer to race.
#
#   postgres.sh install            install the package postgresql, where it is missing (needs root and apt)
#   postgres.sh start DIR PORT     start postgres with its data in DIR on 127.0.0.1:PORT: user postgres without a password. More
#                                  options in POSTGRES_OPTS. Started by root it runs as the user postgres, for it refuses root.
#   postgres.sh stop DIR           stop the server whose data are in DIR
#   postgres.sh run TOOL ARGS...   run psql, pg_dump, pgbench, ...
set -euo pipefail

die() { echo "postgres.sh: $*" >&2; exit 1; }

# The newest of what is installed.
programs() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
  if [[ -z $found ]] && command -v initdb >/dev/null; then found=$(dirname "$(readlink -f "$(command -v initdb)")"); fi
  echo "$found"
}

# Root becomes somebody else.
as_user() {
  if [[ $(id -u) == 0 ]]; then setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"; else "$@"; fi
}

user=postgres
id "$user" >/dev/null 2>&1 || user=nobody
bin=$(programs)
case ${1:-} in
install)
  [[ -n $bin && -x $bin/postgres ]] && exit 0
  apt-get update -q >/dev/null && apt-get install -y -q postgresql >/dev/null || die "install the package postgresql first"
  ;;
start)
  data=${2:?folder} port=${3:?port}
  "$0" install
  bin=$(programs)
  mkdir -p "$data"
  if [[ $(id -u) == 0 ]]; then chown "$user" "$data"; fi
  cd /
  if [[ ! -d $data/data ]]; then
    as_user "$bin/initdb" -D "$data/data" -U postgres -A trust -E UTF8 --locale=C >"$data/init.log" 2>&1 ||
      { tail -n 20 "$data/init.log" >&2; exit 1; }
  fi
  # shellcheck disable=SC2086
  as_user setsid "$bin/postgres" -D "$data/data" -h 127.0.0.1 -p "$port" -k "$data" ${POSTGRES_OPTS:-} \
    >"$data/server.log" 2>&1 </dev/null &
  for _ in $(seq 150); do
    if "$bin/psql" -h 127.0.0.1 -p "$port" -U postgres -qAtc 'SELECT 1' postgres >/dev/null 2>&1; then
      head -n 1 "$data/data/postmaster.pid" >"$data/pid"
      exit 0
    fi
    sleep 0.2
  done
  tail -n 20 "$data/server.log" >&2
  exit 1
  ;;
stop)
  data=${2:?folder}
  [[ -s $data/pid ]] || exit 0
  pid=$(cat "$data/pid")
  # INT disconnects clients and ends in order; TERM would wait for them.
  kill -INT "$pid" 2>/dev/null || exit 0
  for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.2; done
  kill -QUIT "$pid"
  ;;
run) shift; tool=$1; shift; "$bin/$tool" "$@" ;;
*) sed -n '2,9p' "$0"; exit 2 ;;
esac
