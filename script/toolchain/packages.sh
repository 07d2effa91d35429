# shellcheck shell=bash
# How a script speaks, and how it installs system packages. Sourced by `script/bootstrap` and
# `examples/build`, which put their name into TALLY_SPEAKER.

say() { echo "$TALLY_SPEAKER: $*"; }

# Says what is wrong and, where that is known, how to mend it.
fail() {
  echo "$TALLY_SPEAKER: $1" >&2
  [ $# -lt 2 ] || echo "  to mend it: $2" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Installs the packages, separated by blanks, in Debian's words; where that is not possible, says
# which are missing and the command that installs them.
install_packages() {
  local missing="$1" log command=()
  has apt-get || fail "missing, in Debian's words: $missing" "install them by your system's means"
  if [ "$(id -u)" = 0 ]; then
    command=(env)
  elif has sudo && sudo -n true 2>/dev/null; then
    command=(sudo env)
  else
    fail "missing: $missing" "sudo apt-get install $missing"
  fi
  command+=(DEBIAN_FRONTEND=noninteractive apt-get -qq)
  log="$(mktemp)"
  # The package names are separate words on purpose.
  # shellcheck disable=SC2086
  if "${command[@]}" update >"$log" 2>&1 </dev/null &&
    "${command[@]}" install -y --no-install-recommends $missing >>"$log" 2>&1 </dev/null; then
    rm -f "$log"
    say "installed $missing"
  else
    tail -n 5 "$log" >&2
    fail "apt-get could not install $missing(whole log: $log)" "sudo apt-get install $missing"
  fi
}
