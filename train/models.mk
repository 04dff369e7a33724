# The models: make train-heat | train-poisson | train-synthetic | train-general | train-hyperelasticity | train-general3 | train-small makes
# share/gnnspai/NAME.safetensors from nothing, on two ranks; plot-NAME draws how its training went.
# Seeds below 1000 train, 1000 to 1999 validate, from 2000 on they are for tests and benchmarks. Loss log-sai first, then fine-tuning.

models = heat poisson synthetic general hyperelasticity general3 small
.PHONY: $(models:%=train-%) $(models:%=plot-%)

data  = @mkdir -p $(@D) && bin/gnnspai-data
# A mesh's vertices at random: so the models there are were trained. G is a triangle, and which one hangs on the order
order = -data_numbering random

# A third on jittered grids, the others on meshes that flips made irregular; 12 patches of each
build/train-heat/done: | programs
	$(data) heat $(order) -data_seed 0 -data_count 12 -data_output $(@D)/mesh_%d.dat
	$(data) heat $(order) -data_seed 12 -data_count 8 -data_flips 0.2 -data_output $(@D)/mesh_%d.dat
	$(data) heat $(order) -data_seed 20 -data_count 8 -data_flips 0.6 -data_output $(@D)/mesh_%d.dat
	$(data) heat $(order) -data_seed 28 -data_count 8 -data_flips 1.5 -data_output $(@D)/mesh_%d.dat
	$(data) patches -data_matrices '$(@D)/mesh_*.dat' -data_count 432 -data_output $(@D)/train_%03d.dat
	$(data) heat $(order) -data_seed 1000 -data_output $(@D)/valid_%d.dat
	$(data) heat $(order) -data_seed 1001 -data_flips 0.4 -data_output $(@D)/valid_%d.dat
	$(data) heat $(order) -data_seed 1002 -data_flips 1.5 -data_output $(@D)/valid_%d.dat
	@touch $@
note_heat   = heat, 432 patches of 36 meshes
first_heat  = -train_steps 6000 -train_lr 8e-3 -train_validate_every 1000
second_heat = -train_steps 3000 -train_lr 3e-3 -train_validate_every 500 -train_loss kaporin

# Surfaces and volumes; 12 patches of each
build/train-poisson/done: | programs
	$(data) poisson $(order) -data_seed 0 -data_count 12 -data_output $(@D)/mesh_%d.dat
	$(data) poisson $(order) -data_kind volume -data_flips 1 -data_seed 12 -data_count 12 -data_output $(@D)/mesh_%d.dat
	$(data) patches -data_matrices '$(@D)/mesh_*.dat' -data_count 288 -data_output $(@D)/train_%03d.dat
	$(data) poisson $(order) -data_seed 1000 -data_count 2 -data_output $(@D)/valid_%d.dat
	$(data) poisson $(order) -data_kind volume -data_seed 1002 -data_output $(@D)/valid_%d.dat
	@touch $@
note_poisson   = poisson, 288 patches of 12 surfaces and 12 volumes
first_poisson  = -train_steps 5000 -train_lr 8e-3 -train_validate_every 1000
second_poisson = -train_steps 2500 -train_lr 3e-3 -train_validate_every 500 -train_loss kaporin

# Whole small matrices: a patch of so random a graph would be mostly boundary
build/train-synthetic/done: | programs
	$(data) synthetic -data_n 600 -data_seed 0 -data_count 128 -data_output $(@D)/train_%03d.dat
	$(data) synthetic -data_n 10240 -data_seed 1000 -data_output $(@D)/valid_%d.dat
	@touch $@
note_synthetic   = synthetic, 128 matrices of 600 rows
first_synthetic  = -train_steps 4000 -train_lr 5e-3 -train_validate_every 1000
second_synthetic = -train_steps 1000 -train_lr 2e-3 -train_validate_every 250 -train_loss kaporin

