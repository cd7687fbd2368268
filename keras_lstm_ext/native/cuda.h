// Launches of kernels on a card, which Python compiled and brought here: see engines/cuda.
#pragma once

#include "lstm.h"

#define LSTM_CUDA_MOST_ARRAYS 16

// A kernel with the size of its launches, and the driver's functions that launch it and that fill
// memory.
struct LstmCudaKernel {
  void *function, *launch, *fill;
  uint32_t blocks, cluster, threads, shared;
};

LSTM_API void lstm_cuda_add(int64_t key, const LstmCudaKernel*);

// Puts a kernel into a stream: 0, the driver's error, or -1 where no kernel has this key.
LSTM_API int32_t lstm_cuda_launch(int64_t key, int32_t time, void* stream, void** arrays,
                                  int32_t count);
