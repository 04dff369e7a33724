static char help[] = "The preconditioner on MATAIJCUSPARSE against itself on MATAIJ: factor, iterations, refresh, every kind of values, copies during a solve.\n";

#include "../../gnn/factor.h"
#include "testdevice.h"
#include "../testpc.h"
#include "../testtext.h"

#if defined(GNN_EMULATE)
  #define NROWS         300
  #define DEVICE_MAT    MATAIJ
  #define DEVICE_DENSE  MATDENSE
  #define Emulate(flag) (GNNDeviceEmulate = (flag))
#else
  #define NROWS         1500
  #define DEVICE_MAT    MATAIJCUSPARSE
  #define DEVICE_DENSE  MATDENSECUDA
  #define Emulate(flag) (void)(flag)
#endif

typedef struct {
  const char *name, *options;
  PetscReal   tolerance; /* of G, relative to its largest entry */
  const char *view;      /* where the set-up runs */
} Variant;

static const Variant variants[] = {
  {"network",                   "",                                                     1e-5,  "set-up on the device in fp32"               },
  {"network, guard off",        "-pc_gnnspai_guard none",                               1e-5,  "set-up on the device in fp32"               },
  {"network, single precision", "-pc_gnnspai_precision single",                         1e-5,  "set-up on the device in fp32"               },
  {"network, tf32",             "-pc_gnnspai_threshold 0",                              5e-3,  "set-up on the device in tf32"               },
  {"network, best",             "-pc_gnnspai_guard best",                               1e-5,  "set-up on the device in fp32"               },
  {"network, best, diagonal",   "-pc_gnnspai_guard best -pc_gnnspai_threshold 0.999",   1e-5,  "set-up on the device in fp32"               },
  {"fsai, guarded",             "-pc_gnnspai_values fsai",                              1e-12, "set-up on the device, product on the device"},
  {"fsai, static",              "-pc_gnnspai_values fsai -pc_gnnspai_guard none -pc_gnnspai_threshold 0",      1e-12, "set-up on the device, product on the device"},
  {"fsai, grown",               "-pc_gnnspai_values fsai -pc_gnnspai_guard none",                              1e-12, "set-up on the device, product on the device"},
  {"fsai, grown, single",       "-pc_gnnspai_values fsai -pc_gnnspai_guard none -pc_gnnspai_precision single", 1e-12, "set-up on the device, product on the device"},
  {"fsai, grown, half",         "-pc_gnnspai_values fsai -pc_gnnspai_guard none -pc_gnnspai_precision half",   1e-12, "set-up on the device, product on the device"},
  {"network, half precision",   "-pc_gnnspai_precision half",                           1e-5,  "set-up on the device in fp32"               },
  {"fsai with a coarse space",  "-pc_gnnspai_values fsai -pc_gnnspai_guard none -pc_gnnspai_coarse 20",        1e-12, "set-up on the device, product on the device"},
  {"with a coarse space",       "-pc_gnnspai_coarse 20",                                1e-5,  "set-up on the device in fp32"               },
};

/* Of 3 x 3 blocks */
static const Variant block_variants[] = {
  {"blocks",                         "-pc_gnnspai_model hyperelasticity",                              1e-5, "set-up on the device in fp32, product on the device"},
  {"blocks, guard off",              "-pc_gnnspai_model hyperelasticity -pc_gnnspai_guard none",       1e-5, "set-up on the device in fp32, product on the device"},
  {"blocks, classical",              "-pc_gnnspai_model hyperelasticity -pc_gnnspai_guard best",       1e-9, "set-up on the device in fp32, product on the device"},
  {"blocks, half precision",         "-pc_gnnspai_model hyperelasticity -pc_gnnspai_guard none -pc_gnnspai_precision half", 1e-5, "set-up on the device in fp32, product on the device"},
  {"blocks, tf32, single precision", "-pc_gnnspai_model hyperelasticity -pc_gnnspai_precision single", 5e-3, "set-up on the device in tf32, product on the device"},
};