# A third of heat, half of poisson and synthetic, and 240 matrices of other kinds
build/train-general/done: build/train-heat/done build/train-poisson/done build/train-synthetic/done
	$(data) mix -data_seed 0 -data_count 240 -data_output $(@D)/train_mix%03d.dat
	$(data) mix -data_n 3000 -data_seed 1003 -data_count 6 -data_output $(@D)/valid_mix%d.dat
	cd $(@D) && for f in ../train-heat/train_??[036].dat ../train-poisson/train_??[02468].dat ../train-synthetic/train_*.dat ../train-{heat,poisson,synthetic}/valid_100[01].dat; do \
	  family=$${f#../train-}; name=$${f##*/}; ln -sf $$f $${name%%_*}_$${family%%/*}$${name#*_}; done
	@touch $@
note_general   = parts of heat and poisson, synthetic, 240 matrices of other kinds
first_general  = -train_steps 8000 -train_lr 3e-3 -train_warmup 400 -train_validate_every 2000
second_general = -train_steps 1500 -train_lr 1e-3 -train_validate_every 500 -train_loss kaporin

# Whole small beams, which have ends, and patches of middle-sized ones; blocks of 3 x 3
build/train-hyperelasticity/done: | programs
	$(data) hyperelasticity $(order) -data_n 1350 -data_seed 0 -data_count 24 -data_output $(@D)/train_beam%d.dat
	$(data) hyperelasticity $(order) -data_n 2100 -data_seed 24 -data_count 24 -data_output $(@D)/train_beam%d.dat
	$(data) hyperelasticity $(order) -data_n 8019 -data_seed 48 -data_count 12 -data_output $(@D)/mesh_%d.dat
	$(data) patches -data_matrices '$(@D)/mesh_*.dat' -data_count 96 -data_output $(@D)/train_%03d.dat
	$(data) hyperelasticity $(order) -data_n 8019 -data_seed 1000 -data_count 3 -data_output $(@D)/valid_%d.dat
	@touch $@
note_hyperelasticity   = hyperelasticity, 48 small beams and 96 patches of 12 beams
first_hyperelasticity  = -gnn_block_size 3 -train_steps 5000 -train_lr 6e-3 -train_validate_every 1000
second_hyperelasticity = -train_steps 2000 -train_lr 2e-3 -train_validate_every 500 -train_loss kaporin

# All of hyperelasticity, elasticity on grids, and three coupled fields of other kinds
build/train-general3/done: build/train-hyperelasticity/done
	$(data) mix -data_block_size 3 -data_kind elasticity-3d -data_n 1500 -data_seed 0 -data_count 96 -data_output $(@D)/train_elastic%03d.dat
	$(data) mix -data_block_size 3 -data_n 1500 -data_seed 100 -data_count 144 -data_output $(@D)/train_mix%03d.dat
	$(data) mix -data_block_size 3 -data_kind elasticity-3d -data_n 6000 -data_seed 1000 -data_count 3 -data_output $(@D)/valid_elastic%d.dat
	$(data) mix -data_block_size 3 -data_n 6000 -data_seed 1003 -data_count 3 -data_output $(@D)/valid_mix%d.dat
	cd $(@D) && for f in ../train-hyperelasticity/train_*.dat ../train-hyperelasticity/valid_*.dat; do ln -sf $$f .; ln -sf $$f.info .; done
	@touch $@
note_general3   = hyperelasticity, 96 elastic grids, 144 matrices of three coupled fields
first_general3  = -gnn_block_size 3 -train_steps 7000 -train_lr 4e-3 -train_warmup 400 -train_validate_every 1750
second_general3 = -train_steps 1500 -train_lr 1e-3 -train_validate_every 500 -train_loss kaporin

# The default: two layers of width 8, a fifteenth of general's parameters. general's matrices, and plain stencils, finite elements and elasticity as
# PETSc's tutorials have them
build/train-small/done: build/train-general/done
	$(data) mix -data_kind 5-point -data_seed 100 -data_count 24 -data_output $(@D)/train_5-point_%03d.dat
	$(data) mix -data_kind 7-point -data_seed 124 -data_count 24 -data_output $(@D)/train_7-point_%03d.dat
	$(data) mix -data_kind 9-point -data_seed 148 -data_count 16 -data_output $(@D)/train_9-point_%03d.dat
	$(data) mix -data_kind 27-point -data_seed 164 -data_count 16 -data_output $(@D)/train_27-point_%03d.dat
	$(data) mix -data_kind mass-2d -data_seed 180 -data_count 8 -data_output $(@D)/train_mass-2d_%03d.dat
	$(data) mix -data_kind mass-3d -data_seed 188 -data_count 8 -data_output $(@D)/train_mass-3d_%03d.dat
	$(data) mix -data_kind elasticity-2d -data_seed 196 -data_count 16 -data_output $(@D)/train_elasticity-2d_%03d.dat
	$(data) mix -data_kind 5-point -data_n 4000 -data_seed 1100 -data_output $(@D)/valid_5p%d.dat
	$(data) mix -data_kind 27-point -data_n 4000 -data_seed 1101 -data_output $(@D)/valid_27p%d.dat
	$(data) mix -data_kind elasticity-2d -data_n 4000 -data_seed 1102 -data_output $(@D)/valid_e2%d.dat
	cd $(@D) && ln -sf ../train-general/train_*.dat ../train-general/valid_*.dat .
	@touch $@
note_small   = parts of heat and poisson, synthetic, 352 matrices of other kinds
first_small  = -gnn_width 8 -gnn_layers 2 -train_steps 30000 -train_lr 8e-3 -train_warmup 400 -train_validate_every 2000
second_small = -train_steps 4000 -train_lr 1e-3 -train_validate_every 500 -train_loss kaporin

train_run = $(run_env) $(MPIEXEC) -n 2 bin/gnnspai-train -train_seed 0 -train_matrices '$(<D)/train_*.dat' -train_validation '$(<D)/valid_*.dat' -train_note '$(note_$*)'
$(models:%=train-%): train-%: build/train-%/done
	$(train_run) $(first_$*) -train_output $(<D)/first.safetensors -train_log $(<D)/first.csv
	$(train_run) $(second_$*) -train_init $(<D)/first.safetensors -train_output $(<D)/$*.safetensors -train_log $(<D)/second.csv
	cp $(<D)/$*.safetensors share/gnnspai/$*.safetensors
	(cat $(<D)/first.csv; tail -n +2 $(<D)/second.csv) > share/gnnspai/$*.csv

# Loss and iterations of a model's training
$(models:%=plot-%): plot-%: setup-plot
	@mkdir -p build/plot
	gnuplot -e "csv='share/gnnspai/$*.csv'; out='build/plot/$*.png'" train/curve.gp
	@echo build/plot/$*.png
