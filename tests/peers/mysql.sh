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
peers=${PEERS:-$HOME/.cache/aurora-peers}
root=$peers/mysql-root
lib=$root/usr/lib/x86_64-linux-gnu

die() { echo "mysql.sh: $*" >&2; exit 1; }

# The packages come from a newer release than the host, so they run with their own loader and libraries.
program() {
  local path=$1; shift
  "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$root/usr/lib/mysql/private" "$path" "$@"
}

debian_mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true
}

case ${1:-} in
install)
  [[ -x $root/usr/sbin/mysqld ]] && exit 0
  echo "fetching MySQL 9.7 from Debian's packages into $peers"
  if ! command -v mmdebstrap >/dev/null; then
    apt-get update -q >/dev/null && apt-get install -y -q mmdebstrap >/dev/null || die "mmdebstrap is needed and could not be installed"
  fi
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || die "no Debian mirror is configured on this machine"
  mkdir -p "$peers"
  exec 9>"$peers/install.lock"; flock 9
  [[ -x $root/usr/sbin/mysqld ]] && exit 0
  rm -rf "$root"
  mmdebstrap --quiet --variant=extract --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=mysql-server-core,mysql-client,mysql-client-core sid "$root" \
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" 2>"$peers/install.log" ||
    { cat "$peers/install.log" >&2; exit 1; }
  ;;
start)
  data=${2:?folder} port=${3:?port}
  "$0" install >/dev/null
  base=(--no-defaults --user=root --datadir="$data/data" --basedir="$root/usr" --lc-messages-dir="$root/usr/share/mysql")
  if [[ ! -d $data/data ]]; then
    mkdir -p "$data"
    program "$root/usr/sbin/mysqld" "${base[@]}" --initialize-insecure 2>"$data/init.log"
  fi
  # shellcheck disable=SC2086
  setsid "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$root/usr/lib/mysql/private" "$root/usr/sbin/mysqld" "${base[@]}" \
    --bind-address=127.0.0.1 --port="$port" --socket="$data/mysql.sock" --mysqlx=OFF --pid-file="$data/pid" \
    --character-sets-dir="$root/usr/share/mysql/charsets" --plugin-dir="$root/usr/lib/mysql/plugin" \
    --secure-file-priv= --local-infile=1 ${MYSQLD_OPTS:-} >"$data/server.log" 2>&1 </dev/null &
  for _ in $(seq 150); do
    if program "$root/usr/bin/mysqladmin" --no-defaults --socket="$data/mysql.sock" -uroot ping >/dev/null 2>&1; then
      program "$root/usr/bin/mysql" --no-defaults --socket="$data/mysql.sock" -uroot -e \
        "CREATE USER IF NOT EXISTS root@'127.0.0.1'; GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION"
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
