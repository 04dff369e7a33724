#!/usr/bin/env bash
# Which barriers of the kernels the tests would miss: one after the other is left out of the emulated device (EMULATE_OMIT), and the tests that
# run its file go on until ThreadSanitizer or a result says so. For each: found, and by what; not found; or not reached by any small case.
cd "$(dirname "$0")/../../.." || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export EMULATE_SMALL=1 EMULATE_COUNT=1 TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1

# covered_by FILE: the tests that run it
covered_by() {
  case $1 in
  */fsai.cu | */store.cu) echo t_devicefsai ;;
  */train*) echo t_devicetrain ;;
  *) echo t_device t_devicetrain ;;
  esac
}

verdict() { # verdict PLACE
  local reached=0
  for t in $(covered_by "${1%:*}"); do
    (EMULATE_OMIT=$1 bin/race/$t > "$log" 2>&1; exit $?) 2> /dev/null || { echo "found: $(grep -o -m 1 'data race kernels.*\|^not ok.*\|^emulate: .*' "$log")"; return; }
    grep -q 'left out' "$log" && reached=1
  done
  [ $reached = 1 ] && echo "not found" || echo "not reached"
}

for place in $(grep -no '__sync\(threads\|warp\)()' kernels/*.cu kernels/*.cuh | cut -d : -f 1,2); do
  echo "$place $(verdict "$place")"
done
