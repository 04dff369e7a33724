# Loss and iterations of a training run from the CSV of -train_log, as SVG or PNG by the name's end:
#   gnuplot -e "csv='mine.csv'; out='mine.svg'" train/curve.gp
# A file of two runs, one after the other, is drawn as one: where the step falls back, the steps before are added.

if (strstrt(out, '.svg')) set terminal svg size 800,500 background 'white'; else set terminal png size 800,500
set output out
set datafile separator ','
set xlabel 'step'
set ylabel 'loss, mean since the last validation'
set y2label 'iterations / peer''s, geometric mean'
set ytics nomirror
set y2tics
set y2range [0:*]
set grid
set key top right

# Step s of row r
step(r, s) = (r == 0 ? (offset = 0.0, last = 0.0) : 0.0, offset = s < last ? offset + last : offset, last = s, offset + s)
positive(x) = x > 0 ? x : NaN # 0: no validation matrices

plot csv using (step($0, $1)):($1 > 0 ? $3 : NaN) every ::1 with lines lw 2 title 'loss', \
     csv using (step($0, $1)):(positive($5)) every ::1 axes x1y2 with linespoints pt 7 ps 0.6 title 'to Jacobi', \
     csv using (step($0, $1)):(positive($6)) every ::1 axes x1y2 with linespoints pt 5 ps 0.6 title 'to ICC'
