/* The emulated device behind emulate.h */
#include "emulate.h"
#include "emulaterace.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#define EMULATE_PAGE       4096
#define EMULATE_STACK      (33 * EMULATE_PAGE)
#define EMULATE_COROUTINES (RACE_POOLS * EMULATE_MAX_THREADS)

EmulateDim threadIdx, blockIdx, blockDim, gridDim;
char      *emulate_shared;

/* ---- schedule ---- */

static const char *Setting(const char *name, const char *otherwise)
{
  const char *value = getenv(name);

  return value && *value ? value : otherwise;
}

static const std::string schedule = Setting("EMULATE_SCHEDULE", "random"), seed = Setting("EMULATE_SEED", "1");
static const bool        at_random = schedule == "random";

/* Less than n */
static unsigned Random(unsigned n)
{
  static uint64_t state = strtoull(seed.c_str(), NULL, 10);

  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((state >> 33) % n);
}

/* 0 ... n - 1, as the schedule has them */
static std::vector<int> Order(int n)
{
  std::vector<int> order(n);

  std::iota(order.begin(), order.end(), 0);
  if (schedule == "descending") std::reverse(order.begin(), order.end());
  else {
    for (int k = n; k > 1; k--) std::swap(order[k - 1], order[Random(k)]);
  }
  return order;
}

/* ---- errors ---- */

static const char *kernel = "no kernel";

static void __attribute__((noreturn, format(printf, 1, 2))) Fail(const char *format, ...)
{
  va_list args;

  va_start(args, format);
  fprintf(stderr, "emulate: ");
  vfprintf(stderr, format, args);
  fprintf(stderr, "\nemulate: in %s, block %d of %d, thread %d of %d; EMULATE_SCHEDULE=%s EMULATE_SEED=%s repeats it\n", kernel, blockIdx.x, gridDim.x, threadIdx.x, blockDim.x, schedule.c_str(), seed.c_str());
  va_end(args);
  abort();
}

/* ---- counts ---- */

/* Times and bytes of whatever it was */
struct Counts {
  std::map<std::string, std::pair<long long, long long>> of;

  void Add(const std::string &what, size_t bytes)
  {
    of[what].first++;
    of[what].second += bytes;
  }

  ~Counts()
  {
    if (!getenv("EMULATE_COUNT")) return;
    for (const auto &c : of) fprintf(stderr, "emulate: %8lld times, %12lld bytes: %s\n", c.second.first, c.second.second, c.first.c_str());
  }
};

static Counts counts;

long long EmulateCounted(const char *what)
{
  long long times = 0;

  for (const auto &c : counts.of) times += c.first.rfind(what, 0) == 0 ? c.second.first : 0;
  return times;
}

/* ---- memory ---- */

/* Its pages, and one before and behind them that are not there */
struct Array {
  char  *pages;
  size_t length, bytes;
};

static std::map<char *, Array> arrays; /* by their first byte */

/* Where a page is missing that belongs to an array; else whoever caught signals before does what it does */
static struct sigaction caught_before;

static void CatchFault(int, siginfo_t *info, void *)
{
  char *at = (char *)info->si_addr;

  for (const auto &a : arrays) {
    if (at >= a.second.pages - EMULATE_PAGE && at < a.second.pages + a.second.length + EMULATE_PAGE) Fail("an access at byte %td of an array of %zu bytes", at - a.first, a.second.bytes);
  }
  sigaction(SIGSEGV, &caught_before, NULL);
}

/* By -fsanitize=alignment, of which only a GPU knows otherwise */
static void CatchTrap(int)
{
  Fail("a pointer that is not aligned to what it points to");
}

