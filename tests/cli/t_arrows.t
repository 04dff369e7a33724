#!/usr/bin/env perl
# Data flows one way: what includes what, and what calls what between the library's files, against the order below. TAP.
use strict;
use warnings;

# From the leaves up: a file includes, and calls, what stands in its own line or above
my @order = (
  ['leaves',  qw(gnn/(math|block|steps|fsairow|coupling|features|start|maps|storage|cgsteps)\.h)],
  ['kernels', qw(kernels/.*)],
  ['PETSc',   qw(gnn/(compat|columns|events|gone|halo)\..*)],
  ['model',   qw(gnn/(model|layout|gemm|lanes|file|builtin)\..*)],
  ['graph',   qw(gnn/graph\..*)],
  ['factor',  qw(gnn/(factor|product|fsairows|forward|inference|backward|matrix|zerorows)\..*)],
  ['place',   qw(gnn/(place|host|device.*)\..*)],
  ['source',  qw(gnn/(choice|source|network|fsai|guard)\..*)],
  ['choose',  qw(gnn/(choose|view|failure)\..* gnn/coarse/.*)],
  ['set-up',  qw(gnn/(setup|apply)\..*)],
  ['PC',      qw(pcgnnspai\..* gnn/(interface|register)\..* gnn/cg/.*)],
  ['programs', qw(train/.* bench/.*)],
  ['tests',   qw(tests/.*)],
);

sub level {
  my ($file) = @_;
  for my $k (0 .. $#order) {
    my ($name, @patterns) = @{$order[$k]};
    for my $p (@patterns) { return $k if $file =~ /^$p$/ }
  }
  return -1;
}

my ($n, @failed) = (0);
sub result {
  my ($what, @faults) = @_;
  $n++;
  print @faults ? "not ok" : "ok", " $n - $what\n";
  print "# $_\n" for @faults;
}

my @files = split /\n/, `ls pcgnnspai.[ch] gnn/*.[ch] gnn/coarse/*.[ch] gnn/cg/*.[ch] kernels/*.* train/*.[ch] bench/*.[ch]`;
@files = grep { /\.(c|h|cu|cuh)$/ } @files;

# ---- includes ----

my (@unknown, @against, @outside);
for my $file (@files) {
  (my $folder = $file) =~ s#[^/]*$##;
  push @unknown, "$file has no place in the order" if level($file) < 0;
  open my $in, '<', $file or die;
  while (<$in>) {
    push @outside, "$file:$.: pcimpl.h" if m#petsc/private/pcimpl# && $file ne 'pcgnnspai.c';
    push @outside, "$file:$.: kspimpl.h" if m#petsc/private/kspimpl# && $file ne 'gnn/cg/cggraph.c';
    push @outside, "$file:$.: $1" if m#^\s*\#\s*include\s+<((cuda|petscdevice_cuda|cublas|cusparse).*)># && $file !~ m#^(kernels/|gnn/device|gnn/coarse/device|gnn/cg/device)#;
    next unless m/^\s*#\s*include\s+"([^"]*)"/;
    my $to = "$folder$1";
    1 while $to =~ s#[^/]+/\.\./##;
    next if $to eq "$file" || !-e $to; # generated
    push @against, "$file:$.: includes $to" if level($to) > level($file);
    push @against, "$file:$.: includes $to, but only leaves are for kernels" if $file =~ m#^kernels/# && $to !~ m#^kernels/# && level($to) > 0;
    push @against, "$file:$.: includes the public header" if $to eq 'pcgnnspai.h' && level($file) < level('pcgnnspai.c');
  }
}
result('every file has its place in the order', @unknown);
result('no include runs against it', @against);
result('pcimpl.h and CUDA are included where they belong', @outside);

# ---- calls, as the linker sees them ----

my (%defines, %needs);
my $build = -e 'build/emulated/pcgnnspai.o' ? 'build/emulated' : 'build'; # the device's files, too
for my $object (split /\n/, `find $build/pcgnnspai.o $build/gnn -name '*.o'`) {
  (my $file = $object) =~ s#^$build/(.*)\.o$#$1.c#;
  next unless -e $file;
  for (split /\n/, `nm $object`) {
    if (/ ([A-Z]) (\w+)$/) { $1 eq 'U' ? push @{$needs{$file}}, $2 : ($defines{$2} = $file) }
  }
}
my (%calls, @up);
for my $file (sort keys %needs) {
  for my $symbol (@{$needs{$file}}) {
    my $to = $defines{$symbol} // next;
    next if $to eq $file;
    $calls{$file}{$to} = $symbol;
    push @up, "$file calls $symbol of $to" if level($to) > level($file);
  }
}
result('objects were found', keys %needs > 10 ? () : "$build/gnn has none");
result('no call runs against the order', @up);

my (%state, @cycles);
sub visit {
  my ($file, @path) = @_;
  if (($state{$file} // 0) == 1) { push @cycles, join(' -> ', @path, $file); return }
  return if $state{$file};
  $state{$file} = 1;
  visit($_, @path, $file) for sort keys %{$calls{$file} // {}};
  $state{$file} = 2;
}
visit($_) for sort keys %calls;
result('no cycle of calls', @cycles);
print "1..$n\n";
