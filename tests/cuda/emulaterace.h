/*
   Emulated threads as ThreadSanitizer's fibers, or nothing where EMULATE_RACE is not defined. emulate.cc itself is compiled without the
   sanitizer: what it reads and writes is no access of a thread.
*/
#pragma once

#if defined(EMULATE_RACE)
  /* A fiber is dear, so that a block's are those of an earlier one, behind which it seems to come. Of the blocks of a launch, which are in
     no order, as many in a row have fibers of their own */
  #define RACE_POOLS 2

extern "C" {
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void  __tsan_switch_to_fiber(void *fiber, unsigned flags);
void  __tsan_acquire(void *);
void  __tsan_release(void *);
}

static void *race_fiber[RACE_POOLS * EMULATE_MAX_THREADS + 1];

static void RaceCreate(int c)
{
  race_fiber[c] = __tsan_create_fiber(0);
}

static void RaceSwitch(int from, int to)
{
  race_fiber[from] = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(race_fiber[to], 1); /* 1: this orders nothing */
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
  #define RACE_POOLS 1

static inline void RaceCreate(int) { }
static inline void RaceSwitch(int, int) { }
static inline void RaceRelease(void *) { }
static inline void RaceAcquire(void *) { }
#endif
