#!/usr/bin/env bash
# import gnnspai: before and after petsc4py has initialised PETSc, training from Python, `make install-python`, the example. PYTHON selects the interpreter. TAP.
. tests/tap.sh

python=${PYTHON:-/usr/bin/python3}
version=$(pkg-config --modversion PETSc)
theirs=$($python -c 'from petsc4py import PETSc; print(".".join(str(k) for k in PETSc.Sys.getVersion()))' 2> /dev/null)
[ -n "$theirs" ] || { echo "1..0 # SKIP $python cannot import petsc4py"; exit 0; }
[ "$theirs" = "$version" ] || { echo "1..0 # SKIP petsc4py has PETSc $theirs, the library was built with $version"; exit 0; }
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$top/python${PYTHONPATH:+:$PYTHONPATH}
unset GNNSPAI_LIBRARY

# says TEXT NAME COMMAND...: succeeds and prints TEXT;  fails: the other way
shows() { grep -qF -e "$1" "$log"; }
says() {
  local text=$1 name=$2
  shift 2
  run "$@" && shows "$text"
  result $? "$name"
}
fails() {
  local text=$1 name=$2
  shift 2
  ! run "$@" && shows "$text"
  result $? "$name"
}

cat > "$work/solve.py" << 'EOF'
def solve():
    """Iterations of CG on a small Laplacian with what the options say."""
    from petsc4py import PETSc

    n = 400
    A = PETSc.Mat().createAIJ((n, n), nnz=3)
    for row in range(*A.getOwnershipRange()):
        for column, value in ((row - 1, -1.0), (row, 2.1), (row + 1, -1.0)):
            if 0 <= column < n:
                A[row, column] = value
    A.assemble()
    ksp = PETSc.KSP().create()
    ksp.setOperators(A)
    ksp.setType("cg")
    ksp.pc.setType("gnnspai")
    ksp.setFromOptions()
    x, b = A.createVecs()
    b.set(1.0)
    ksp.solve(b, x)
    assert ksp.reason > 0, ksp.reason
    PETSc.Sys.Print(ksp.pc.getType(), "solved")
    return A
EOF
cat > "$work/before.py" << 'EOF'
import sys

import gnnspai
import petsc4py

petsc4py.init(sys.argv)
from solve import solve

solve()
EOF
cat > "$work/after.py" << 'EOF'
import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc

import gnnspai
from solve import solve

gnnspai.register()  # again: no harm
solve()
EOF
for when in before after; do
  says "gnnspai solved" "import gnnspai $when petsc4py.init()" $python "$work/$when.py"
done
says "type: cggraph" "the KSP type, too" $python "$work/after.py" -ksp_type cggraph -ksp_view
says "gnnspai solved" "two ranks" $MPIEXEC -n 2 $python "$work/before.py"
cp "$top/lib/libgnnspai.so" "$work"
PETSC_OPTIONS="-ksp_view -dll_append $work/libgnnspai.so" says "type: gnnspai" "PETSC_OPTIONS that name a library, and others, before" $python "$work/before.py"
echo 'int nothing;' | $CC -x c -shared -fPIC -o "$work/libnothing.so" -
fails "Unable to find requested PC type" "another -dll_append on the command line takes the place" $python "$work/before.py" -dll_append "$work/libnothing.so"
says "gnnspai solved" "register() then helps" $python "$work/after.py" -dll_append "$work/libnothing.so"

