#include "processor.h"

#include "lstm.h"

#if defined(__x86_64__)
#include <cpuid.h>

#include <initializer_list>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#else
#include <cstdio>
#endif

namespace {

constexpr int64_t USUAL_CACHE = 1 << 20;  // where nobody says

#if defined(__x86_64__)

// __builtin_cpu_supports is not asked: in what Zig builds it is always false.
bool has(int32_t isa) {
  constexpr unsigned VECTORS = bit_FMA | bit_AVX | bit_OSXSAVE;
  constexpr unsigned WIDE = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
  unsigned a, b, c, d, saved, high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & VECTORS) != VECTORS) return false;
  __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) return false;
  return isa == AVX2 ? (saved & 0x6) == 0x6 : (b & WIDE) == WIDE && (saved & 0xe6) == 0xe6;
}

// Intel's leaf and AMD's have the same form: an entry for each cache, of type 0 after the last.
int64_t cache() {
  unsigned a, b, c, d;
  for (const unsigned leaf : {0x4u, 0x8000001du})
    for (unsigned k = 0; __get_cpuid_count(leaf, k, &a, &b, &c, &d) && (a & 31); ++k) {
      const bool of_code = (a & 31) == 2, second_level = (a >> 5 & 7) == 2;
      if (of_code || !second_level) continue;
      const int64_t ways = (b >> 22) + 1, parts = (b >> 12 & 1023) + 1, line = (b & 4095) + 1;
      return ways * parts * line * (int64_t{c} + 1);
    }
  return 0;
}

#else

bool has(int32_t) { return false; }

#if defined(__APPLE__)

int64_t ask(const char* name) {
  int64_t value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) ? 0 : value;
}

int64_t cache() {  // of the fast cores
  const int64_t together = ask("hw.perflevel0.cpusperl2");
  return ask("hw.perflevel0.l2cachesize") / (together ? together : 1);
}

#else

int64_t cache() {
  long kilobytes = 0;
  if (FILE* file = std::fopen("/sys/devices/system/cpu/cpu0/cache/index2/size", "r")) {
    if (std::fscanf(file, "%ldK", &kilobytes) != 1) kilobytes = 0;
    std::fclose(file);
  }
  return int64_t{kilobytes} * 1024;
}

#endif
#endif

}  // namespace

// Asked once: the instruction CPUID leaves a virtual machine each time.
bool has_instructions(int32_t isa) {
  static const bool avx2 = has(AVX2), avx512 = has(AVX512);
  return isa == AVX2 ? avx2 : isa == AVX512 ? avx512 : isa == BEST || isa == BASELINE;
}

int64_t second_level_cache() {
  static const int64_t found = cache();
  return found > 0 ? found : USUAL_CACHE;
}
