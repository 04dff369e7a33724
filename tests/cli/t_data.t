#!/bin/bash
# gnnspai-data: the matrices it makes and the input it refuses. Run from the top: prove tests/cli/t_data.t

. tests/tap.sh
data=$top/bin/gnnspai-data
delaunay=$top/bench/extra/delaunay.py
cd "$work" || exit 1

run() { "$data" "$@" > "$log" 2>&1; }
refused() { refuses "$1" "$2" "$data" "${@:3}"; }

# all_lines EXPRESSION: true for every "FILE: n unknowns, z nonzeros per row..." line of the log ($2 = n, $4 = z), and there is one
all_lines() { awk "/ unknowns, /{n++; if (!($1)) bad = 1} END{exit bad || !n}" log; }

run -help && grep -q '^  heat ' log && grep -q '^  patches ' log
result $? "-help lists the kinds"
run heat -help && grep -q -e '-data_n:* <' log && grep -q -e '-data_output' log && ! ls ./*.dat >ls.log 2>&1
result $? "heat -help lists the options and writes nothing"

run heat -data_n 600 -data_count 3 -data_output heat_%d.dat -data_check
result $? "heat runs and its checks pass"
all_lines '$2 >= 540 && $2 <= 660'
result $? "n within 10% of -data_n"
all_lines '/ symmetric, .*CG\+Jacobi / && $(NF-6) > 60 && $(NF-6) < 200 && $NF > 1.9 && $NF < 4'
result $? "symmetric to the last bit; CG with Jacobi takes the iterations it should; scaled eigenvalues below 4"
[ "$(ls heat_*)" = "$(printf 'heat_%s.dat\n' 0 1 2)" ]
result $? "the three files, and no .info or .part left over"
run heat -data_n 6300 -data_output large_%d.dat -data_check && all_lines '$4 >= 12 && $4 <= 16 && $2 >= 5670 && $2 <= 6930 && $(NF-6) >= 240 && $(NF-6) <= 550'
result $? "n = 6300: 12 to 16 nonzeros per row, 240 to 550 iterations"

run heat -data_n 600 -data_seed 1 -data_output again_%d.dat && cmp again_1.dat heat_1.dat >log 2>&1
result $? "the same seed gives the same bytes, whatever the first seed"
! cmp -s heat_0.dat heat_1.dat && ! cmp -s heat_1.dat heat_2.dat
result $? "other seeds give other matrices"

# The diagonal and all values, sorted, and how far from the diagonal the entries are on average, in rows over n
entries() {
  perl -e 'local $/; open my $f, "<:raw", $ARGV[0]; my $d = <$f>; my (undef, $n, undef, $nz) = unpack("l>4", $d); my @r = unpack("x16l>$n", $d);
    my @c = unpack("x" . (16 + 4 * $n) . "l>$nz", $d); my @v = unpack("x" . (16 + 4 * ($n + $nz)) . "d>$nz", $d); my ($k, $far, @diagonal) = (0, 0);
    for my $i (0 .. $n - 1) { for (1 .. $r[$i]) { $far += abs($c[$k] - $i); push @diagonal, $v[$k] if $c[$k] == $i; $k++ } }
    print join("\n", (sort { $a <=> $b } @diagonal), sort { $a <=> $b } @v), "\n"; print STDERR $far / $nz / $n, "\n"' "$1"
}
# numbering KIND OPTIONS...: -data_numbering changes the order, and nothing else
numbering() {
  local kind=$1
  run "$@" -data_check -data_output "random_$kind%d.dat" -data_numbering random && cp log random.log && run "$@" -data_check -data_output "natural_$kind%d.dat" &&
    entries "random_${kind}0.dat" > a 2> afar && entries "natural_${kind}0.dat" > b 2> bfar && cmp a b && [ "$(wc -l < a)" -gt 600 ] &&
    awk '{far[NR] = $1} END {exit !(far[1] > 0.25 && far[2] < 0.15)}' afar bfar && diff <(sed 's/.*symmetric,//; s/ [0-9]* iterations//' random.log) <(sed 's/.*symmetric,//; s/ [0-9]* iterations//' log)
  result $? "$1: the numbering of the grid by default, -data_numbering random on demand, the same matrix otherwise"
}
numbering heat -data_n 600
numbering poisson -data_n 600
numbering hyperelasticity -data_n 600
grep -q 'matload_block_size 3' natural_hyperelasticity0.dat.info
result $? "a numbering keeps the blocks"

run patches -data_matrices 'heat_*.dat' -data_count 7 -data_nodes_min 100 -data_nodes_max 200 -data_output patch_%02d.dat -data_check
result $? "patches runs and its checks pass"
all_lines '$2 >= 100 && $2 <= 200' && [ "$(awk '/ unknowns, /{print $2}' log | sort -u | wc -l)" -gt 3 ]
result $? "patches have random sizes within the bounds"
[ "$(ls patch_0[0-6].dat | wc -l)" -eq 7 ] && cp patch_00.dat first.dat && run patches -data_matrices 'heat_*.dat' -data_count 7 -data_nodes_min 100 -data_nodes_max 200 -data_output patch_%02d.dat && cmp first.dat patch_00.dat
result $? "patches are numbered by %02d and repeat with the seed"

# even_0 has an even number of rows: read as 2 x 2 blocks; the patch keeps that in its .info, whence the next cut reads it
run heat -data_n 64 -data_output even_%d.dat && run patches -data_matrices even_0.dat -matload_block_size 2 -data_count 1 -data_nodes_min 21 -data_nodes_max 21 -data_output block_%d.dat && grep -q 'matload_block_size 2' block_0.dat.info && all_lines '$2 == 42'
result $? "patches keep blocks whole and the block size"
run patches -data_matrices '[be]*_0.dat' -data_count 2 -data_nodes_min 11 -data_nodes_max 11 -data_output mixed_%d.dat && [ "$(awk '/ unknowns, /{print $2}' log | sort -n | tr '\n' ' ')" = "11 22 " ]
result $? "a block size holds for its own file only"

refused "misspelt kind" "heat, patches" haet -data_output x_%d.dat
refused "misspelt option" "no option -data_cuont" heat -data_cuont 2 -data_output x_%d.dat
refused "an unknown numbering" "natural random" heat -data_numbering sorted -data_output x_%d.dat
refused "missing -data_output" "-data_output heat_%d.dat" heat -data_n 64

bad=0
for pattern in plain.dat x_%s.dat x_%d_%d.dat x_%5d.dat x_%%d.dat x_%d%; do
  mkdir empty
  (cd empty && "$data" heat -data_n 64 -data_output "$pattern") >log 2>&1 && bad=1
  grep -qF "exactly one %d" log && rmdir empty || bad=1
  rm -rf empty
done
result $bad "-data_output without exactly one %d or %0Nd"

echo "no matrix" >garbage.dat
refused "a file that is no matrix is named" "Cannot read a matrix from $work/garbage.dat" patches -data_matrices "$work/garb*.dat" -data_output x_%d.dat
refused "no file matches" "No file matches" patches -data_matrices "nowhere*.dat" -data_output x_%d.dat
# class id, rows, columns, nonzeros; row lengths; columns; values (1.0)
printf '\000\022\173\120\000\000\000\001\000\000\000\002\000\000\000\001\000\000\000\001\000\000\000\001\077\360\000\000\000\000\000\000' >wide.dat
refused "a matrix that is not square is named" "wide.dat" patches -data_nodes_min 1 -data_nodes_max 1 -data_matrices "$work/wid*.dat" -data_output x_%d.dat
printf '\000\022\173\120\000\000\000\001\000\000\000\001\000\000\000\001\000\000\000\001\000\000\000\000\077\360\000\000\000\000\000\000' >diagonal.dat
refused "a matrix of decoupled rows is named" "diagonal.dat" patches -data_nodes_min 1 -data_matrices "$work/diag*.dat" -data_output x_%d.dat

mpiexec=${MPIEXEC:-mpiexec}
if command -v $mpiexec >/dev/null; then
  ! $mpiexec -n 2 "$data" heat -data_n 64 -data_output two_%d.dat >log 2>&1 && grep -q "is sequential" log
  result $? "two ranks are refused"
else
  skip "two ranks are refused" "no $mpiexec"
fi

if python3 -c 'import scipy.spatial' 2>/dev/null; then
  python3 "$delaunay" --n 800 --seed 3 --output delaunay_%d.dat >log 2>&1 && run patches -data_matrices delaunay_3.dat -data_count 1 -data_nodes_min 700 -data_output cut_%d.dat -data_check
  result $? "bench/extra/delaunay.py writes a positive definite matrix that PETSc reads"
  PYTHONPATH=$(dirname "$delaunay") python3 -c 'import petscfile as p; p.write_petsc("again.dat", p.read_petsc("cut_0.dat"))' >log 2>&1 && cmp cut_0.dat again.dat >>log
  result $? "bench/extra/petscfile.py reads what gnnspai-data wrote, and writes the same"
else
  skip "bench/extra: delaunay.py and petscfile.py" "python3 has no scipy"
fi
plan
