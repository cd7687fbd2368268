// Learning on line: what happens along a tape, by the rules of `keras_lstm_ext.tasks.Training`.
#include "online.h"

#include <cmath>

#include "online_network.h"

namespace {

using online::Network;

bool all_known(const Online& plan, const Tape& tape) {
  if (!tape.symbols) return true;
  return std::all_of(tape.symbols, tape.symbols + tape.steps,
                     [&](int32_t m) { return -1 <= m && m < plan.features; });
}

// A step where a target counts: the errors are added up, and while there was none that is too
// large, the network learns.
void target(Network& n, const Tape& tape, int64_t t, const double* y, const float* targets,
            ErrorSums* errors) {
  bool right = true;
  for (int64_t k = 0; k < n.plan.outputs; ++k) {
    const double error = y[k] - targets[k], size = std::fabs(error);
    errors->absolute += size;
    errors->squared += error * error;
    right = right && size < n.plan.tolerance;
    n.d_y[k] = n.plan.logistic_outputs ? error * y[k] * (1 - y[k]) : error;
  }
  if (n.count[ALIVE] == 0) return;
  n.learn(tape, t);
  if (n.plan.stepwise && !n.at_once()) n.change();
  n.count[RATE] *= n.plan.rate_decay;
  n.count[ALIVE] = right;
}

// The last step of a part. After an error, a stream is over at the end of the part.
void end_of_part(Network& n) {
  double* count = n.count;
  count[PARTS] += 1;
  const bool over = count[ALIVE] == 0 || count[PARTS] >= n.plan.parts;
  if (over || n.plan.resets) n.reset();
  if (!over) return;
  if (!n.plan.stepwise) n.change();
  count[WHOLE] += count[ALIVE];
  count[STREAMS] += 1;
  count[PARTS] = 0;
  count[ALIVE] = 1;
  count[RATE] = n.plan.learning_rate;
}

}  // namespace

int64_t lstm_online_size(const Online* plan) { return Network(*plan, nullptr).numbers; }

int32_t lstm_learn(const Online* plan, const Tape* tape, const float* targets, const uint8_t* mask,
                   const uint8_t* ends, double* network, double* y, ErrorSums* errors) {
  if (!all_known(*plan, *tape)) return 1;
  Network n(*plan, network);
  for (int64_t t = 0; t < tape->steps; ++t) {
    n.step(*tape, t, n.count[ALIVE] != 0);
    double* y_t = y + t * plan->outputs;
    if (mask[t] || ends[t]) n.outputs(*tape, t, y_t);
    if (mask[t]) target(n, *tape, t, y_t, targets + t * plan->outputs, errors);
    n.feed_back();
    if (ends[t]) end_of_part(n);
  }
  return 0;
}

int32_t lstm_answer(const Online* plan, const Tape* tape, const uint8_t* resets, double* network,
                    double* y) {
  if (!all_known(*plan, *tape)) return 1;
  Network n(*plan, network);
  n.reset();
  for (int64_t t = 0; t < tape->steps; ++t) {
    n.step(*tape, t, false);
    n.outputs(*tape, t, y + t * plan->outputs);
    n.feed_back();
    if (resets[t]) n.reset();
  }
  return 0;
}
