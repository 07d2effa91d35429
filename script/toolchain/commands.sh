# shellcheck shell=bash
# The commands that decide between red and green, named once. `script/test` runs them on the tree,
# `script/sanity` proves on planted faults that they turn red.

forge_build() {
  forge build "$@"
}

# Forge answers 0 when no test matches; a run of nothing proves nothing and is red here.
forge_test() {
  local log colour
  log="$(mktemp)"
  forge test "$@" 2>&1 | tee "$log"
  colour="${PIPESTATUS[0]}"
  ! grep -q '^No tests ' "$log" || colour=1
  rm -f "$log"
  return "$colour"
}

rust_test() {
  cargo nextest run --locked --no-fail-fast --status-level=fail --final-status-level=fail "$@"
}
