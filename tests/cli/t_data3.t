#!/usr/bin/env bash
# gnnspai-data: hyperelasticity, and meshes of the user's. TAP.
. tests/tap.sh
data=$top/bin/gnnspai-data
cd "$work" || exit 1

run() { "$data" "$@" > "$log" 2>&1; }
refused() { refuses "$1" "$2" "$data" "${@:3}"; }

# all_lines EXPRESSION: true for every line of the log about a matrix, and there is one; n unknowns, nz nonzeros per row, and with -data_check
# decoupled rows, its iterations of CG with Jacobi
all_lines() {
  awk "/ unknowns, /{n = \$2; nz = \$4; its = \$(NF - 6); decoupled = 0
    for (k = 1; k < NF; k++) if (\$k == \"decoupled\") decoupled = \$(k - 1)
    lines++; if (!($1)) bad = 1} END{exit bad || !lines}" log
}

run -help && grep -q '^  hyperelasticity ' log
result $? "-help lists the kind"
run hyperelasticity -data_n 480 -data_count 3 -data_output beam_%d.dat -data_check && all_lines 'n == 480 && decoupled == 96 && nz > 30 && nz < 36 && its > 50 && its < 150'
result $? "small beams: symmetric and definite, both ends identity rows"
grep -q '_0.dat:.* twisted,' log && grep -q '_1.dat:.* stretched,' log && grep -q '_2.dat:.* bent,' log
result $? "the three states by turns"
run hyperelasticity -data_n 480 -data_kind bent -data_output bent_%d.dat && grep -q ' bent$' log && ! cmp -s bent_0.dat beam_0.dat
result $? "-data_kind chooses the state"
run hyperelasticity -data_n 480 -data_seed 1 -data_output again_%d.dat && cmp beam_1.dat again_1.dat > log 2>&1
result $? "the same seed gives the same bytes, whatever the first seed"
run hyperelasticity -data_output large_%d.dat && all_lines 'n == 56355 && nz > 41 && nz < 42'
result $? "64 x 16 x 16 cells by default: 56355 unknowns, 41 to 42 nonzeros per row"
grep -q 'matload_block_size 3' large_0.dat.info
result $? "the block size is written"
run patches -data_matrices beam_0.dat -data_count 2 -data_nodes_min 70 -data_nodes_max 70 -data_output cut_%d.dat -data_check && all_lines 'n == 210 && decoupled == 0' && grep -q 'matload_block_size 3' cut_0.dat.info
result $? "patches read the block size, cut whole vertices, and keep it"
refused "an unknown -data_kind is refused, the known ones named" "twisted stretched bent all" hyperelasticity -data_kind broken -data_output x_%d.dat
refused "a size below 135 is refused" "-data_n 99" hyperelasticity -data_n 99 -data_output x_%d.dat

