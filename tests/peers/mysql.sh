#!/usr/bin/env bash
# A real MySQL 9.7 server and its command-line tools, from Debian's packages: the oracle that answers are compared with,
# and the peer to race. Unpacked under $PEERS (default ~/.cache/aurora-peers) and run from there; the system is left alone.
#
#   mysql.sh install              unpack (about 410 MB; nothing to do when it is there)
#   mysql.sh start DIR PORT       start mysqld with its data in DIR on 127.0.0.1:PORT: root without a password, durable as
#                                 shipped. More options in MYSQLD_OPTS.
#   mysql.sh stop DIR             stop the server whose data are in DIR
#   mysql.sh run TOOL ARGS...     run mysql, mysqldump, mysqladmin, ...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
root=$peers/mysql-root
lib=$root/usr/lib/x86_64-linux-gnu
# The packages come from a newer release than the host, so they run with their own loader and libraries.
loader=("$lib/ld-linux-x86-64.so.2" --library-path "$lib:$root/usr/lib/mysql/private")

is_ready() { "${loader[@]}" "$root/usr/bin/mysqladmin" --no-defaults --socket="$data/mysql.sock" -uroot ping; }

case ${1:-} in
install)
  [[ -x $root/usr/sbin/mysqld ]] && exit 0
  echo "fetching MySQL 9.7 from Debian's packages into $peers"
  lock_install mysql
  [[ -x $root/usr/sbin/mysqld ]] && exit 0
  unpack_debian mysql sid mysql-server-core,mysql-client,mysql-client-core
  ;;
start)
  folder "${2:-}"
  port=${3:?port}
  alone
  "$0" install >/dev/null
  server=("${loader[@]}" "$root/usr/sbin/mysqld" --no-defaults --user=root --datadir="$data/data" --basedir="$root/usr"
    --lc-messages-dir="$root/usr/share/mysql")
  if [[ ! -d $data/data ]]; then
    mkdir -p "$data"
    "${server[@]}" --initialize-insecure 2>"$data/init.log" || { tail -n 20 "$data/init.log" >&2; exit 1; }
  fi
  # shellcheck disable=SC2086
  launch "${server[@]}" --bind-address=127.0.0.1 --port="$port" --socket="$data/mysql.sock" --mysqlx=OFF \
    --pid-file="$data/server.pid" --character-sets-dir="$root/usr/share/mysql/charsets" --plugin-dir="$root/usr/lib/mysql/plugin" \
    --secure-file-priv= --local-infile=1 ${MYSQLD_OPTS:-}
  wait_until is_ready
  "${loader[@]}" "$root/usr/bin/mysql" --no-defaults --socket="$data/mysql.sock" -uroot -e \
    "CREATE USER IF NOT EXISTS root@'127.0.0.1'; GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION"
  ;;
stop) stop_server "${2:-}" ;;
run) shift; tool=${1:?tool}; shift; "${loader[@]}" "$root/usr/bin/$tool" "$@" ;;
*) usage ;;
esac
