# The commands that decide between red and green, named once. `script/test` runs them on the tree,
# `script/sanity` proves on planted faults that they turn red.

forge_build() {
  forge build "$@"
}

forge_test() {
  forge test "$@"
}

rust_test() {
  cargo nextest run --locked --no-fail-fast --status-level=fail --final-status-level=fail "$@"
}
