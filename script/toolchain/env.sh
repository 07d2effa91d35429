# shellcheck shell=bash
# Sourced by every script, and by a shell that wants the same tools: `. script/toolchain/env.sh`.
#
# Foundry's launchers for npm answer 0 when the tool fails and leave the tool running when they are
# killed. The native binaries of the platform packages therefore come first on PATH.

TALLY_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/../.." && pwd)"
export TALLY_ROOT

# The platform in the words of the packages: linux or darwin, amd64 or arm64.
tally_platform() {
  local system machine
  system="$(uname -s | tr '[:upper:]' '[:lower:]')"
  machine="$(uname -m)"
  case "$machine" in
    x86_64) machine=amd64 ;;
    aarch64) machine=arm64 ;;
  esac
  echo "$system-$machine"
}

# The folder of a native binary, or nothing. `.native` holds what the lock file cannot pin.
tally_native() {
  local modules
  for modules in "$TALLY_ROOT/node_modules" "$TALLY_ROOT/node_modules/.native/node_modules"; do
    if [ -x "$modules/@foundry-rs/$1-$(tally_platform)/bin/$1" ]; then
      echo "$modules/@foundry-rs/$1-$(tally_platform)/bin"
      return
    fi
  done
}

tally_tools() {
  local tool folder
  for tool in forge anvil cast; do
    folder="$(tally_native "$tool")"
    case ":$PATH:" in
      *":$folder:"*) ;;
      *) [ -z "$folder" ] || PATH="$folder:$PATH" ;;
    esac
  done
  export PATH
  # Half the processor time of g++ for the storage engine's sources.
  if command -v clang >/dev/null 2>&1 && command -v clang++ >/dev/null 2>&1; then
    export CC="${CC:-clang}" CXX="${CXX:-clang++}"
  fi
}

tally_tools
