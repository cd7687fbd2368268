// The plain C interface: a whole sequence of one LSTM layer, forward and backward, float32.
//
// Arrays are dense and batch-major, as Keras has them; the columns of W, R and b are the nets in
// the order i, f, c, o, with one column per cell for c and one per block for a gate. What is fed
// back is h, of `units` floats, or h and then the gates in the same order: `fed` floats. A pointer
// to something that a call does not have is null.
#pragma once

#include <cstdint>

enum Squasher : int32_t { SIGMOID, TANH, LINEAR, CENTERED_SIGMOID_2, CENTERED_SIGMOID_1 };

enum Gates : int32_t { GATE_I = 1, GATE_F = 2, GATE_O = 4 };

enum Feedback : int32_t { FEEDS_NOTHING, FEEDS_CELLS, FEEDS_CELLS_AND_GATES };

// In the order of what they can do; BEST is whatever the processor has.
enum Isa : int32_t { BEST, BASELINE, AVX2, AVX512 };

struct Options {
  int64_t batch, time, features, units, block_size;
  int32_t gates;                                 // a sum of `Gates`
  int32_t sigma, activation, output_activation;  // a `Squasher` each
  int32_t feedback;                              // a `Feedback`
  int32_t coupled;                               // 0 or 1: 1 - i stands for f, which is no gate
  int32_t peepholes, truncated, reverse;         // 0 or 1; reverse: from the last step on
  int32_t normalize_nets, normalize_output;      // 0 or 1: W x and R r, each; c on its way out
  int32_t threads, isa;  // at most
  float decay;  // of the old state, where there is no forget gate
  float epsilon;  // what is added to a variance where something is normalised
};

struct Inputs {
  const float* x;           // (batch, time, features)
  const float* h;           // (batch, fed), before the first step
  const float* c;           // (batch, units)
  const float* W;           // (features, columns)
  const float* R;           // (fed, columns), with feedback
  const float* p;           // (gates, units), with peepholes
  const float* b;           // (columns,), and what is normalised has behind it: gains of W x, and
                            // of R r with feedback, (columns,); gain and shift of c, (units,)
  const float* multiplier;  // (batch, fed), or null: recurrent dropout
  const uint8_t* mask;      // (batch, time), or null: 0 where a step is skipped
};

// How many floats b has, with what is behind it.
static inline int64_t lstm_biases(const Options& o, int64_t columns) {
  const int64_t gains = !o.normalize_nets ? 0 : o.feedback ? 2 : 1;
  return columns * (1 + gains) + (o.normalize_output ? 2 * o.units : 0);
}

struct Results {
  float* y;              // (batch, time, units), or null
  float* h;              // (batch, fed), after the last step
  float* c;              // (batch, units)
  float *gates, *cells;  // `lstm_kept` floats for the backward, or null
};

struct Errors {
  const float* y;       // (batch, time, units), or null for zeros
  const float* h;       // (batch, fed)
  const float* c;       // (batch, units)
};

struct Gradients {
  float *x, *h, *c, *W, *R, *p, *b;  // of the shapes of the inputs
};

#ifdef _WIN32
#define LSTM_API extern "C" __declspec(dllexport)
#else
#define LSTM_API extern "C" __attribute__((visibility("default")))
#endif

// Whether this processor has the instructions.
LSTM_API int32_t lstm_supports(int32_t isa);

// Bytes of a core's second-level cache, by which a call is divided.
LSTM_API int64_t lstm_cache();

// The largest block whose gates may have peepholes.
LSTM_API int32_t lstm_largest_peephole_block();

// How many of `threads` a call of that size is worth.
LSTM_API int32_t lstm_threads(const Options*);

// How many floats `gates` and `cells` of the results hold.
LSTM_API void lstm_kept(const Options*, int64_t* gates, int64_t* cells);

// Both return 0, or 1 where there is no memory for the workspace.
LSTM_API int32_t lstm_forward(const Options*, const Inputs*, const Results*);
LSTM_API int32_t lstm_backward(const Options*, const Inputs*, const Results*, const Errors*,
                               const Gradients*);

// A layer one step at a time, on the thread that calls. Its weights are read once. Each step reads
// `in->x`, `in->h` and `in->c`, and writes `states->h` and `states->c`, which may be the same
// arrays, at the addresses that they had when it was opened. Null where there is no memory.
struct Stream;
LSTM_API Stream* lstm_open(const Options*, const Inputs*, const Results* states);
LSTM_API void lstm_step(Stream*);
LSTM_API void lstm_close(Stream*);


// The same calls for whoever has words and arrays: see arrays.h. `numbers` holds address, type,
// rank and sizes of every input and then of every output. 0, or the code of what is wrong, which
// `message` then says, cut to `room` bytes.
LSTM_API int32_t lstm_call(int32_t backward, const int64_t* words, int64_t count,
                           const int64_t* numbers, int64_t length, char* message, int64_t room);

// `lstm_open` for the inputs of a call of one step, whose h and c move on.
LSTM_API int32_t lstm_open_stream(const int64_t* words, int64_t count, const int64_t* numbers,
                                  int64_t length, Stream**, char* message, int64_t room);

// How many floats the forward keeps of each step and row. 0, or the code of what is wrong.
LSTM_API int32_t lstm_kept_of_step(const int64_t* words, int64_t count, int64_t units,
                                   int64_t* gates, int64_t* cells);
