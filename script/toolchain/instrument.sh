#!/bin/sh
# Compiles our own crates so that libFuzzer sees which code ran. Cargo calls it in place of rustc
# for members of the workspace alone (RUSTC_WORKSPACE_WRAPPER), so dependencies are those of the
# ordinary build. Build scripts run outside of the fuzzer and stay as they are.
compiler="$1"
shift
case " $* " in
  *" --crate-name build_script_"* | *" --crate-type proc-macro "* | *" --print"*)
    exec "$compiler" "$@" ;;
  # The one program without the fuzzer's runtime, to which counters report.
  *" --crate-name seeds "*) exec "$compiler" "$@" --cfg fuzzing ;;
esac
exec "$compiler" "$@" --cfg fuzzing -C codegen-units=1 -C passes=sancov-module \
  -C llvm-args=-sanitizer-coverage-level=4 \
  -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
  -C llvm-args=-sanitizer-coverage-pc-table \
  -C llvm-args=-sanitizer-coverage-trace-compares
