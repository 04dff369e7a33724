#!/usr/bin/env bash
# Programs that others wrote, unmodified, in tests/apps/table: PETSc's tutorials, from where the distribution's package or PETSC_DIR has them, and demos in
# Python. From the top:
#   tests/apps/apps.sh DIR [NAME...]    each one's first system into DIR: app_NAME.dat and its right-hand side, app_NAME.dat.rhs. What is not there is said
# or sourced, by t_apps.t: apps_names, apps_find, app_compile, app_run, app_iterations.

app_python=/usr/bin/python3 # the one with the distribution's petsc4py and DOLFINx

# apps_names: all that are in the table
apps_names() { awk '!/^#/ {print $1}' tests/apps/table; }

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

# app_get NAME: sets source, prefix (with its dash), most, its and options to what the table says
app_get() {
  local name=$1
  read -r source prefix most its options < <(awk -v name="$name" '$1 == name {$1 = ""; print}' tests/apps/table)
  prefix=-${prefix#-}
}

# app_compile NAME PROGRAM: PROGRAM is an absolute path. Fails with a line that says why where it cannot be made
app_compile() {
  local source prefix most its options matrix
  app_get "$1"
  for matrix in $options; do
    [[ $matrix != foreign:* ]] || app_matrix "${matrix#foreign:}" "${2%/*}" || return 1
  done
  if [[ $source = *.py ]]; then app_script "$2"; else app_program "$2"; fi
}

# app_matrix NAME.dat FOLDER: one of bench/extra/foreign.py
app_matrix() {
  [ -s "$2/$1" ] || "${PYTHON:-python3}" bench/extra/foreign.py "$2" --only "${1%.dat}" > "$2/foreign.log" 2>&1 && [ -s "$2/$1" ] || { echo "error: $(tail -n 1 "$2/foreign.log")"; return 1; }
}

# A copy, on a mesh that is no toy, without the solver that the demo names: -ksp_ and -pc_ options count, also where DOLFINx gives the KSP a prefix of its own
app_script() {
  local theirs
  [ -f "$source" ] || { echo "error: there is no $source"; return 1; }
  theirs=$($app_python -c 'from petsc4py import PETSc; print(".".join(str(k) for k in PETSc.Sys.getVersion()))' 2> /dev/null)
  [ "$theirs" = "$(pkg-config --modversion PETSc)" ] || { echo "error: the PETSc of petsc4py is ${theirs:-none}"; return 1; }
  [[ $source != */dolfinx/* ]] || $app_python -c 'import dolfinx' 2> /dev/null || { echo "error: DOLFINx is not installed"; return 1; }
  sed -e '/^opts\["/d' -e 's/petsc_options={[^}]*}/petsc_options=__import__("petsc4py.PETSc").PETSc.Options().getAll()/' -e 's/n=(32, 16)/n=(160, 80)/' "$source" > "$1"
}

# The compiler's words where it fails. DMPlex's need the headers of HDF5 if PETSc has it
app_program() {
  local hdf5=
  [ -n "$sources" ] || { echo "error: PETSc's tutorials are not installed"; return 1; }
  [ -f "$sources/$source.c" ] || { echo "error: this PETSc has no $source.c"; return 1; }
  pkg-config --exists hdf5-openmpi 2> /dev/null && hdf5=hdf5-openmpi
  ${CC:-mpicc} -w -o "$1" $(pkg-config --cflags PETSc $hdf5) "$sources/$source.c" $(pkg-config --libs PETSc) $(pkg-config --libs-only-L PETSc | sed 's/-L\([^ ]*\)/-Wl,-rpath,\1/g') -lm 2>&1
}

# app_run NAME PROGRAM OPTIONS...: KSP's with the prefix @, as in -@pc_type; `launch` may hold an mpiexec with its arguments
app_run() {
  local source prefix most its options name=$1 program=$2
  shift 2
  app_get "$name"
  set -- ${options/foreign:/${program%/*}/} "${@/#-@/$prefix}"
  if [[ $source = *.py ]]; then (cd "${program%/*}" && PETSC_OPTIONS="$*" XDG_CACHE_HOME=${program%/*}/cache ${launch:-} $app_python "$program")
  else ${launch:-} "$program" "$@"; fi
}

# app_iterations LOG: of all linear solves; "failed" if one did not converge
app_iterations() { awk '/Linear.* solve did not converge/ {bad = 1} /Linear.* solve converged/ {n += $NF} END {print bad || !n ? "failed" : n}' "$1"; }

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
[ $# -ge 1 ] || { sed -n '2,5s/^# *//p' "$0"; exit 1; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
apps_find
for name in ${*:-$(apps_names)}; do
  file=$folder/app_$name.dat
  app_get "$name"
  [[ $options != *foreign:* ]] || continue # matrices that lie in files anyway
  app_compile "$name" "$folder/$name" > "$folder/log" || { echo "$name left out: $(grep -m 1 error "$folder/log")"; continue; }
  rm -f "$file" "$file".*
  app_run "$name" "$folder/$name" -@ksp_type cg -@pc_type jacobi -@ksp_max_it 1 -@ksp_view_mat "binary:$file" -@ksp_view_rhs "binary:$file.rhs" > "$folder/log" 2>&1
  [ -s "$file" ] && [ -s "$file.rhs" ] || echo "$name left out: it wrote no system"
  rm -f "$folder/$name"
done
rm -rf "$folder/log" "$folder/cache" "$folder"/out_*
