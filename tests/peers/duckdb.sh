#!/usr/bin/env bash
# DuckDB of its prebuilt Python package, behind a small server (duckdb_server.py), as a peer to race. The package goes into an
# environment of its own under $PEERS (default ~/.cache/aurora-peers); nothing is compiled, the system is left alone.
#
#   duckdb.sh install            make the environment (nothing to do when it is there)
#   duckdb.sh start DIR PORT     serve the database DIR/data/bench.duckdb on 127.0.0.1:PORT: lines of JSON
#   duckdb.sh stop DIR           stop the server whose data are in DIR
#   duckdb.sh run ARGS...        run the environment's Python
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
root=$peers/duckdb
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A connection is enough: it listens when the database is open.
is_ready() { (exec 3<>"/dev/tcp/127.0.0.1/$port"); }

case ${1:-} in
install)
  [[ -e $root/ready ]] && exit 0
  echo "fetching DuckDB's Python package into $root"
  lock_install duckdb
  [[ -e $root/ready ]] && exit 0
  rm -rf "$root"
  python3 -m venv "$root" || die "python3 with venv is needed"
  "$root/bin/pip" install -q --disable-pip-version-check duckdb >"$peers/install-duckdb.log" 2>&1 ||
    { tail -n 5 "$peers/install-duckdb.log" >&2; exit 1; }
  touch "$root/ready"
  ;;
start)
  folder "${2:-}"
  port=${3:?port}
  alone
  "$0" install >/dev/null
  mkdir -p "$data/data"
  launch "$root/bin/python3" "$here/duckdb_server.py" "$data/data/bench.duckdb" "$port"
  wait_until is_ready
  ;;
stop) stop_server "${2:-}" ;;
run) shift; "$root/bin/python3" "$@" ;;
*) usage ;;
esac
