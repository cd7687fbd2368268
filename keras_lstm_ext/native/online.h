// The C interface of learning on line: one network of memory cells and output units, float64.
//
// A network reads a tape step by step. Its gradient is the truncated one, which runs forward in
// time beside the state; `reference/truncated.py` has the equations, under the same names. All of
// a network lies in one array, so that it can be copied and stored: the weights first (K, p, V),
// then what else changes, and in the end six numbers (`Count`).
//
// Cells and columns are in the order of Keras; a network has
//   K (columns, sources)  into the nets i, f, c, o from the input, from what is fed back (h, then
//                         gates), from 1
//   p (gates, units)      from the cells to the gates of their blocks
//   V (seen, outputs)     from the cells, from the input by shortcut, from 1
#pragma once

#include "lstm.h"

struct Online {
  int64_t features, outputs, units, block_size;
  int32_t gates;                                    // a sum of `Gates`
  int32_t activation, output_activation;            // a `Squasher` each
  int32_t peepholes, coupled;                       // 0 or 1, as all that follows
  int32_t feeds_cells, feeds_gates;
  int32_t shortcut, output_bias, logistic_outputs;
  int32_t stepwise;                                 // or weights change when a stream is over
  int32_t resets;                                   // at the end of each part
  int64_t parts;                                    // after so many a stream is over
  double tolerance;                                 // an error of this size ends a stream
  double decay;                                     // of the state, without a forget gate
  double learning_rate, momentum, rate_decay;
  const double* learned;                            // like K: 1, or 0 where there is no weight
};

// The last numbers of a network: learning rate, whether outputs see the cells, whether the stream
// had no error yet, its parts that are over, streams that are over, those that no error ended.
enum Count { RATE, GROWN, ALIVE, PARTS, STREAMS, WHOLE, COUNTS };

// Steps of a tape: symbols, -1 where no input unit is on, or values (steps, features); the other
// is null.
struct Tape {
  int64_t steps;
  const int32_t* symbols;
  const float* values;
};

// How many numbers a network has.
LSTM_API int64_t lstm_online_size(const Online*);

// Sums over all outputs where a target counts.
struct ErrorSums {
  double absolute, squared;
};

// Learns from a tape. Targets (steps, outputs) count where `mask` is set; `ends` says where parts
// end. Outputs y (steps, outputs) are written where either is set, and errors are added to the
// sums. 0, or 1 if there is another symbol than -1 and the features.
LSTM_API int32_t lstm_learn(const Online*, const Tape*, const float* targets, const uint8_t* mask,
                            const uint8_t* ends, double* network, double* y, ErrorSums*);

// Only answers: all y are written, and nothing changes but the state, which is set to zero at the
// beginning and after the steps of `resets`.
LSTM_API int32_t lstm_answer(const Online*, const Tape*, const uint8_t* resets, double* network,
                             double* y);
