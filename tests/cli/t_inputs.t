#!/usr/bin/env bash
# Matrices that gnnspai-train cannot use are named, and refused or left out. TAP.
. tests/tap.sh

bin/gnnspai-data heat -data_n 150 -data_count 2 -data_output "$work/a_%d.dat" > "$log" 2>&1
result $? "matrices to train on"
train=("$top/bin/gnnspai-train" -gnn_width 8 -gnn_layers 1 -train_steps 2 -train_output "$work/m.safetensors")

# matrix FILE [INTEGER SCALAR] < entries "row column value": a PETSc binary file, integers and scalars as perl packs them
matrix() {
  perl -e '
    my ($file, $integer, $scalar) = (@ARGV, "l>", "d>");
    my (@length, $column, $value);
    while (<STDIN>) {
      my ($i, $j, @v) = split;
      $length[$i]++;
      $column .= pack $integer, $j;
      $value .= pack "$scalar*", @v;
    }
    my $nonzeros = 0;
    $nonzeros += $_ for @length;
    open my $f, ">", $file or die;
    print $f pack("$integer*", 1211216, scalar @length, scalar @length, $nonzeros, @length), $column, $value;
  ' "$@"
}
good="0 0 2\n0 1 -1\n1 0 -1\n1 1 2\n1 2 -1\n2 1 -1\n2 2 2\n"
printf "$good" | matrix "$work/small.dat"
run "${train[@]}" -train_matrices "$work/small.dat"
result $? "a matrix of three rows, written by the test, can be used"

# bad NAME TEXT: the file $work/bad.dat beside two good ones is refused, or left out
bad() {
  run "${train[@]}" -train_matrices "$work/[ab]*.dat"
  [ $? -ne 0 ] && grep -q "^cannot use $work/bad.dat: .*$2" "$log" && grep -q '1 of the 3 matrices' "$log"
  result $? "$1: named and refused"
  run "${train[@]}" -train_matrices "$work/[ab]*.dat" -train_bad_inputs skip
  [ $? -eq 0 ] && grep -q "^cannot use $work/bad.dat: .*$2" "$log" && grep -q '^2 training matrices' "$log"
  result $? "$1: named and left out"
}

head -c 1000 "$work/a_0.dat" > "$work/bad.dat"
bad "a truncated file" "Cannot read a matrix .* was cut off"
echo "%%MatrixMarket" > "$work/bad.dat"
bad "a file of something else" "Cannot read a matrix"
printf "${good/-1/nan}" | matrix "$work/bad.dat"
bad "NaN" "NaN or an infinity"
printf "${good/0 0 2/0 0 -2}" | matrix "$work/bad.dat"
bad "a negative diagonal entry" "Diagonal entry 0 .* -2"
printf "${good/0 0 2\\n/}" | matrix "$work/bad.dat"
bad "a diagonal entry that is not stored" "no stored diagonal"
printf "${good/0 1 -1\\n/}" | matrix "$work/bad.dat"
run "${train[@]}" -train_matrices "$work/bad.dat"
result $? "a one-sided entry is taken out, as one that MatZeroRows() left"
printf "${good/0 1 -1/0 1 -1.5}" | matrix "$work/bad.dat"
bad "unsymmetric values" "not symmetric: "
printf "0 0 1\n1 1 1\n" | matrix "$work/bad.dat"
bad "a diagonal matrix" "nothing to learn"

