#!/usr/bin/env bash
# A real PostgreSQL server of the machine's own packages, as a peer to race.
#
#   postgres.sh install            install the package postgresql, where it is missing (needs root and apt)
#   postgres.sh start DIR PORT     start postgres with its data in DIR on 127.0.0.1:PORT: user postgres without a password. More
#                                  options in POSTGRES_OPTS. Started by root it runs as the user postgres, for it refuses root.
#   postgres.sh stop DIR           stop the server whose data are in DIR
#   postgres.sh run TOOL ARGS...   run psql, pg_dump, pgbench, ...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The newest of what is installed.
programs() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
  if [[ -z $found ]] && command -v initdb >/dev/null; then found=$(dirname "$(readlink -f "$(command -v initdb)")"); fi
  echo "$found"
}

user=postgres
id "$user" >/dev/null 2>&1 || user=nobody
bin=$(programs)
# Root becomes somebody else.
as_user=()
if [[ $(id -u) == 0 ]]; then as_user=(setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --); fi

is_ready() { "$bin/psql" -h 127.0.0.1 -p "$port" -U postgres -qAtc 'SELECT 1' postgres; }

case ${1:-} in
install)
  [[ -n $bin && -x $bin/postgres ]] && exit 0
  apt-get update -q >/dev/null && apt-get install -y -q postgresql >/dev/null || die "install the package postgresql first"
  ;;
start)
  folder "${2:-}"
  port=${3:?port}
  alone
  "$0" install
  bin=$(programs)
  mkdir -p "$data"
  if [[ $(id -u) == 0 ]]; then chown "$user" "$data"; fi
  cd /
  if [[ ! -d $data/data ]]; then
    "${as_user[@]}" "$bin/initdb" -D "$data/data" -U postgres -A trust -E UTF8 --locale=C >"$data/init.log" 2>&1 ||
      { tail -n 20 "$data/init.log" >&2; exit 1; }
  fi
  # shellcheck disable=SC2086
  launch "${as_user[@]}" "$bin/postgres" -D "$data/data" -h 127.0.0.1 -p "$port" -k "$data" ${POSTGRES_OPTS:-}
  wait_until is_ready
  ;;
# INT disconnects clients and ends in order; TERM would wait for them.
stop) stop_server "${2:-}" INT ;;
run) shift; tool=${1:?tool}; shift; "$bin/$tool" "$@" ;;
*) usage ;;
esac
