#!/usr/bin/env bash
# PETSc's tutorials in tests/apps/table, unmodified, from where the distribution's package or PETSC_DIR has them. From the top:
#   tests/apps/apps.sh DIR [NAME...]    each one's first system into DIR: app_NAME.dat and its right-hand side, app_NAME.dat.rhs. What is not there is said
# or sourced, by t_apps.t: apps_find, app_compile, app_run.

# apps_find: sets `sources`, PETSc's src, empty where the tutorials are not installed
apps_find() {
  local version prefix top
  version=$(pkg-config --modversion PETSc)
  prefix=$(pkg-config --variable=prefix PETSc)
  sources=
  for top in "${PETSC_DIR:-}" "${PETSC_DIR:-}/share/petsc/examples" "$prefix/share/petsc/examples" "/usr/share/petsc/${version%.*}/share/petsc/examples"; do
    [ -n "$sources" ] || [ ! -f "$top/src/ksp/ksp/tutorials/ex2.c" ] || sources=$top/src
  done
}

# app_get NAME: sets source, prefix (with its dash) and options to what the table says
app_get() {
  local name=$1
  read -r source prefix options < <(awk -v name="$name" '$1 == name {$1 = ""; print}' tests/apps/table)
  prefix=-${prefix#-}
}

# app_compile NAME PROGRAM: the compiler's words, and fails, where it cannot be done. DMPlex's need the headers of HDF5 if PETSc has it
app_compile() {
  local source prefix options hdf5=
  app_get "$1"
  pkg-config --exists hdf5-openmpi 2> /dev/null && hdf5=hdf5-openmpi
  ${CC:-mpicc} -w -o "$2" $(pkg-config --cflags PETSc $hdf5) "$sources/$source.c" $(pkg-config --libs PETSc) $(pkg-config --libs-only-L PETSc | sed 's/-L\([^ ]*\)/-Wl,-rpath,\1/g') -lm 2>&1
}

# app_run NAME PROGRAM OPTIONS...: KSP's with the prefix @, as in -@pc_type
app_run() {
  local source prefix options name=$1 program=$2
  shift 2
  app_get "$name"
  "$program" $options "${@/#-@/$prefix}"
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
[ $# -ge 1 ] || { sed -n '2,4s/^# *//p' "$0"; exit 1; }
folder=$1
shift
apps_find
[ -n "$sources" ] || { echo "PETSc's tutorials are not installed (on Debian: libpetsc3.xx-dev-examples): left out"; exit 0; }
mkdir -p "$folder"
for name in ${*:-$(awk '!/^#/ {print $1}' tests/apps/table)}; do
  file=$folder/app_$name.dat
  app_compile "$name" "$folder/$name" > "$folder/log" || { echo "$name left out: $(grep -m 1 error "$folder/log")"; continue; }
  rm -f "$file" "$file".*
  app_run "$name" "$folder/$name" -@ksp_type cg -@pc_type jacobi -@ksp_max_it 1 -@ksp_view_mat "binary:$file" -@ksp_view_rhs "binary:$file.rhs" > "$folder/log" 2>&1
  [ -s "$file" ] && [ -s "$file.rhs" ] || echo "$name left out: it wrote no system"
  rm -f "$folder/$name"
done
rm -f "$folder/log"