/* Not in TF32 on the device, which is compared with the host */
static PetscErrorCode Solver(Mat A, const char options[], KSP *ksp)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, "-pc_type gnnspai -pc_gnnspai_scope local -pc_gnnspai_values network -pc_gnnspai_coarse 0 -pc_gnnspai_precision double -ksp_type cg -ksp_norm_type unpreconditioned -ksp_rtol 1e-8 -checkstack false"));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, ksp));
  PetscCall(KSPSetOperators(*ksp, A, A));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscCall(KSPGetPC(*ksp, &pc));
  PetscCall(PCGNNSPAISetTF32_Private(pc, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Iterations(KSP ksp, PetscInt *its)
{
  KSPConvergedReason reason;
  Mat                A;
  Vec                x, b;

  PetscFunctionBeginUser;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(VecSet(x, 1.0));
  PetscCall(MatMult(A, x, b));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetIterationNumber(ksp, its));
  if (reason < 0) *its = -1;
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest difference of the factors of this rank, relative to the host's largest entry */
static PetscErrorCode FactorDifference(KSP host, KSP device, PetscReal *difference)
{
  PC        ph, pd;
  Mat       H, D, copy;
  PetscReal scale, norm;

  PetscFunctionBeginUser;
  PetscCall(KSPGetPC(host, &ph));
  PetscCall(KSPGetPC(device, &pd));
  PetscCall(PCGNNSPAIGetFactor(ph, &H));
  PetscCall(PCGNNSPAIGetFactor(pd, &D));
  PetscCall(MatConvert(D, MATAIJ, MAT_INITIAL_MATRIX, &copy));
  PetscCall(MatNorm(H, NORM_INFINITY, &scale));
  PetscCall(MatAXPY(copy, -1.0, H, DIFFERENT_NONZERO_PATTERN));
  PetscCall(MatNorm(copy, NORM_INFINITY, &norm));
  *difference = norm / scale;
  PetscCall(MatDestroy(&copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B, whose entries off the diagonal are A's, = A + shift diag(A); MatShift() on a parallel matrix is taken for a new one */
static PetscErrorCode AddDiagonal(Mat A, PetscReal shift, Mat B)
{
  Mat C;
  Vec d;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(B, MAT_COPY_VALUES, &C));
  PetscCall(MatCreateVecs(A, &d, NULL));
  PetscCall(MatGetDiagonal(A, d));
  PetscCall(VecScale(d, 1.0 + shift));
  PetscCall(MatDiagonalSet(C, d, INSERT_VALUES));
  PetscCall(MatCopy(C, B, SAME_NONZERO_PATTERN));
  PetscCall(VecDestroy(&d));
  PetscCall(MatDestroy(&C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns are those of PCApply(): of matrices on the device, more than are multiplied at once, and on the host */
static PetscErrorCode TestColumns(const char name[], PC pc, Mat A)
{
  const MatType types[] = {DEVICE_DENSE, MATDENSE};

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    Mat       X, Y;
    PetscReal difference = 0.0;

    PetscCall(TestDenseCreate(A, types[k], k ? 3 : GNN_DEVICE_COLUMNS + 3, &X));
    PetscCall(TestDenseCreate(A, types[k], k ? 3 : GNN_DEVICE_COLUMNS + 3, &Y));
    Emulate(k == 0);
    PetscCall(PCMatApply(pc, X, Y));
    PetscCall(TestColumnsDifference(pc, PCApply, X, Y, &difference));
    Emulate(PETSC_FALSE);
    Ok(difference < 1e-14, "%s: columns on the %s, %.1e", name, k ? "host" : "device", (double)difference);
    PetscCall(MatDestroy(&X));
    PetscCall(MatDestroy(&Y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestVariant(const Variant *v, Mat A)
{
  Mat       B;
  KSP       host, device;
  PC        pc;
  PetscInt  its[2];
  PetscReal difference = 0.0;

  PetscFunctionBeginUser;
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(MatSetOption(B, MAT_SPD, PETSC_TRUE));
  PetscCall(Solver(A, v->options, &host));
  PetscCall(Solver(B, v->options, &device));
  PetscCall(KSPGetPC(device, &pc));
  PetscCall(PCGNNSPAISetTF32_Private(pc, strstr(v->view, "tf32") ? PETSC_TRUE : PETSC_FALSE));
  for (int refresh = 0; refresh < 2; refresh++) {
    PetscCall(Iterations(host, &its[0]));
    Emulate(PETSC_TRUE);
    PetscCall(Iterations(device, &its[1]));
    Emulate(PETSC_FALSE);
    if (!refresh) PetscCall(OkView(pc, v->view, v->name));
    if (!refresh) PetscCall(TestColumns(v->name, pc, B));
    PetscCall(FactorDifference(host, device, &difference));
    Ok(its[0] > 0 && PetscAbsInt(its[0] - its[1]) <= 1, "%s%s: %d iterations on the host, %d on the device", v->name, refresh ? ", refreshed" : "", (int)its[0], (int)its[1]);
    Ok(difference <= v->tolerance, "%s%s: G differs by %.1e", v->name, refresh ? ", refreshed" : "", (double)difference);
    PetscCall(AddDiagonal(A, 0.002, A));
    PetscCall(MatCopy(A, B, SAME_NONZERO_PATTERN));
  }
  PetscCall(KSPDestroy(&host));
  PetscCall(KSPDestroy(&device));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the whole matrix: on several ranks the set-up is on the host */
static PetscErrorCode TestGlobal(const char options[], Mat A)
{
  PetscMPIInt size;
  char        all[256];
  Variant     v = {"global scope", all, 1e-12, "set-up on the host, product on the device"};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscSNPrintf(all, sizeof(all), "-pc_gnnspai_scope global %s", options));
  if (size > 1) PetscCall(TestVariant(&v, A));
  else Skip("one rank", "%s", all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* D A D with a D that jumps: CG does not notice, nor does it where 16 bits hold G */
static PetscErrorCode TestJumps(Mat A)
{
  const char *const options[] = {"-pc_gnnspai_values fsai", "-pc_gnnspai_values fsai -pc_gnnspai_threshold 0", "", "-pc_gnnspai_threshold 0"};
  Mat               B;
  Vec               d;
  PetscInt          low, high;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &d, NULL));
  PetscCall(VecGetOwnershipRange(d, &low, &high));
  for (PetscInt i = low; i < high; i++) PetscCall(VecSetValue(d, i, i % 3 ? 1e-3 : 1e3, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(d));
  PetscCall(VecAssemblyEnd(d));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(MatDiagonalScale(B, d, d));
  PetscCall(MatConvert(B, DEVICE_MAT, MAT_INPLACE_MATRIX, &B));
  Emulate(PETSC_TRUE);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    PetscInt its[2] = {0};

    for (int l = 0; l < 2; l++) {
      char all[256];
      KSP  ksp;

      PetscCall(PetscSNPrintf(all, sizeof(all), "%s -pc_gnnspai_guard none -ksp_norm_type natural -pc_gnnspai_precision %s", options[k], l ? "half" : "double"));
      PetscCall(Solver(B, all, &ksp));
      PetscCall(Iterations(ksp, &its[l]));
      PetscCall(KSPDestroy(&ksp));
    }
    Ok(its[0] > 0 && PetscAbsInt(its[0] - its[1]) <= 1, "%s, D A D: %d iterations in double precision, %d in half", options[k], (int)its[0], (int)its[1]);
  }
  Emulate(PETSC_FALSE);
  PetscCall(VecDestroy(&d));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the classical factor where the guard refuses the network's ---- */

static PetscErrorCode EventCount(const char name[], int *count)
{
  PetscLogEvent      event;
  PetscEventPerfInfo info;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventGetId(name, &event));
  PetscCall(PetscLogEventGetPerfInfo(PETSC_DETERMINE, event, &info));
  *count = info.count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The set-up on the device, and how often it ran the network and made the classical factor */
static PetscErrorCode SetUpOnDevice(PC pc, int *forwards, int *fsais)
{
  int before[2] = {0}, after[2] = {0};

  PetscFunctionBeginUser;
  PetscCall(EventCount("GNNSPAIForward", &before[0]));
  PetscCall(EventCount("GNNSPAIFsai", &before[1]));
  Emulate(PETSC_TRUE);
  PetscCall(PCSetUp(pc));
  Emulate(PETSC_FALSE);
  PetscCall(EventCount("GNNSPAIForward", &after[0]));
  PetscCall(EventCount("GNNSPAIFsai", &after[1]));
  *forwards = after[0] - before[0];
  *fsais    = after[1] - before[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFallback(Mat A)
{
  const PetscReal shift[] = {0.0, 1e-4, 20.0};
  GNNConfig       config;
  GNNModel        wild; /* whose factor the guard refuses */
  KSP             host, device;
  PC              ph, pd;
  Mat             B;
  PCGNNSPAIChoice kind;
  PetscReal       difference = 0.0;
  int             forwards = 0, fsais = 0;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  PetscCall(TestModelCreate(&config, 10.0, 2, &wild));
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(Solver(B, "", &device));
  PetscCall(KSPGetPC(device, &pd));
  PetscCall(PCGNNSPAISetNetwork_Private(pd, wild));
  for (int k = 0; k < 3; k++) {
    Mat C;

    PetscCall(AddDiagonal(A, shift[k], B));
    PetscCall(SetUpOnDevice(pd, &forwards, &fsais));
    PetscCall(PCGNNSPAIGetChoice(pd, &kind, NULL));
    if (k == 0) Ok(kind == PC_GNNSPAI_CHOICE_FSAI, "fallback: the classical factor is chosen, %s", PCGNNSPAIChoices[kind]);
    if (k == 1) Ok(kind == PC_GNNSPAI_CHOICE_FSAI && forwards == 0 && fsais == 1, "fallback: a refresh makes it again, on the device: %d forward passes, %d classical factors", forwards, fsais);
    if (k == 2) Ok(forwards > 0, "fallback: values far off: chosen anew, %s", PCGNNSPAIChoices[kind]);
    if (k == 2) continue;
    PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &C));
    PetscCall(AddDiagonal(A, shift[k], C));
    PetscCall(Solver(C, "-pc_gnnspai_values fsai -pc_gnnspai_guard none", &host));
    PetscCall(KSPGetPC(host, &ph));
    PetscCall(PCSetUp(ph));
    PetscCall(FactorDifference(host, device, &difference));
    Ok(difference <= 1e-12, "fallback%s: G differs from the host's by %.1e", k ? ", refreshed" : "", (double)difference);
    PetscCall(KSPDestroy(&host));
    PetscCall(MatDestroy(&C));
  }
  PetscCall(KSPDestroy(&device));
  PetscCall(MatDestroy(&B));
  PetscCall(GNNModelDestroy(&wild));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guard chooses as on the host, whether the model suits the matrix or not */
static PetscErrorCode TestGuard(PCGNNSPAIGuard guard)
{
  const char *const models[]  = {"general", "heat", "synthetic", "small"};
  PetscInt          different = 0, kinds = 0, chosen[4] = {0};
  PetscMPIInt       size; /* blocks of more ranks are easier */

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (int k = 0; k < 12; k++) {
    Mat             M[2];
    PCGNNSPAIChoice kind[2];
    PetscReal       alpha[2];

    PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 1, NROWS, k % 3, &M[0]));
    PetscCall(MatConvert(M[0], DEVICE_MAT, MAT_INITIAL_MATRIX, &M[1]));
    for (int l = 0; l < 2; l++) {
      PC pc;

      PetscCall(TestPCCreate(M[l], NULL, PETSC_TRUE, &pc));
      PetscCall(PCGNNSPAISetModel(pc, models[k / 3]));
      PetscCall(PCGNNSPAISetGuard(pc, guard));
      Emulate(l ? PETSC_TRUE : PETSC_FALSE);
      PetscCall(PCSetUp(pc));
      Emulate(PETSC_FALSE);
      PetscCall(PCGNNSPAIGetChoice(pc, &kind[l], &alpha[l]));
      PetscCall(PCDestroy(&pc));
      PetscCall(MatDestroy(&M[l]));
    }
    if (kind[0] != kind[1] || alpha[0] != alpha[1]) different++;
    chosen[kind[0]]++;
  }
  for (int k = 0; k < 4; k++) kinds += chosen[k] > 0;
  Ok(different == 0 && (guard == PC_GNNSPAI_GUARD_JACOBI ? kinds > 1 || size > 1 : chosen[PC_GNNSPAI_CHOICE_FSAI] > 0), "guard %s: it chooses as on the host: the network %d times, the damped start %d, Jacobi %d, the classical factor %d", PCGNNSPAIGuards[guard], (int)chosen[0], (int)chosen[1], (int)chosen[2], (int)chosen[3]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- copies, host vectors, failure ---- */

/* Our product copies nothing between host and device */
static PetscErrorCode TestCopies(Mat A)
{
  Mat                B;
  KSP                ksp;
  PetscInt           its;
  PetscLogEvent      event;
  PetscEventPerfInfo before, info; /* earlier tests began with vectors of the host */

  PetscFunctionBeginUser;
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  Emulate(PETSC_TRUE);
  PetscCall(Solver(B, "", &ksp));
  PetscCall(PetscLogEventGetId("GNNSPAIApply", &event));
  PetscCall(PetscLogEventGetPerfInfo(PETSC_DETERMINE, event, &before));
  PetscCall(Iterations(ksp, &its));
  PetscCall(PetscLogEventGetPerfInfo(PETSC_DETERMINE, event, &info));
  info.count -= before.count;
#if defined(GNN_EMULATE)
  Ok(info.count >= its, "%d products", info.count);
  Emulate(PETSC_FALSE);
#else
  Ok(info.count >= its && info.CpuToGpuCount == before.CpuToGpuCount && info.GpuToCpuCount == before.GpuToCpuCount, "%d products, %g copies to the device, %g from it", info.count, (double)(info.CpuToGpuCount - before.CpuToGpuCount),
     (double)(info.GpuToCpuCount - before.GpuToCpuCount));
  Ok(info.GpuFlops > before.GpuFlops, "the device's flops are logged: %g", (double)info.GpuFlops);
#endif
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A network that is too wide for the device: the host's factor is copied there, at every set-up */
static PetscErrorCode TestWide(Mat A, PCGNNSPAIPrecision precision)
{
  GNNConfig config;
  GNNModel  wide;
  Mat       B, C;
  PC        host, device;
  Vec       r, zh, zd;
  PetscReal difference = 0.0;

  PetscFunctionBeginUser;
  PetscCall(TestVecRandom(A, 3, &r));
  PetscCall(VecDuplicate(r, &zh));
  PetscCall(VecDuplicate(r, &zd));
  PetscCall(TestConfig(&config));
  config.width = 40;
  PetscCall(TestModelCreate(&config, 1.0, 1, &wide));
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &C));
  PetscCall(TestPCCreate(C, wide, PETSC_FALSE, &host));
  PetscCall(TestPCCreate(B, wide, PETSC_FALSE, &device));
  PetscCall(PCGNNSPAISetPrecision(device, precision));
  for (int refresh = 0; refresh < 2; refresh++) {
    PetscCall(AddDiagonal(A, 0.1 * refresh, B));
    PetscCall(AddDiagonal(A, 0.1 * refresh, C));
    PetscCall(PCSetUp(host));
    PetscCall(PCApply(host, r, zh));
    Emulate(PETSC_TRUE);
    PetscCall(PCSetUp(device));
    PetscCall(PCApply(device, r, zd));
    Emulate(PETSC_FALSE);
    PetscCall(TestDifference(zd, 1.0, zh, &difference));
    Ok(difference < (precision == PC_GNNSPAI_HALF ? 2e-4 : precision == PC_GNNSPAI_SINGLE ? 1e-6 : 1e-12), "a wide network%s, %s: M^-1 r differs by %.1e", refresh ? ", refreshed" : "", PCGNNSPAIPrecisions[precision], (double)difference);
  }
  PetscCall(OkView(device, "set-up on the host, product on the device", "a wide network"));
  PetscCall(PCDestroy(&host));
  PetscCall(PCDestroy(&device));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&zh));
  PetscCall(VecDestroy(&zd));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&C));
  PetscCall(GNNModelDestroy(&wide));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Vectors that the program left on the host; model or NULL, and whether the guard refuses it, so that the product is with the classical factor */
static PetscErrorCode TestHostVectors(Mat A, GNNModel model, PetscBool refused, PetscReal tolerance)
{
  Mat             B;
  PC              pc;
  Vec             r, zh, zd;
  PetscReal       difference = 0.0;
  PCGNNSPAIChoice kind[2];

  PetscFunctionBeginUser;
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(TestVecRandom(A, 3, &r));
  PetscCall(VecDuplicate(r, &zh));
  PetscCall(VecDuplicate(r, &zd));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  if (!refused) PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_JACOBI));
  PetscCall(PCApply(pc, r, zh));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind[0], NULL));
  PetscCall(PCDestroy(&pc));
  PetscCall(TestPCCreate(B, model, PETSC_TRUE, &pc));
  if (!refused) PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_JACOBI));
  Emulate(PETSC_TRUE);
  PetscCall(PCSetUp(pc));
  Emulate(PETSC_FALSE); /* the vectors are the host's */
  PetscCall(PCApply(pc, r, zd));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind[1], NULL));
  PetscCall(PCDestroy(&pc));
  PetscCall(TestDifference(zd, 1.0, zh, &difference));
  Ok(kind[0] == kind[1] && (kind[0] == PC_GNNSPAI_CHOICE_FSAI) == refused && difference < tolerance, "vectors on the host, the guard chose %s: M^-1 r differs by %.1e", PCGNNSPAIChoices[kind[1]], (double)difference);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&zh));
  PetscCall(VecDestroy(&zd));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A NaN fails the set-up on every rank, without an abort */
