# gnuplot -e "where='cpu'; residuals='build/results/heat-cpu.csv'" bench/plots.gp, by make bench-plots: bench/results/convergence-WHERE.svg from the
# residuals, if they are there (make bench-history), and sizes-WHERE.svg from build/sizes.csv (table.py --sizes) if it has any sizes

names(file) = system("awk -F, 'NR > 1 && !seen[$2]++ {print $2}' " . file)
set datafile separator ","
set datafile missing NaN # lines go on across the rows of the others
set terminal svg size 760,460 font "sans-serif,13" background rgb "white"
set key outside right noenhanced
set grid
set logscale y

if (system("test -e " . residuals . " && echo 1") eq "1") {
  file = residuals
  set output "bench/results/convergence-" . where . ".svg"
  set title "heat, n = 6460, random right-hand side"
  set xlabel "iteration of CG"
  set ylabel "relative residual"
  set format y "10^{%L}"
  pcs = names(file)
  plot [0:300] for [k = 1:words(pcs)] file using 3:(strcol(2) eq word(pcs, k) ? $4 : NaN) with lines linecolor k dashtype 1 + k / 9 linewidth 2 title word(pcs, k)
}

file = "build/sizes.csv"
pcs = names(file)
if (words(pcs) > 0) {
  set output "bench/results/sizes-" . where . ".svg"
  set title "heat: set-up and one solve, random right-hand side"
  set xlabel "rows"
  set ylabel "seconds"
  set logscale x
  set format xy "10^{%L}"
  plot for [k = 1:words(pcs)] file using 3:(strcol(2) eq word(pcs, k) ? $4 : NaN) with linespoints linewidth 2 title word(pcs, k)
}
