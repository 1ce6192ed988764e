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
peers=${PEERS:-$HOME/.cache/aurora-peers}
root=$peers/mariadb-root
loader=$root/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
libraries=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu

die() { echo "mariadb.sh: $*" >&2; exit 1; }

# The packages may be of another release than the host, so they run with their own loader and libraries.
program() { "$loader" --library-path "$libraries" "$@"; }

debian_mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true
}

client() { program "$root/usr/bin/mariadb" --no-defaults --socket="$data/mysql.sock" -uroot "$@"; }

case ${1:-} in
install)
  [[ -x $root/usr/sbin/mariadbd ]] && exit 0
  echo "fetching MariaDB 10.11 from Debian's packages into $peers"
  if ! command -v mmdebstrap >/dev/null; then
    apt-get update -q >/dev/null && apt-get install -y -q mmdebstrap >/dev/null || die "mmdebstrap is needed and could not be installed"
  fi
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || die "no Debian mirror is configured on this machine"
  mkdir -p "$peers"
  exec 9>"$peers/install-mariadb.lock"; flock 9
  [[ -x $root/usr/sbin/mariadbd ]] && exit 0
  rm -rf "$root"
  mmdebstrap --quiet --variant=extract --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=mariadb-server,mariadb-plugin-rocksdb,mariadb-client bookworm "$root" \
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" 2>"$peers/install-mariadb.log" ||
    { cat "$peers/install-mariadb.log" >&2; exit 1; }
  ;;
start)
  data=${2:?folder} port=${3:?port}
  "$0" install >/dev/null
  share=$root/usr/share/mysql
  base=(--no-defaults --user=root --datadir="$data/data" --basedir="$root/usr" --lc-messages-dir="$share"
    --character-sets-dir="$share/charsets" --plugin-dir="$root/usr/lib/mysql/plugin" --plugin-maturity=beta)
  if [[ ! -d $data/data/mysql ]]; then
    mkdir -p "$data/data/mysql"
    # What its own installer does, less the paths it has compiled in.
    { echo "use mysql;"; cat "$share"/mysql_system_tables.sql "$share"/mysql_system_tables_data.sql; } |
      program "$root/usr/sbin/mariadbd" "${base[@]}" --bootstrap >"$data/init.log" 2>&1 || { tail -n 20 "$data/init.log" >&2; exit 1; }
  fi
  # shellcheck disable=SC2086
  setsid "$loader" --library-path "$libraries" "$root/usr/sbin/mariadbd" "${base[@]}" \
    --bind-address=127.0.0.1 --port="$port" --socket="$data/mysql.sock" --pid-file="$data/pid" \
    --plugin-load-add=ha_rocksdb --secure-file-priv= --local-infile=1 ${MARIADBD_OPTS:-} >"$data/server.log" 2>&1 </dev/null &
  for _ in $(seq 150); do
    if client -e "CREATE USER IF NOT EXISTS root@'127.0.0.1' IDENTIFIED BY ''; GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION" >/dev/null 2>&1; then
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
  kill "$pid" 2>/dev/null || exit 0
  for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.2; done
  kill -9 "$pid"
  ;;
run) shift; tool=$1; shift; program "$root/usr/bin/$tool" "$@" ;;
*) sed -n '2,10p' "$0"; exit 2 ;;
esac