# A cube of twelve tetrahedra around its middle, one physical surface of four vertices, tag 7
cube=$top/tests/cli/cube.msh
run heat -data_mesh "$cube" -data_count 2 -data_output cube_%d.dat -data_check && all_lines 'n == 9 && decoupled == 9'
result $? "heat on a Gmsh file: the boundary is Dirichlet, which leaves the middle alone"
! cmp -s cube_0.dat cube_1.dat
result $? "the coefficient depends on the seed"
run heat -data_mesh "$cube" -data_mesh_dirichlet none -data_output cube_%d.dat -data_check && all_lines 'n == 9 && decoupled == 0 && nz == 6.78'
result $? "no Dirichlet vertices; 26 edges and the diagonal stored"
run heat -data_mesh "$cube" -data_mesh_dirichlet 7 -data_output cube_%d.dat -data_check && all_lines 'n == 9 && decoupled == 4' && sed 's/^[^:]*//' log > cube.log
result $? "the vertices of a physical group are Dirichlet"
sed 's/^\(.* 4 2 1 1\) \(.*\) \(.*\) \(.*\) 9/\1 \3 \2 \4 9/' "$cube" > turned.msh
run heat -data_mesh turned.msh -data_mesh_dirichlet 7 -data_output turned_%d.dat -data_check && ! cmp -s turned.msh "$cube" && sed 's/^[^:]*//' log | diff - cube.log
result $? "tetrahedra of either orientation are the same"
run hyperelasticity -data_mesh "$cube" -data_mesh_dirichlet 7 -data_count 3 -data_output block_%d.dat -data_check && all_lines 'n == 27 && decoupled == 12' && grep -q 'matload_block_size 3' block_2.dat.info
result $? "hyperelasticity on a Gmsh file: clamped at the physical group"
run poisson -data_kind volume -data_mesh "$cube" -data_mesh_dirichlet 7 -data_output volume_%d.dat -data_check && all_lines 'n == 9 && decoupled == 4 && nz == 6.78'
result $? "poisson on tetrahedra of a Gmsh file, which are not flipped"
cat > sheet.msh <<'END' # two squares at a right angle, four triangles; tag 4: the side far from the fold
$MeshFormat
2.2 0 8
$EndMeshFormat
$Nodes
6
1 0 0 0
2 1 0 0
3 1 1 0
4 0 1 0
5 1 0 1
6 1 1 1
$EndNodes
$Elements
5
1 1 2 4 1 4 1
2 2 2 1 1 1 2 3
3 2 2 1 1 1 3 4
4 2 2 1 1 2 5 6
5 2 2 1 1 2 6 3
$EndElements
END
run poisson -data_mesh sheet.msh -data_mesh_dirichlet 4 -data_output sheet_%d.dat -data_check && all_lines 'n == 6 && decoupled == 2 && nz == 4'
result $? "poisson on triangles of a Gmsh file, in space"

head -n 20 "$cube" > cut.msh
sed '0,/^9 .*/s//9 0.5 0.5 0/' "$cube" > thin.msh
sed 's/^14$/3/; /^[4-9] 4 2/d; /^1[0-4] 4 2/d; s/^3 4 2 1 1 .*/3 5 2 1 1 1 2 3 4 5 6 7 8/' "$cube" > hex.msh
refused "mesh: no such file" "No readable file" heat -data_mesh "$work/nosuch.msh" -data_output x_%d.dat
refused "mesh: a file of another format" "Cannot read a mesh" heat -data_mesh "$top/README.md" -data_output x_%d.dat
refused "mesh: a truncated file" "Cannot read a mesh" heat -data_mesh "$work/cut.msh" -data_output x_%d.dat
refused "mesh: the Laplacian without a Dirichlet vertex" "no Dirichlet vertex" poisson -data_mesh "$work/sheet.msh" -data_mesh_dirichlet none -data_output x_%d.dat
refused "mesh: triangles" "has dimension 2, not 3" heat -data_mesh "$work/sheet.msh" -data_output x_%d.dat
refused "mesh: hexahedra" "another kind, hexahedron" heat -data_mesh "$work/hex.msh" -data_output x_%d.dat
refused "mesh: a tetrahedron without volume" "without volume, number 1" heat -data_mesh "$work/thin.msh" -data_output x_%d.dat
sed 's/^4 0 1 0/4 2 2 0/' sheet.msh > line.msh
refused "mesh: a triangle without area" "without area, number 2" poisson -data_mesh "$work/line.msh" -data_mesh_dirichlet 4 -data_output x_%d.dat
refused "mesh: no such physical tag" "has the physical tag 8" heat -data_mesh "$cube" -data_mesh_dirichlet 8 -data_output x_%d.dat
refused "mesh: not a tag" "takes boundary, none, or the number" heat -data_mesh "$cube" -data_mesh_dirichlet bottom -data_output x_%d.dat
refused "mesh: everything Dirichlet" "Every vertex of" heat -data_mesh "$cube" -data_mesh_dirichlet 1 -data_output x_%d.dat
refused "mesh: another numbering than the file's" "stay as they are in the file" heat -data_mesh "$cube" -data_numbering random -data_output x_%d.dat
refused "mesh: Dirichlet without a mesh" "for a mesh that is given" heat -data_mesh_dirichlet 7 -data_output x_%d.dat
plan