# everywhere NAME TEXT: the same of the other two programs
everywhere() {
  bad "$1" "$2"
  run bin/gnnspai-data patches -data_matrices "$work/bad.dat" -data_nodes_min 1 -data_nodes_max 2 -data_count 1 -data_output "$work/patch_%d.dat"
  [ $? -ne 0 ] && grep -q "bad.dat.*$2" "$log" && [ ! -e "$work/patch_0.dat" ]
  result $? "$1: refused by gnnspai-data"
  run bin/gnnspai-bench -bench_matrices "$work/bad.dat" -bench_pc jacobi -bench_repeat 1 -bench_profile 0
  [ $? -ne 0 ] && grep -q "bad.dat.*$2" "$log"
  result $? "$1: refused by gnnspai-bench"
}
printf "$good" | awk '{print $1, $2 + 1, $3}' | matrix "$work/bad.dat"
everywhere "columns counted from 1" "run from 1 to 3: this file counts from 1, PETSc from 0"
printf "${good}2 900000 0\n" | matrix "$work/bad.dat"
everywhere "a column out of range" "run from 0 to 900000, out of range"
printf "${good/0 1 -1/0 -7 -1}" | matrix "$work/bad.dat"
everywhere "a negative column" "run from -7 to 2, out of range"
printf "1 1 2\n1 0 -1\n1 2 -1\n0 0 2\n0 1 -1\n2 1 -1\n2 2 2\n" | sort -s -n -k 1,1 | matrix "$work/bad.dat"
everywhere "the diagonal first" "unsorted columns (0 behind 1)"
printf "${good/0 1 -1/0 1 -1\\n0 1 0}" | matrix "$work/bad.dat"
everywhere "an entry twice" "repeated columns (1 behind 1)"
perl -e 'print pack("l>*", 1211216, 3, 3, 7, 2, 3, 1, 0, 1, 0, 1, 2, 1, 2), pack("d>*", 2, -1, -1, 2, -1, -1, 2)' > "$work/bad.dat"
everywhere "lengths of rows that do not add up" "rows add up to 6 nonzeros, it begins with 7"
perl -e 'print pack("l>*", 1211216, 3, 3, 3, 2, -1, 2, 0, 1, 2), pack("d>*", 2, -1, -1)' > "$work/bad.dat"
everywhere "a negative length of a row" "1 of its rows have a negative length"
perl -e 'print pack("l>*", 1211216, 3, 3, -5)' > "$work/bad.dat"
everywhere "a negative number of nonzeros" "begins with 3 rows, 3 columns, -5 nonzeros"
perl -e 'print pack("l>*", 1211216, 2000000000, 2000000000, 2000000000), "x" x 100' > "$work/bad.dat"
everywhere "a header that asks for far too much" "was cut off"
perl -e 'print pack("l>*", 1211216, 2, 2, -1), pack("d>*", 2, -1, -1, 2)' > "$work/bad.dat"
everywhere "a dense matrix" "stored as a dense one"
perl -e 'print pack("l>*", 1211216, 2, 3, 2, 1, 1, 0, 1), pack("d>*", 2, 2)' > "$work/bad.dat"
everywhere "a matrix that is not square" "not square: 2 x 3"
printf "$good" | matrix "$work/more.dat"
perl -e 'print pack("l>*", 1211214, 3), pack("d>*", 1, 1, 1)' >> "$work/more.dat"
run bin/gnnspai-bench -bench_matrices "$work/more.dat" -bench_pc jacobi -bench_repeat 1 -bench_profile 0
result $? "a right-hand side behind the matrix is no fault"
printf "$good" | matrix "$work/bad.dat" "l>" "f>"
bad "scalars in single precision" "single precision"
printf "$good" | sed 's/$/ 0/' | matrix "$work/bad.dat" "l>" "d>"
bad "complex scalars" "complex numbers"
printf "$good" | matrix "$work/bad.dat" "q>" "d>"
bad "64-bit integers" "64-bit integers, this one has 32-bit"
printf "$good" | matrix "$work/bad.dat"
echo "-matload_block_size 3" > "$work/bad.dat.info"
bad "another block size" "Block size 3, but 1"
rm "$work/bad.dat.info"

printf "0 0 1\n" | matrix "$work/bad.dat"
refuses "nothing is left" "None of the matrices" "${train[@]}" -train_matrices "$work/bad.dat" -train_bad_inputs skip
refuses "a validation matrix" "1 of the 1 matrices" "${train[@]}" -train_matrices "$work/a_0.dat" -train_validation "$work/bad.dat"
refuses "a misspelt option of gnnspai-train" "There is no option -train_stepz" "${train[@]}" -train_matrices "$work/a_0.dat" -train_stepz 4
refuses "a misspelt option of the network" "There is no option -gnn_widht" "${train[@]}" -train_matrices "$work/a_0.dat" -gnn_widht 8
refuses "a misspelt option of gnnspai-bench" "There is no option -bench_pcc" "$PWD/bin/gnnspai-bench" -bench_matrices "$work/a_0.dat" -bench_pcc jacobi
plan
