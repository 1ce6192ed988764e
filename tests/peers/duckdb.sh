#!/usr/bin/env bash
# DuckDB of its prebuilt Python package, behind a small server (duckdb_server.py), as a peer to race. The package goes into an
# environment of its own under $PEERS (default ~/.cache/aurora-peers); nothing is compiled, the system is left alone.
#
#   duckdb.sh install            make the environment (nothing to do when it is there)
#   duckdb.sh start DIR PORT     serve the database DIR/data/bench.duckdb on 127.0.0.1:PORT: lines of JSON
#   duckdb.sh stop DIR           stop the server whose data are in DIR
#   duckdb.sh run ARGS...        run the environment's Python
set -euo pipefail
peers=${PEERS:-$HOME/.cache/aurora-peers}
root=$peers/duckdb
here=$(cd "$(dirname "$0")" && pwd)

die() { echo "duckdb.sh: $*" >&2; exit 1; }

case ${1:-} in
install)
  [[ -e $root/ready ]] && exit 0
  echo "fetching DuckDB's Python package into $root"
  mkdir -p "$peers"
  exec 9>"$peers/install-duckdb.lock"; flock 9
  [[ -e $root/ready ]] && exit 0
  rm -rf "$root"
  python3 -m venv "$root" || die "python3 with venv is needed"
  "$root/bin/pip" install -q --disable-pip-version-check duckdb >"$peers/install-duckdb.log" 2>&1 ||
    { tail -n 5 "$peers/install-duckdb.log" >&2; exit 1; }
  touch "$root/ready"
  ;;
start)
  data=${2:?folder} port=${3:?port}
  "$0" install >/dev/null
  mkdir -p "$data/data"
  setsid "$root/bin/python3" "$here/duckdb_server.py" "$data/data/bench.duckdb" "$port" >"$data/server.log" 2>&1 </dev/null &
  echo $! >"$data/pid"
  for _ in $(seq 150); do
    # A connection is enough: it listens when the database is open.
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then exit 0; fi
    kill -0 "$(cat "$data/pid")" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 "$data/server.log" >&2
  exit 1
  ;;
stop)
  data=${2:?folder}
  [[ -s $data/pid ]] || exit 0
  pid=$(cat "$data/pid")
  kill "$pid" 2>/dev/null || exit 0
  for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.2; done
  kill -9 "$pid"
  ;;
run) shift; "$root/bin/python3" "$@" ;;
*) sed -n '2,9p' "$0"; exit 2 ;;
esac
