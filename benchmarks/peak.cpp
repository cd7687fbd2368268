// The most multiply-adds that the processor does: prints the vectors used and GFLOP/s.
// Usage: peak THREADS. Build: c++ -O3 -march=native -ffp-contract=fast -pthread peak.cpp -o peak
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int bytes = 64;
constexpr const char* name = "AVX-512";
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int bytes = 32;
constexpr const char* name = "AVX2";
#else
constexpr int bytes = 16;
constexpr const char* name = "128-bit vectors";
#endif

typedef float Vector __attribute__((vector_size(bytes)));

constexpr int chains = 12;  // Enough to hide the latency, few enough for 16 registers.
constexpr long steps = 20'000'000;

void multiply_add(float start, float* result) {
  Vector a[chains], m = Vector{} + 0.999f, b = Vector{} + start;
  for (int k = 0; k < chains; ++k) a[k] = b + float(k);
  for (long s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int k = 0; k < chains; ++k) a[k] = a[k] * m + b;
  }
  for (int k = 1; k < chains; ++k) a[0] += a[k];
  *result = a[0][0];  // Used, or the compiler would leave the loop out.
}

double gflops(int threads) {
  std::vector<float> results(threads);
  std::vector<std::thread> team;
  auto begin = std::chrono::steady_clock::now();
  for (int t = 0; t < threads; ++t) team.emplace_back(multiply_add, 1.0f + t, &results[t]);
  for (auto& member : team) member.join();
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return 2.0 * (bytes / 4) * chains * steps * threads / seconds.count() / 1e9;
}

int main(int, char** arguments) {
  int threads = std::max(1, std::atoi(arguments[1]));
  double best = 0;
  for (int run = 0; run < 5; ++run) best = std::max(best, gflops(threads));
  std::printf("%s %.1f\n", name, best);
}
