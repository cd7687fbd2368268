// Launches of kernels on a card, which Python compiled and brought here: see engines/cuda.
//
// Nothing of CUDA's is needed to build it: its driver's functions come as addresses, and what they
// take is declared here.
#include "cuda.h"

#include <map>
#include <mutex>

namespace {

// Of CUDA's driver, whose structs do not change: CUlaunchAttribute and CUlaunchConfig.
struct Attribute {
  int id;
  char padding[4];
  union {
    char size[64];
    unsigned cluster[3];
    int cooperative;
  };
};

struct Configuration {
  unsigned grid[3], block[3], shared;
  void* stream;
  Attribute* attributes;
  unsigned count;
};

enum { COOPERATIVE = 2, CLUSTER = 4 };

using Launch = int (*)(const Configuration*, void* kernel, void** parameters, void** extra);
using Fill = int (*)(void* at, unsigned value, size_t count, void* stream);


std::mutex guard;
std::map<int64_t, LstmCudaKernel> kernels;

}  // namespace

void lstm_cuda_add(int64_t key, const LstmCudaKernel* kernel) {
  std::lock_guard<std::mutex> lock(guard);
  kernels[key] = *kernel;
}

int32_t lstm_cuda_launch(int64_t key, int32_t time, void* stream, void** arrays, int32_t count) {
  LstmCudaKernel kernel;
  {
    std::lock_guard<std::mutex> lock(guard);
    const auto found = kernels.find(key);
    if (found == kernels.end()) return -1;
    kernel = found->second;
  }
  // The last array counts how often the blocks have met.
  if (const int failed = reinterpret_cast<Fill>(kernel.fill)(arrays[count - 1], 0, 1, stream))
    return failed;
  void* parameters[LSTM_CUDA_MOST_ARRAYS + 1];
  for (int32_t k = 0; k < count; ++k) parameters[k] = &arrays[k];
  parameters[count] = &time;
  Attribute attributes[2] = {};
  attributes[0].id = COOPERATIVE;
  attributes[0].cooperative = 1;
  attributes[1].id = CLUSTER;
  attributes[1].cluster[0] = kernel.cluster;
  attributes[1].cluster[1] = attributes[1].cluster[2] = 1;
  const Configuration how = {{kernel.blocks, 1, 1}, {kernel.threads, 1, 1}, kernel.shared, stream,
                             attributes, kernel.cluster > 1 ? 2u : 1u};
  return reinterpret_cast<Launch>(kernel.launch)(&how, kernel.function, parameters, nullptr);
}
