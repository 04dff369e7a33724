#!/usr/bin/env bash
# Node features of the user's, from the files beside the matrices: generator, patches, trainer, validation, bench. TAP.
. tests/tap.sh
cd "$work" || exit 1
data=$top/bin/gnnspai-data
train=("$top/bin/gnnspai-train" -gnn_width 8 -gnn_layers 1 -train_steps 40 -train_validate_every 20)

# numbers FILE: the vector in a PETSc binary file, a line each
numbers() { perl -e 'open my $f, "<", shift or die; local $/; my ($id, $n, $v) = unpack "l> l> a*", <$f>; $id == 1211214 or die; print "$_\n" for unpack "d>$n", $v' "$1"; }

run "$data" heat -data_n 600 -data_count 2 -data_features -data_output 'a_%d.dat' && [ "$(cat a_0.dat.features.info)" = "-vecload_block_size 4" ] &&
  n=$(awk '/a_0/{print $2}' "$log") && [ "$(numbers a_0.dat.features | wc -l)" -eq $((4 * n)) ]
result $? "heat writes four numbers a node"
numbers a_0.dat.features | awk 'NR % 4 == 0 && ($1 < 0.01 || $1 > 1) {bad = 1} NR % 4 == 0 {if ($1 > high) high = $1} NR % 4 == 1 {if ($1 > x) x = $1} END {exit bad || high < 0.999 || x < 0.5}'
result $? "the fourth is the diffusivity, rescaled to [0.01, 1]"
run "$data" heat -data_n 600 -data_count 2 -data_output 'b_%d.dat' && cmp a_0.dat b_0.dat && [ ! -e b_0.dat.features ]
result $? "the matrices are the same without"

# diagonal FILE: of a matrix of 4-byte indices
diagonal() {
  perl -e 'local $/; open my $f, "<:raw", $ARGV[0]; my $d = <$f>; my (undef, $n, undef, $nz) = unpack("l>4", $d); my @r = unpack("x16l>$n", $d); my $k = 0;
    my @c = unpack("x" . (16 + 4 * $n) . "l>$nz", $d); my @v = unpack("x" . (16 + 4 * ($n + $nz)) . "d>$nz", $d);
    for my $i (0 .. $n - 1) { for (1 .. $r[$i]) { print "$v[$k]\n" if $c[$k] == $i; $k++ } }' "$1"
}
run "$data" heat -data_n 600 -data_features -data_numbering random -data_output 'r_%d.dat'
for f in a_0 r_0; do numbers $f.dat.features | paste - - - - | paste - <(diagonal $f.dat) > $f; done
! cmp -s a_0 r_0 && [ "$(wc -l < a_0)" -eq $n ] && diff <(sort a_0) <(sort r_0) > "$log"
result $? "they follow the numbering"

# A patch of all nodes is the matrix in its own order, so its features are the whole's
run "$data" patches -data_matrices a_0.dat -data_count 1 -data_nodes_min $n -data_nodes_max $n -data_output 'whole_%d.dat' &&
  cmp a_0.dat whole_0.dat && cmp a_0.dat.features whole_0.dat.features
result $? "patches cut them along: all of it"
run "$data" patches -data_matrices 'a_*.dat' -data_count 4 -data_nodes_min 200 -data_nodes_max 300 -data_output 'p_%d.dat' &&
  numbers a_0.dat.features | paste - - - - | sort > whole && numbers a_1.dat.features | paste - - - - | sort >> whole && numbers p_2.dat.features | paste - - - - > part &&
  [ "$(wc -l < part)" -eq "$(awk '/p_2/{print $2}' "$log")" ] && [ "$(sort -u part | grep -cxFf - whole)" -eq "$(wc -l < part)" ]
result $? "patches cut them along: nodes of the whole"

run "${train[@]}" -train_matrices 'p_*.dat' -train_validation 'a_1.dat' -gnn_node_features rowabs,degree,user:4 -train_output m.safetensors &&
  head -c 4000 m.safetensors | grep -aq '"node_features": *"rowabs,degree,user:4"'
result $? "a model that reads them is trained, and validated"
run "$top/bin/gnnspai-bench" -bench_matrices a_0.dat -bench_pc jacobi,gnnspai -gnnspai_pc_gnnspai_model m.safetensors -gnnspai_pc_gnnspai_guard none -bench_repeat 1 &&
  awk '$1 == "jacobi" {j = $2} $1 == "gnnspai" {g = $2} END {exit !(g > 0 && g < 0.8 * j)}' "$log"
result $? "the bench gives them to it"
mv a_1.dat.features kept
numbers kept | perl -ne 'BEGIN {@v = ()} push @v, $_ * 3; END {open my $f, ">", "a_1.dat.features"; print $f pack("l> l> d>*", 1211214, scalar @v, @v)}'
run "$top/bin/gnnspai-train" -train_init m.safetensors -train_matrices a_1.dat -train_steps 1 -train_output x.safetensors && other=$(sed -n 's/^step .*loss *\([-0-9.]*\).*/\1/p' "$log") &&
  mv kept a_1.dat.features && run "$top/bin/gnnspai-train" -train_init m.safetensors -train_matrices a_1.dat -train_steps 1 -train_output x.safetensors && [ "$other" != "$(sed -n 's/^step .*loss *\([-0-9.]*\).*/\1/p' "$log")" ]
result $? "other numbers, another loss"

refuses "a matrix without the file" "there is no file" "${train[@]}" -train_matrices "$work/b_0.dat" -gnn_node_features user:4 -train_output x.safetensors
refuses "another number of them" "a_0.dat.features has 4" "${train[@]}" -train_matrices "$work/a_0.dat" -gnn_node_features user:3 -train_output x.safetensors
refuses "user:0" "with k from 1" "${train[@]}" -train_matrices "$work/a_0.dat" -gnn_node_features user:0 -train_output x.safetensors
cp a_1.dat.features b_0.dat.features; cp a_1.dat.features.info b_0.dat.features.info
run "$data" heat -data_n 300 -data_output 'b_%d.dat' && [ ! -e b_0.dat.features ] && [ ! -e b_0.dat.features.info ]
result $? "a matrix that replaces another loses its features"
cp a_1.dat.features b_0.dat.features; cp a_1.dat.features.info b_0.dat.features.info
refuses "the features of a matrix of another size" "numbers, expected" "${train[@]}" -train_matrices "$work/b_0.dat" -gnn_node_features user:4 -train_output x.safetensors
head -c 100 a_0.dat.features > b_0.dat.features
refuses "half a file" "Cannot read a vector from" "${train[@]}" -train_matrices "$work/b_0.dat" -gnn_node_features user:4 -train_output x.safetensors
plan
