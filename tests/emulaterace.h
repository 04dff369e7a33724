/*
   Emulated threads as ThreadSanitizer's fibers, or nothing where EMULATE_RACE is not defined. emulate.cc itself is compiled without the
   sanitizer: what it reads and writes is no access of a thread.
*/
#pragma once

#if defined(EMULATE_RACE)
extern "C" {
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void  __tsan_destroy_fiber(void *fiber);
void  __tsan_switch_to_fiber(void *fiber, unsigned flags);
void  __tsan_acquire(void *);
void  __tsan_release(void *);
}

static void *race_fiber[EMULATE_MAX_THREADS + 1];

/* Every block's threads are new ones, or a thread of the block before would come before its namesake; on new stacks, or they would meet there */
static void RaceThreadsBegin(int threads)
{
  mmap(Stacks(), (size_t)threads * EMULATE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  race_fiber[EMULATE_HOST] = __tsan_get_current_fiber();
  for (int t = 0; t < threads; t++) {
    race_fiber[t]        = __tsan_create_fiber(0);
    coroutine[t].started = false;
  }
}

static void RaceThreadsEnd(int threads)
{
  for (int t = 0; t < threads; t++) __tsan_destroy_fiber(race_fiber[t]);
}

static void RaceSwitch(int to)
{
  __tsan_switch_to_fiber(race_fiber[to], 1); /* 1: which orders nothing */
}

/* What came before the release of a clock, comes before what follows its acquisition */
static void RaceRelease(void *clock)
{
  __tsan_release(clock);
}

static void RaceAcquire(void *clock)
{
  __tsan_acquire(clock);
}
#else
static inline void RaceThreadsBegin(int) { }
static inline void RaceThreadsEnd(int) { }
static inline void RaceSwitch(int) { }
static inline void RaceRelease(void *) { }
static inline void RaceAcquire(void *) { }
#endif