static PetscErrorCode TestNaN(Mat A)
{
  Mat                B;
  KSP                ksp;
  Vec                x, b;
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(MatShift(B, (PetscScalar)NAN));
  PetscCall(Solver(B, "", &ksp));
  PetscCall(MatCreateVecs(B, &x, &b));
  PetscCall(VecSet(b, 1.0));
  Emulate(PETSC_TRUE);
  PetscCall(KSPSolve(ksp, b, x));
  Emulate(PETSC_FALSE);
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  Ok(reason == KSP_DIVERGED_PC_FAILED, "a NaN in the matrix: %s", KSPConvergedReasons[reason]);
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = M^-1 r for the r of TestApplied() */
static PetscErrorCode AppliedOnDevice(PC pc, Vec *z)
{
  PetscFunctionBeginUser;
  Emulate(PETSC_TRUE);
  PetscCall(TestApplied(pc, z));
  Emulate(PETSC_FALSE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows set by MatZeroRows(): the host's M; after PCReset() the choice of before, without another first choice: one run of the network at most */
static PetscErrorCode TestOneSidedAndReset(Mat A)
{
  const PetscInt every = 7;
  Mat            B, C;
  PC             host, device;
  Vec            z[3];
  PetscReal      difference[2];
  PetscInt       start, end, n = 0, rows[NROWS];
  int            forwards, fsais;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &C));
  PetscCall(MatGetOwnershipRange(C, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    if (i % every == 0) rows[n++] = i;
  }
  PetscCall(MatSetOption(C, MAT_KEEP_NONZERO_PATTERN, PETSC_TRUE));
  PetscCall(MatZeroRows(C, n, rows, 3.0, NULL, NULL));
  PetscCall(MatConvert(C, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(TestPCCreate(C, NULL, PETSC_TRUE, &host));
  PetscCall(TestPCCreate(B, NULL, PETSC_TRUE, &device));
  PetscCall(TestApplied(host, &z[0]));
  PetscCall(AppliedOnDevice(device, &z[1]));
  PetscCall(TestDifference(z[0], 1.0, z[1], &difference[0]));
  PetscCall(OkView(device, "the matrix is not symmetric", "rows set by MatZeroRows()"));
  PetscCall(PCReset(device));
  PetscCall(PCSetOperators(device, B, B));
  PetscCall(SetUpOnDevice(device, &forwards, &fsais));
  PetscCall(AppliedOnDevice(device, &z[2]));
  PetscCall(TestDifference(z[1], 1.0, z[2], &difference[1]));
  Ok(difference[0] < 1e-5, "rows set by MatZeroRows(): the host's M, %.1e", (double)difference[0]);
  Ok(difference[1] < 1e-12 && forwards + fsais == 1, "after PCReset() the same M, %.1e, made once: %d, %d", (double)difference[1], forwards, fsais);
  for (int k = 0; k < 3; k++) PetscCall(VecDestroy(&z[k]));
  PetscCall(PCDestroy(&host));
  PetscCall(PCDestroy(&device));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A negative diagonal entry of the last row: why, as on the host */
static PetscErrorCode TestNegative(Mat A)
{
  const PetscInt row = NROWS - 1;
  Mat            B;
  PC             pc;
  PetscInt       start, end;

  PetscFunctionBeginUser;
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(MatGetOwnershipRange(B, &start, &end));
  if (row >= start && row < end) PetscCall(MatSetValue(B, row, row, -2.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
  PetscCall(TestPCCreate(B, NULL, PETSC_TRUE, &pc));
  Emulate(PETSC_TRUE);
  PetscCall(OkView(pc, "of the matrix is -2", "a negative diagonal entry"));
  Emulate(PETSC_FALSE);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The right half of the left half is M^-1 */
static PetscErrorCode TestHalves(Mat A)
{
  Mat       B;
  PC        pc;
  Vec       r, z, left, right;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(TestPCCreate(B, NULL, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetValues(pc, PC_GNNSPAI_VALUES_FSAI));
  PetscCall(AppliedOnDevice(pc, &z));
  PetscCall(TestVecRandom(B, 1, &r));
  PetscCall(VecDuplicate(r, &left));
  PetscCall(VecDuplicate(r, &right));
  Emulate(PETSC_TRUE);
  PetscCall(PCApplySymmetricLeft(pc, r, left));
  PetscCall(PCApplySymmetricRight(pc, left, right));
  Emulate(PETSC_FALSE);
  PetscCall(TestDifference(z, 1.0, right, &difference));
  Ok(difference < 1e-12, "the two halves of the classical factor, %.1e", (double)difference);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&left));
  PetscCall(VecDestroy(&right));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  GNNConfig config;
  GNNModel  bad;
  Mat       A;
  int       failed;

  if (TestSkipped()) return 0;
  PetscFunctionBeginUser;
  PetscCall(TestInitialize(&argc, &argv, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, NROWS, 1, &A));
  PetscCall(TestMatDecouple(A, 6));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(variants); k++) PetscCall(TestVariant(variants + k, A));
  PetscCall(TestGlobal("-pc_gnnspai_guard none", A));
  PetscCall(TestGlobal("-pc_gnnspai_values fsai -pc_gnnspai_guard none -pc_gnnspai_precision half", A));
  PetscCall(TestJumps(A));
  PetscCall(TestFallback(A));
  PetscCall(TestGuard(PC_GNNSPAI_GUARD_JACOBI));
  PetscCall(TestGuard(PC_GNNSPAI_GUARD_BEST));
  PetscCall(TestCopies(A));
  PetscCall(TestWide(A, PC_GNNSPAI_DOUBLE));
  PetscCall(TestWide(A, PC_GNNSPAI_SINGLE));
  PetscCall(TestWide(A, PC_GNNSPAI_HALF));
  PetscCall(TestHostVectors(A, NULL, PETSC_FALSE, 1e-5));
  PetscCall(TestNaN(A));
  PetscCall(TestNegative(A));
  PetscCall(TestOneSidedAndReset(A));
  PetscCall(TestHalves(A));
  PetscCall(MatDestroy(&A));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, NROWS / 3, 1, &A));
  PetscCall(TestMatClamp(A));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(block_variants); k++) PetscCall(TestVariant(block_variants + k, A));
  PetscCall(TestGlobal("-pc_gnnspai_model hyperelasticity -pc_gnnspai_guard none -pc_gnnspai_precision single", A));
  PetscCall(TestConfig(&config));
  config.block_size = 3;
  config.output     = GNN_OUTPUT_DIRECT;
  PetscCall(TestModelCreate(&config, 100.0, 1, &bad));
  PetscCall(TestHostVectors(A, bad, PETSC_TRUE, 1e-12));
  PetscCall(GNNModelDestroy(&bad));
  PetscCall(MatDestroy(&A));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
