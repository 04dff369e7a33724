# What the shell tests share. Sourced from the repository's root; a test's last command writes to $log, which is shown if it fails.

exec < /dev/null # mpiexec in a process group of its own would be stopped by a terminal
top=$PWD
export LC_ALL=C # messages of compilers, what python prints
export $(cat tests/mpi.env)
unset PETSC_OPTIONS CDPATH
[ -z "${PETSC_DIR:-}" ] || export PKG_CONFIG_PATH=$PETSC_DIR/${PETSC_ARCH:-}/lib/pkgconfig:${PKG_CONFIG_PATH:-}
CC=${CC:-mpicc}
MPIEXEC=${MPIEXEC:-mpiexec}
work=$(mktemp -d "${TMPDIR:-$top/build}/test-XXXXXX") || exit 1 # /tmp may be small, or for no programs
trap 'rm -rf "$work"' EXIT
log=$work/log
count=0
. tests/apps/apps.sh

# result STATUS NAME [FILE]: one TAP line; a failure shows FILE, or the log
result() {
  count=$((count + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $count - $2"
  else
    echo "not ok $count - $2"
    grep -v '^ok ' "${3:-$log}" | sed 's/^/# /' | head -n 40
  fi
}

skip() { # skip NAME REASON
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}

run() { "$@" > "$log" 2>&1; }

# refuses NAME TEXT COMMAND...: fails, with TEXT in the message, and leaves no file behind. TEXT must be no part of the command, which
# PETSc prints too
refuses() {
  local name=$1 text=$2 status
  shift 2
  mkdir "$work/empty" && cd "$work/empty" || exit 1
  "$@" > "$log" 2>&1
  status=$?
  cd "$OLDPWD" || exit 1
  [ $status -ne 0 ] && grep -qF -e "$text" "$log" && rmdir "$work/empty" 2> /dev/null
  result $? "$name"
  rm -rf "$work/empty"
}

# compile SOURCE PROGRAM PACKAGES FLAGS...: with what pkg-config says, and nothing of this directory
compile() {
  local source=$1 program=$2 packages=$3 libs flag rpath=()
  shift 3
  libs=$(pkg-config --libs $packages) || return 1
  for flag in $libs; do
    [[ $flag == -L* ]] && rpath+=("-Wl,-rpath,${flag#-L}")
  done
  run $CC -o "$program" $(pkg-config --cflags $packages) "$source" "$@" $libs "${rpath[@]}" -lm
}

plan() { echo "1..$count"; }

# tutorial NAME: the path of PETSc's NAME.c, empty where the examples are not installed
tutorial() {
  apps_find
  [ -z "$sources" ] || echo "$sources/ksp/ksp/tutorials/$1.c"
}
