// Computes problems from a file by a built library, on whatever system: problems.py writes them and
// reads the results. Without the C++ library, which would have to be compiled for each system.
// Usage: runner LIBRARY PROBLEMS RESULTS
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "lstm.h"

#ifdef _WIN32
#include <windows.h>
void* open_library(const char* path) { return LoadLibraryA(path); }
void* find(void* in, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(in), name));
}
#else
#include <dlfcn.h>
void* open_library(const char* path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
void* find(void* in, const char* name) { return dlsym(in, name); }
#endif

FILE *problems, *results;
void* library;

[[noreturn]] void stop(const char* why) {
  std::fprintf(stderr, "%s\n", why);
  std::exit(2);
}

template <typename F>
F* function(F*, const char* name) {
  void* found = find(library, name);
  if (!found) stop(name);
  return reinterpret_cast<F*>(found);
}
#define FUNCTION(name) function(&name, #name)

// Zeros at first; absent, and null, where its size is negative.
template <typename T>
class Array {
 public:
  Array() = default;
  explicit Array(int64_t size) { resize(size); }
  ~Array() { std::free(data); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  void resize(int64_t wanted) {
    size = wanted;
    data = size < 0 ? nullptr : static_cast<T*>(std::calloc(size + 1, sizeof(T)));
    if (size >= 0 && !data) stop("no memory");
  }

  void read() {
    int64_t wanted;
    if (std::fread(&wanted, sizeof wanted, 1, problems) != 1) stop("a short problem");
    resize(wanted);
    if (size > 0 && std::fread(data, sizeof(T), size, problems) != static_cast<size_t>(size))
      stop("a short problem");
  }

  void write() const {
    if (size > 0) std::fwrite(data, sizeof(T), size, results);
  }

  T* data = nullptr;
  int64_t size = -1;
};

using Floats = Array<float>;

// Step by step, the same h at the end.
void check_stream(const Options& o, Inputs in, const Floats& expected) {
  if (o.reverse || in.mask || in.multiplier) return;
  Floats h(expected.size), c(o.batch * o.units), x(o.batch * o.features);
  std::memcpy(h.data, in.h, h.size * sizeof(float));
  std::memcpy(c.data, in.c, c.size * sizeof(float));
  const float* const all = in.x;
  in.x = x.data, in.h = h.data, in.c = c.data;
  const Results moved = {nullptr, h.data, c.data, nullptr, nullptr};
  Stream* stream = FUNCTION(lstm_open)(&o, &in, &moved);
  if (!stream) stop("lstm_open has no memory");
  for (int64_t t = 0; t < o.time; ++t) {
    for (int64_t k = 0; k < x.size; ++k)
      x.data[k] = all[(k / o.features * o.time + t) * o.features + k % o.features];
    FUNCTION(lstm_step)(stream);
  }
  FUNCTION(lstm_close)(stream);
  for (int64_t k = 0; k < h.size; ++k)
    if (!(std::fabs(h.data[k] - expected.data[k]) <= 1e-6f * (1 + std::fabs(expected.data[k]))))
      stop("a stream differs from its sequence");
}

// Forward and backward; false where the processor lacks the instructions.
bool compute(const Options& o) {
  Floats in[8], errors[3];
  Array<uint8_t> mask;
  for (Floats& array : in) array.read();
  mask.read();
  for (Floats& array : errors) array.read();
  const int32_t supported = FUNCTION(lstm_supports)(o.isa);
  std::fwrite(&supported, sizeof supported, 1, results);
  if (!supported) return false;
  const Inputs inputs = {in[0].data, in[1].data, in[2].data, in[3].data, in[4].data,
                         in[5].data, in[6].data, in[7].data, mask.data};
  int64_t gates, cells;
  FUNCTION(lstm_kept)(&o, &gates, &cells);
  Floats y(in[2].size * o.time), h(in[1].size), c(in[2].size), of_gates(gates), of_cells(cells);
  const Results out = {y.data, h.data, c.data, of_gates.data, of_cells.data};
  if (FUNCTION(lstm_forward)(&o, &inputs, &out)) stop("lstm_forward has no memory");
  const Errors e = {errors[0].data, errors[1].data, errors[2].data};
  Floats d[7];
  for (int k = 0; k < 7; ++k) d[k].resize(in[k].size);
  const Gradients gradients = {d[0].data, d[1].data, d[2].data, d[3].data,
                               d[4].data, d[5].data, d[6].data};
  if (FUNCTION(lstm_backward)(&o, &inputs, &out, &e, &gradients))
    stop("lstm_backward has no memory");
  for (const Floats* floats : {&y, &h, &c}) floats->write();
  for (const Floats& floats : d) floats.write();
  check_stream(o, inputs, h);
  return true;
}

int main(int, char** arguments) {
  library = open_library(arguments[1]);
  if (!library) stop("the library does not load");
  problems = std::fopen(arguments[2], "rb");
  results = std::fopen(arguments[3], "wb");
  if (!problems || !results) stop("no such file");
  Options o;
  int ran = 0;
  while (std::fread(&o, sizeof o, 1, problems) == 1) ran += compute(o);
  std::fclose(results);
  std::printf("%d ran\n", ran);
}