static char *Allocate(size_t bytes)
{
  const size_t length = std::max((bytes + EMULATE_PAGE - 1) / EMULATE_PAGE, (size_t)1) * EMULATE_PAGE;
  char        *pages  = (char *)mmap(NULL, length + 2 * EMULATE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

  if (pages == (char *)MAP_FAILED) return NULL;
  pages += EMULATE_PAGE;
  mprotect(pages, length, PROT_READ | PROT_WRITE);
  memset(pages, 0xFF, length);
  p         = pages + Random(2) * ((length - bytes) / 16 * 16);
  arrays[p] = {pages, length, bytes};
  return p;
}

/* Is every byte as it was? */
static bool Untouched(const char *p, size_t bytes)
{
  return bytes == 0 || (*p == (char)0xFF && memcmp(p, p + 1, bytes - 1) == 0);
}

static void Free(char *p)
{
  const auto at = arrays.find(p);

  if (at == arrays.end()) Fail("what is freed is no array");
  const Array a = at->second;

  if (!Untouched(a.pages, p - a.pages)) Fail("something before an array of %zu bytes was written", a.bytes);
  if (!Untouched(p + a.bytes, a.pages + a.length - p - a.bytes)) Fail("something behind an array of %zu bytes was written", a.bytes);
  arrays.erase(at);
  munmap(a.pages - EMULATE_PAGE, a.length + 2 * EMULATE_PAGE);
}

/* ---- graphs ---- */

struct Launch {
  const char           *name;
  const void           *function;
  int                   grid, threads;
  size_t                shared;
  std::function<void()> thread;
};

struct Graph {
  std::vector<Launch> launches;
};

struct Stream {
  Graph captured;
};

static Stream *capturing; /* or NULL */

/* What is not kept while a stream is captured */
static void Now(const char *what)
{
  if (capturing) Fail("%s while a stream is captured", what);
}

int GPUMalloc(void **p, size_t bytes)
{
  Now("memory is taken");
  counts.Add("allocated", bytes);
  *p = Allocate(bytes);
  return *p ? 0 : 2;
}

int GPUFree(void *p)
{
  Now("memory is given back");
  if (p) Free((char *)p);
  return 0;
}

/* Copies to the host that nobody has waited for */
static std::vector<std::pair<char *, std::string>> pending;

int GPUZero(void *p, size_t bytes, void *)
{
  Now("memory is set");
  memset(p, 0, bytes);
  return 0;
}

int GPUToDevice(void *to, const void *from, size_t bytes, void *)
{
  Now("something is copied to the device");
  counts.Add("copied to the device", bytes);
  memcpy(to, from, bytes);
  return 0;
}

int GPUToHost(void *to, const void *from, size_t bytes, void *)
{
  Now("something is copied to the host");
  counts.Add("copied to the host", bytes);
  pending.push_back({(char *)to, std::string((const char *)from, bytes)});
  memset(to, 0xFF, bytes);
  return 0;
}

int GPUWait(void *)
{
  Now("the stream is waited for");
  counts.Add("waited for the stream", 0);
  for (const auto &copy : pending) memcpy(copy.first, copy.second.data(), copy.second.size());
  pending.clear();
  return 0;
}

/* ---- coroutines ---- */

struct Coroutine {
  void *at[5]; /* to go on with it: without the system call that a ucontext costs */
  bool  started;
};

static Coroutine  coroutine[EMULATE_COROUTINES + 1]; /* the last one is the program */
static ucontext_t first_context[EMULATE_COROUTINES]; /* to start it on its stack */
static int        running = EMULATE_COROUTINES;
static int        thread0; /* the coroutine that is thread 0 */
static void       RunThread(void);

static void __attribute__((noinline)) Jump(void *at[5])
{
  __builtin_longjmp(at, 1);
}

static void __attribute__((noinline)) SwitchTo(int to)
{
  Coroutine &from = coroutine[running], &next = coroutine[to];

  if (to == running) return;
  RaceSwitch(running, to);
  from.started = true;
  running      = to;
  threadIdx.x  = to - thread0;
  if (__builtin_setjmp(from.at)) return;
  if (next.started) Jump(next.at);
  setcontext(&first_context[to]);
}

/* On a stack with a page below it that is not there */
static void Create(int c)
{
  static char *stacks  = (char *)mmap(NULL, (size_t)EMULATE_COROUTINES * EMULATE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ucontext_t  &context = first_context[c];

  if (stacks == (char *)MAP_FAILED) Fail("no memory for the threads' stacks");
  getcontext(&context);
  context.uc_stack.ss_sp   = stacks + (size_t)c * EMULATE_STACK;
  context.uc_stack.ss_size = EMULATE_STACK - c % 64 * 64; /* or all would share a few lines of the cache */
  mprotect(context.uc_stack.ss_sp, EMULATE_PAGE, PROT_NONE);
  makecontext(&context, RunThread, 0);
  RaceCreate(c);
}

/* ---- a block's threads ---- */

/* Threads come together: so many are there, for what and where */
struct Meeting {
  int          come, generation;
  const char  *operation;
  EmulatePlace place;
  uint64_t     clock[2]; /* for RaceRelease(): of this generation and of the next */
};

struct Block {
  int              threads, returned = 0;
  Meeting          all = {}, warp[EMULATE_MAX_THREADS / 32] = {};
  uint64_t         words[2][EMULATE_MAX_WORDS][EMULATE_MAX_THREADS];
  int              exchanges[EMULATE_MAX_THREADS] = {};
  int              ready[EMULATE_MAX_THREADS], nready = 0, index[EMULATE_MAX_THREADS]; /* who can go on; where they are in there */
  std::vector<int> rank = {};                                                          /* whoever has the least goes on, where not at random */
};

static Block                *block;
static std::function<void()> body;
static uint64_t              begin_clock, end_clock;

static void Ready(int t)
{
  block->index[t]               = block->nready;
  block->ready[block->nready++] = t;
}

static void Unready(int t)
{
  const int last = block->ready[--block->nready];

  block->ready[block->index[t]] = last;
  block->index[last]            = block->index[t];
}

static void FailWaiting(void)
{
  const Meeting *m = &block->all;

  for (int w = 0; w < EMULATE_MAX_THREADS / 32; w++) {
    if (block->warp[w].come) m = &block->warp[w];
  }
  Fail("threads wait in vain: %d at %s in %s:%d; %d have returned", m->come, m->operation, m->place.file, m->place.line, block->returned);
}

/* Whose turn it is */
static int Next(void)
{
  if (block->nready == 0) FailWaiting();
  if (at_random) return thread0 + block->ready[Random(block->nready)];
  return thread0 + *std::min_element(block->ready, block->ready + block->nready, [](int s, int t) { return block->rank[s] < block->rank[t]; });
}

static bool Same(const char *a, const char *b)
{
  return a == b || strcmp(a, b) == 0;
}

static void Meet(Meeting &m, int first, int size, const char *operation, EmulatePlace place, bool orders)
{
  uint64_t *clock = &m.clock[m.generation % 2];

  if (m.come == 0) m.operation = operation, m.place = place;
  if (!Same(m.operation, operation) || m.place.line != place.line || !Same(m.place.file, place.file)) {
    Fail("threads that must come together are at %s in %s:%d and at %s in %s:%d", m.operation, m.place.file, m.place.line, operation, place.file, place.line);
  }
  if (orders) RaceRelease(clock);
  Unready(threadIdx.x);
  if (++m.come == size) {
    m.come = 0;
    m.generation++;
    for (int t = first; t < first + size; t++) Ready(t);
  }
  SwitchTo(Next());
  if (orders) RaceAcquire(clock);
}

static void MeetWarp(const char *operation, EmulatePlace place, bool orders)
{
  const int w = threadIdx.x / 32;

  if (block->threads % 32) Fail("%s in %s:%d in part of a warp", operation, place.file, place.line);
  Meet(block->warp[w], 32 * w, 32, operation, place, orders);
}

/* Is it the barrier that a test of these tests leaves out: EMULATE_OMIT, as file:line? */
static bool Omitted(EmulatePlace place)
{
  static const std::string omit = Setting("EMULATE_OMIT", "");

  if (omit.empty() || omit != std::string(place.file) + ":" + std::to_string(place.line)) return false;
  counts.Add("left out " + omit, 0);
  return true;
}

void EmulateBarrier(EmulatePlace place)
{
  if (Omitted(place)) return;
  Meet(block->all, 0, block->threads, "__syncthreads()", place, true);
}

void EmulateWarpBarrier(EmulatePlace place)
{
  if (Omitted(place)) return;
  MeetWarp("__syncwarp()", place, true);
}

const uint64_t *EmulateExchange(int count, const uint64_t mine[], const char *operation, EmulatePlace place)
{
  auto words = block->words[block->exchanges[threadIdx.x]++ % 2];

  for (int k = 0; k < count; k++) words[k][threadIdx.x] = mine[k];
  MeetWarp(operation, place, false);
  return &words[0][threadIdx.x / 32 * 32];
}

void EmulateYield(void)
{
  if (at_random && Random(4) == 0) SwitchTo(Next());
}

/* A thread after another; those of the next block go on where these end */
static void RunThread(void)
{
  for (;;) {
    RaceAcquire(&begin_clock);
    body();
    RaceRelease(&end_clock);
    Unready(threadIdx.x);
    SwitchTo(++block->returned == block->threads ? EMULATE_COROUTINES : Next());
  }
}

/* ---- launches ---- */

/* The block of that number in the order of the launch */
static void RunBlock(int number, int threads, size_t shared)
{
  const std::unique_ptr<Block> b(new Block); /* new clocks, too */

  block          = b.get();
  block->threads = threads;
  emulate_shared = Allocate(shared);
  thread0        = number % RACE_POOLS * EMULATE_MAX_THREADS;
  for (int t = 0; t < threads; t++) {
    if (!coroutine[thread0 + t].started) Create(thread0 + t);
    Ready(t);
  }
  if (!at_random) block->rank = Order(threads);
  RaceRelease(&begin_clock);
  SwitchTo(Next());
  Free(emulate_shared);
}

/* Once, when PETSc has set its own handler */
static bool Begin(void)
{
  static char      stack[64 * 1024]; /* for a thread's own may be what is full */
  const stack_t    alternate = {stack, 0, sizeof(stack)};
  struct sigaction action    = {};

  if (schedule != "random" && schedule != "shuffled" && schedule != "descending") Fail("EMULATE_SCHEDULE is random, shuffled or descending, not %s", schedule.c_str());
  if (seed.find_first_not_of("0123456789") != std::string::npos) Fail("EMULATE_SEED is a number, not %s", seed.c_str());
  printf("# emulated: EMULATE_SCHEDULE=%s EMULATE_SEED=%s\n", schedule.c_str(), seed.c_str());
  fflush(stdout);
  sigaltstack(&alternate, NULL);
  action.sa_sigaction = CatchFault;
  action.sa_flags     = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &caught_before);
  signal(SIGILL, CatchTrap);
  return true;
}

static std::map<const void *, size_t> dynamic; /* bytes of shared memory that kernels may ask for, where it is not 48 KB */

int GPUAllowShared(const void *function, int bytes)
{
  dynamic[function] = (size_t)bytes;
  return 0;
}

static void Run(const Launch &l)
{
  static const bool begun = Begin();
  const auto        most  = dynamic.find(l.function);

  (void)begun;
  counts.Add(std::string("launch of ") + l.name, 0);
  kernel = l.name;
  if (l.grid < 1 || l.threads < 1 || l.threads > EMULATE_MAX_THREADS) Fail("a launch of %d blocks of %d threads", l.grid, l.threads);
  if (l.shared > (most == dynamic.end() ? 48 * 1024 : most->second) || l.shared > (size_t)GPUSharedLimit()) Fail("a launch with %zu bytes of shared memory, for which the kernel must ask", l.shared);
  body                         = l.thread;
  gridDim.x                    = l.grid;
  blockDim.x                   = l.threads;
  const std::vector<int> order = Order(l.grid);

  for (int k = 0; k < l.grid; k++) {
    blockIdx.x = order[k];
    RunBlock(k, l.threads, l.shared);
  }
  RaceAcquire(&end_clock);
  kernel = "no kernel";
}

void EmulateLaunch(const char *name, const void *function, int grid, int threads, size_t shared, void *stream, std::function<void()> thread)
{
  const Launch l = {name, function, grid, threads, shared, thread};

  if (capturing && stream != capturing) Fail("%s is launched on another stream than the one that is captured", name);
  if (capturing) capturing->captured.launches.push_back(l);
  else Run(l);
}

int GPUStreamCreate(void **stream)
{
  *stream = new Stream;
  return 0;
}

int GPUStreamDestroy(void *stream)
{
  delete (Stream *)stream;
  return 0;
}

int GPUCaptureBegin(void *stream)
{
  if (capturing) Fail("a capture in a capture");
  capturing = (Stream *)stream;
  return 0;
}

int GPUCaptureEnd(void *stream, void **graph)
{
  Stream *s = (Stream *)stream;

  if (capturing != s) Fail("the end of a capture that did not begin");
  capturing = NULL;
  if (*graph == NULL) *graph = new Graph;
  *(Graph *)*graph = s->captured;
  s->captured.launches.clear();
  if (!getenv("EMULATE_NO_GRAPH")) return 0;
  GPUGraphDestroy(*graph);
  *graph = NULL;
  return 1;
}

int GPUError(void)
{
  return capturing && std::string(Setting("EMULATE_NO_GRAPH", "")) == "launch";
}

int GPUGraphLaunch(void *graph, void *)
{
  Now("a graph is launched");
  counts.Add("graph launched", 0);
  for (const Launch &l : ((Graph *)graph)->launches) Run(l);
  return 0;
}

int GPUGraphDestroy(void *graph)
{
  delete (Graph *)graph;
  return 0;
}
