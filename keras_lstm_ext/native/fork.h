// What a forked child must not inherit. On Windows nothing forks.
#pragma once

#ifdef _WIN32
inline int at_fork(void (*)(), void (*)(), void (*)()) { return 0; }
#else
#include <pthread.h>

inline int at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) {
  return pthread_atfork(before, in_parent, in_child);
}
#endif
