// Between a framework and the C interface: a call as words and arrays.
//
// What a framework fixes of a call is a list of integers; what it calls with is a list of arrays.
// Here alone stands which shape each of them must have. Whatever comes in, what does not fit is an
// error that names the argument, nothing runs, and nothing is read or written past an end.
#pragma once

#include <cstdint>
#include <string>

#include "lstm.h"

// The order of the words, which every binding hands over as they are.
enum Word {
  GATES,  // a sum of `Gates`
  BLOCK_SIZE,
  FEEDBACK,  // a `Feedback`
  COUPLED,   // whether 1 - i stands for the forget gate
  PEEPHOLES,
  TRUNCATED,
  REVERSE,
  NORMALIZE_NETS,    // whether W x and R r are normalised
  NORMALIZE_OUTPUT,  // whether the state is on its way out
  MASKED,      // whether there is a mask
  MULTIPLIED,  // whether there is recurrent dropout
  SHOWS,       // whether the outputs of all steps are wanted, or there is an error at them
  KEEPS,       // whether a backward may follow
  SIGMA,       // a `Squasher`, and so the next two
  ACTIVATION,
  OUTPUT_ACTIVATION,
  THREADS,
  DECAY,    // the bits of a float
  EPSILON,  // and so this
  WORDS
};

enum Type : int64_t { OTHER, FLOAT32, BOOL };

// Something dense that a framework owns. What a call does not have has a size of 0.
struct Array {
  void* data;
  int64_t type;  // a `Type`
  int64_t rank;
  const int64_t* shape;
};

// What an array must be.
struct Wanted {
  const char* name;
  Type type;
  int64_t rank, shape[3];
};

// The codes are those that TensorFlow and XLA share.
struct Outcome {
  enum Code : int32_t { GOOD = 0, WRONG = 3, NO_MEMORY = 8 };
  Code code;
  std::string message;

  explicit operator bool() const { return code == GOOD; }
};

// x h c W R p b multiplier mask, and for the backward y gates cells d_y d_h d_c.
constexpr int FORWARD_INPUTS = 9, BACKWARD_INPUTS = 15, MOST_INPUTS = 15;
// y h c gates cells; d_x d_h d_c d_W d_R d_p d_b.
constexpr int FORWARD_OUTPUTS = 5, BACKWARD_OUTPUTS = 7, MOST_OUTPUTS = 7;

class Sequence {
 public:
  // What is fixed. Every other function needs it to have been good.
  Outcome read(const int64_t* words, int64_t count);

  // The sizes, from x and c. `run` does it too; who must make the outputs first does it before.
  Outcome measure(const Array& x, const Array& c);

  // What inputs and outputs must be, once the sizes are known.
  Wanted input(int k) const;
  Wanted output(bool backward, int k) const;

  // Checks every array and computes.
  Outcome run(bool backward, const Array* inputs, const Array* outputs);

  // Opens a stream on the inputs of a call of one step, whose h and c move on where they are. Null
  // where there is no memory.
  Outcome open(const Array* inputs, Stream** stream);

  // How many floats the forward keeps of each step and row, in `gates` and `cells`.
  void kept(int64_t units, int64_t* gates, int64_t* cells) const;

  bool shows = false, keeps = false;

 private:
  // Checks all inputs, and gives their data.
  Outcome take(bool backward, const Array* inputs, float** data);
  Inputs inputs_of(float* const* data) const;

  bool masked_ = false, multiplied_ = false;
  Options o_ = {};
  int64_t gates_ = 0, columns_ = 0, fed_ = 0, kept_gates_ = 0, kept_cells_ = 0;
};
