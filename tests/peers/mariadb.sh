#!/usr/bin/env bash
# A real MariaDB 10.11 server with its RocksDB engine (MyRocks), from Debian's packages: the log-structured peer that speaks
# MySQL. Unpacked under $PEERS (default ~/.cache/aurora-peers) and run from there; the system is left alone.
#
#   mariadb.sh install            unpack (nothing to do when it is there)
#   mariadb.sh start DIR PORT     start mariadbd with its data in DIR on 127.0.0.1:PORT: root without a password. More options
#                                 in MARIADBD_OPTS; --default-storage-engine=ROCKSDB makes it MyRocks.
#   mariadb.sh stop DIR           stop the server whose data are in DIR
#   mariadb.sh run TOOL ARGS...   run mariadb, mariadb-dump, mariadb-admin, ...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
root=$peers/mariadb-root
# The packages may be of another release than the host, so they run with their own loader and libraries.
loader=("$root/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path
  "$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu")

make_root() {
  "${loader[@]}" "$root/usr/bin/mariadb" --no-defaults --socket="$data/mysql.sock" -uroot -e \
    "CREATE USER IF NOT EXISTS root@'127.0.0.1' IDENTIFIED BY ''; GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION"
}

case ${1:-} in
install)
  [[ -x $root/usr/sbin/mariadbd ]] && exit 0
  echo "fetching MariaDB 10.11 from Debian's packages into $peers"
  lock_install mariadb
  [[ -x $root/usr/sbin/mariadbd ]] && exit 0
  unpack_debian mariadb bookworm mariadb-server,mariadb-plugin-rocksdb,mariadb-client
  ;;
start)
  folder "${2:-}"
  port=${3:?port}
  alone
  "$0" install >/dev/null
  share=$root/usr/share/mysql
  server=("${loader[@]}" "$root/usr/sbin/mariadbd" --no-defaults --user=root --datadir="$data/data" --basedir="$root/usr"
    --lc-messages-dir="$share" --character-sets-dir="$share/charsets" --plugin-dir="$root/usr/lib/mysql/plugin"
    --plugin-maturity=beta)
  if [[ ! -d $data/data/mysql ]]; then
    mkdir -p "$data/data/mysql"
    # What its own installer does, less the paths it has compiled in.
    { echo "use mysql;"; cat "$share"/mysql_system_tables.sql "$share"/mysql_system_tables_data.sql; } |
      "${server[@]}" --bootstrap >"$data/init.log" 2>&1 || { tail -n 20 "$data/init.log" >&2; exit 1; }
  fi
  # shellcheck disable=SC2086
  launch "${server[@]}" --bind-address=127.0.0.1 --port="$port" --socket="$data/mysql.sock" --pid-file="$data/server.pid" \
    --plugin-load-add=ha_rocksdb --secure-file-priv= --local-infile=1 ${MARIADBD_OPTS:-}
  wait_until make_root
  ;;
stop) stop_server "${2:-}" ;;
run) shift; tool=${1:?tool}; shift; "${loader[@]}" "$root/usr/bin/$tool" "$@" ;;
*) usage ;;
esac