says "$top/lib/libgnnspai.so" "library()" $python -c 'import gnnspai; print(gnnspai.library())'
GNNSPAI_LIBRARY=$work/libgnnspai.so says "-dll_append $work/libgnnspai.so" "GNNSPAI_LIBRARY, python -m gnnspai" $python -m gnnspai
GNNSPAI_LIBRARY=$work/none/libgnnspai.so fails "there is no $work/none/libgnnspai.so: build it" "a library that is not there" $python "$work/after.py"
GNNSPAI_LIBRARY=$work/libnothing.so fails "expected the path of a libgnnspai.so" "another library is refused" $python "$work/before.py"
mkdir "$work/a b" && cp "$work/libgnnspai.so" "$work/a b"
GNNSPAI_LIBRARY="$work/a b/libgnnspai.so" fails "blank, comma or quote" "a path that PETSc would cut: said" $python "$work/before.py"
GNNSPAI_LIBRARY="$work/a b/libgnnspai.so" says "gnnspai solved" "it does when PETSc is initialised" $python "$work/after.py"
(ls share/gnnspai/*.safetensors | sed 's|.*/||; s|\.safetensors||'; sed -n 's/^#define PCGNNSPAI_VERSION "\(.*\)"/\1/p' pcgnnspai.h) > "$work/names"
$python -c 'import gnnspai; print(*sorted(gnnspai.models()), gnnspai.__version__, sep="\n")' > "$work/answers" 2> "$log"
diff "$work/names" "$work/answers" > "$work/diff"
result $? "models(), __version__" "$work/diff"

# A PETSc that answers as another would
if run $CC -shared -fPIC $(pkg-config --cflags PETSc) -DOTHER=1 tests/cli/otherpetsc.c -o "$work/other.so"; then
  LD_PRELOAD=$work/other.so fails "this program runs PETSc 3.99" "another PETSc: said before" $python "$work/before.py"
  LD_PRELOAD=$work/other.so fails "ImportError: $top/lib/libgnnspai.so: gnnspai was built for PETSc ${version%.*} " "and after" $python "$work/after.py"
else
  result 1 "another PETSc compiles"
fi

# Training: Mats, scipy's matrices, files
cat > "$work/train.py" << 'EOF'
import os
import sys

import gnnspai
from petsc4py import PETSc
from solve import solve

few = {"train_steps": 2, "gnn_width": 8, "gnn_layers": 1, "train_seed": 3, "train_betas": (0.9, 0.99)}
folder = sys.argv[1]
A = solve()
rows, columns, values = A.getValuesCSR()
B = A.copy()
B.shift(1.0)
model = gnnspai.train([A, B], os.path.join(folder, "mats.safetensors"), **few)
gnnspai.train(A, os.path.join(folder, "single.safetensors"), **few)
files = [os.path.join(folder, name) for name in ("A.dat", "B.dat")]
for file, matrix in zip(files, (A, B)):
    viewer = PETSc.Viewer().createBinary(file, "w")
    matrix.view(viewer)
    viewer.destroy()
gnnspai.train(files, os.path.join(folder, "files.safetensors"), validation=A, **few)
gnnspai.train(os.path.join(folder, "?.dat"), os.path.join(folder, "glob.safetensors"), **few)
try:
    import scipy.sparse
except ImportError:
    print("scipy is not installed")
else:
    S = scipy.sparse.csr_matrix((values, columns, rows), shape=A.size)
    gnnspai.train([S.tocoo(), S + scipy.sparse.identity(A.size[0])], os.path.join(folder, "scipy.safetensors"), **few)
    gnnspai.train(scipy.sparse.kron(S, scipy.sparse.csr_matrix([[3.0, 1.0], [1.0, 2.0]])).tobsr((2, 2)), os.path.join(folder, "blocks.safetensors"), gnn_block_size=2, **few)
PETSc.Options()["pc_gnnspai_model"] = model
PETSc.Options()["ksp_view"] = None
solve()
try:
    gnnspai.train(A, train_steps=1, train_loss="nonsense")
except RuntimeError as error:
    print("refused:", error)
try:
    gnnspai.train("nowhere.dat")
except FileNotFoundError as error:
    print("missing:", error)
for nothing in ([], [3.0]):
    try:
        gnnspai.train(nothing)
    except (TypeError, ValueError) as error:
        print("no matrix:", error)
EOF
run $python "$work/train.py" "$work" && shows "mats.safetensors"
result $? "train() with Mats; the model solves"
parameters() { tail -c 1000 "$work/$1.safetensors"; }
cmp <(parameters mats) <(parameters files) > "$work/diff" && cmp <(parameters mats) <(parameters glob) > "$work/diff" && ! cmp -s <(parameters mats) <(parameters single)
result $? "train() with the same in files: the same parameters; with one matrix of them: others" "$work/diff"
if shows "scipy is not installed"; then
  skip "train() with scipy's matrices" "scipy is not installed"
else
  cmp <(parameters mats) <(parameters scipy) > "$work/diff" && [ -s "$work/blocks.safetensors" ]
  result $? "train() with scipy's matrices: the same again, and one of blocks" "$work/diff"
fi
grep -q "^refused: gnnspai-train failed with status" "$log" && shows "nonsense" && shows "missing: gnnspai.train: there is no matrix"
result $? "what is refused is said, in the program's words"
shows "a scipy sparse matrix or a file's name, not float"
result $? "train() without matrices, and with something else"
grep -q '"trainer" *: *"gnnspai-train [0-9.]*"' <(head -c 2000 "$work/mats.safetensors")
result $? "a model says which version made it" "$work/diff"

cat > "$work/ranks.py" << 'EOF'
import sys

import gnnspai
from petsc4py import PETSc

A = PETSc.Mat().createAIJ((9, 9), nnz=3, comm=PETSc.COMM_SELF)
for row in range(9):
    A[row, row] = 2.0
    if row > 0:
        A[row, row - 1] = A[row - 1, row] = -1.0
A.assemble()
if PETSc.COMM_WORLD.rank == 0:
    print("model", gnnspai.train([A, A], sys.argv[1], train_steps=1, gnn_width=8, gnn_layers=1, launcher=" ".join(sys.argv[2:])))
PETSc.COMM_WORLD.barrier()
try:
    gnnspai.train(PETSc.Mat().createAIJ((9, 9), nnz=1))
except ValueError as error:
    print(error)
EOF
says "model $work/ranks.safetensors" "train() on one of two ranks, with two processes of its own" timeout 120 $MPIEXEC -n 2 $python "$work/ranks.py" "$work/ranks.safetensors" $MPIEXEC -n 2
[ "$(grep -c 'a matrix of several processes' "$log")" -eq 2 ]
result $? "a matrix of two ranks is refused"

# Installed: found without a word from the environment
site=$(cd "$work" && make -C "$top" -s --no-print-directory python="$python" prefix="$work/prefix" install-python 2> "$log" | tee -a "$log" | sed -n 's/.*PYTHONPATH=//p')
PYTHONPATH=$site:${PYTHONPATH#"$top/python"} says "$work/prefix/lib/libgnnspai.so" "make install-python" $python -c 'import gnnspai; print(gnnspai.library())'
PYTHONPATH=$site says "gnnspai solved" "it solves" env -C "$work" $python before.py
run make uninstall prefix="$work/prefix" && [ ! -e "$work/prefix" ]
result $? "make uninstall takes all of it away"

run $python python/examples/convergence.py -n 40 -o "$work/curves.svg" && [ "$(ls "$work"/curves.* | wc -l)" -eq 1 ]
result $? "the example"
awk '$1 == "jacobi" {jacobi = $2} $1 == "gnnspai" {ours = $2} END {exit !(ours > 0 && 4 * ours < 3 * jacobi)}' "$log"
result $? "its iterations are fewer than 3/4 of Jacobi's"
plan
