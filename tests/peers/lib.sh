# What the scripts of the peers share. They source it; alone it does nothing.
# A script's `start` sets $data by `folder`, then runs `launch` and `wait_until`; its `stop` is `stop_server`.
# shellcheck shell=bash
# shellcheck disable=SC2034 # what the scripts use
peers=${PEERS:-$HOME/.cache/aurora-peers}

die() { echo "${0##*/}: $*" >&2; exit 1; }

# The comment at the head of the script.
usage() { sed -n '2,/^[^#]/{/^#/p}' "$0"; exit 2; }

# The folder of a server: $data, the same however it is told.
folder() { data=$(realpath -m -- "${1:?folder}"); }

# The process in $data/pid, if it is still the server of that folder.
running() {
  local pid
  pid=$(cat "$data/pid" 2>/dev/null) && [[ -n $pid ]] || return 1
  grep -qF -- "$data" "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}

# Before a start: nobody else's server may lose its $data/pid.
alone() {
  local pid
  if pid=$(running); then die "a server is running in $data already, process $pid"; fi
}

# One installation at a time; the script has to look again afterwards whether another has done it.
lock_install() {
  mkdir -p "$peers"
  exec 9>"$peers/install-$1.lock"
  flock 9
}

debian_mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true
}

# unpack_debian NAME RELEASE PACKAGES: Debian's packages with all that they need, into $root.
unpack_debian() {
  local mirror log=$peers/install-$1.log
  if ! command -v mmdebstrap >/dev/null; then
    apt-get update -q >/dev/null && apt-get install -y -q mmdebstrap >/dev/null || die "mmdebstrap is needed and could not be installed"
  fi
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || die "no Debian mirror is configured on this machine"
  rm -rf "$root"
  mmdebstrap --quiet --variant=extract --mode=root --aptopt='Acquire::Check-Valid-Until "false"' --include="$3" "$2" "$root" \
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $2 main" 2>"$log" ||
    { cat "$log" >&2; exit 1; }
}

# Runs a server that outlives the script: its process in $data/pid, what it says in $data/server.log.
launch() {
  setsid "$@" >"$data/server.log" 2>&1 </dev/null &
  echo $! >"$data/pid"
}

# Until a command succeeds. A server that ends, or is not ready in half a minute, leaves its last words and no process.
wait_until() {
  local pid
  pid=$(cat "$data/pid")
  for _ in {1..150}; do
    if "$@" >/dev/null 2>&1; then return 0; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  kill -KILL "$pid" 2>/dev/null || true
  tail -n 20 "$data/server.log" >&2
  exit 1
}

# stop_server DIR [SIGNAL]: in order, or after half a minute at once.
stop_server() {
  local pid
  folder "$1"
  pid=$(running) || return 0
  kill -"${2:-TERM}" "$pid" 2>/dev/null || return 0
  for _ in {1..150}; do
    kill -0 "$pid" 2>/dev/null || { rm -f "$data/pid"; return 0; }
    sleep 0.2
  done
  kill -KILL "$pid" 2>/dev/null || true
}
