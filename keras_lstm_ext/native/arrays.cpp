#include "arrays.h"

#include <cstring>
#include <initializer_list>

namespace {

struct Range {
  const char* name;
  int64_t least, most;
};

constexpr Range RANGES[] = {
    {"gates", 0, 7},
    {"block_size", 1, INT32_MAX},
    {"feedback", 0, FEEDS_CELLS_AND_GATES},
    {"coupled", 0, 1},
    {"peepholes", 0, 1},
    {"truncated", 0, 1},
    {"reverse", 0, 1},
    {"normalize_nets", 0, 1},
    {"normalize_output", 0, 1},
    {"masked", 0, 1},
    {"multiplied", 0, 1},
    {"shows", 0, 1},
    {"keeps", 0, 1},
    {"sigma", 0, CENTERED_SIGMOID_1},
    {"activation", 0, CENTERED_SIGMOID_1},
    {"output_activation", 0, CENTERED_SIGMOID_1},
    {"threads", 1, 1024},
};
static_assert(sizeof RANGES / sizeof *RANGES == DECAY, "a range for each integer");

constexpr int64_t LARGEST = int64_t{1} << 40;  // of one axis: sums of them stay far from 64 bits

Outcome good() { return {Outcome::GOOD, {}}; }

Outcome wrong(const std::string& message) { return {Outcome::WRONG, message}; }

Outcome no_memory() { return {Outcome::NO_MEMORY, "There is no memory for the LSTM's workspace."}; }

Outcome out_of_range(const Range& range, const std::string& received) {
  return wrong("`" + std::string(range.name) + "` must be from " + std::to_string(range.least) +
               " to " + std::to_string(range.most) + ". Received: " + received);
}

std::string text(const int64_t* shape, int64_t rank) {
  std::string result;
  for (int64_t k = 0; k < rank; ++k) result += (k ? ", " : "") + std::to_string(shape[k]);
  return "(" + result + ")";
}

const char* text(int64_t type) {
  return type == FLOAT32 ? "float32" : type == BOOL ? "bool" : "another type";
}

bool fits(const Wanted& wanted, const Array& array) {
  bool same = array.type == wanted.type && array.rank == wanted.rank;
  for (int64_t k = 0; same && k < wanted.rank; ++k) same = array.shape[k] == wanted.shape[k];
  return same;
}

Outcome misfit(const Wanted& wanted, const Array& array) {
  const std::string name = wanted.name;
  return wrong("`" + name + "` must be " + text(wanted.type) + " of the shape " +
               text(wanted.shape, wanted.rank) + ". Received: " + name + " of " +
               text(array.type) + " and of the shape " + text(array.shape, array.rank));
}

Outcome misfit(const char* name, const char* axes, const Array& array) {
  return wrong("`" + std::string(name) + "` must have the shape " + axes + ". Received: " + name +
               " of shape " + text(array.shape, array.rank));
}

Outcome too_large(const std::string& name, const Array& array) {
  return wrong("`" + name + "` is too large. Received: " + name + " of shape " +
               text(array.shape, array.rank));
}

}  // namespace

Outcome Sequence::read(const int64_t* words, int64_t count) {
  if (count != WORDS)
    return wrong("`plan` must have " + std::to_string(WORDS) +
                 " words. Received: " + std::to_string(count));
  for (int k = 0; k < DECAY; ++k)
    if (words[k] < RANGES[k].least || words[k] > RANGES[k].most)
      return out_of_range(RANGES[k], std::to_string(words[k]));
  auto word = [&](Word k) { return static_cast<int32_t>(words[k]); };
  o_ = {0, 0, 0, 0, words[BLOCK_SIZE], word(GATES), word(SIGMA), word(ACTIVATION),
        word(OUTPUT_ACTIVATION), word(FEEDBACK), word(COUPLED), word(PEEPHOLES), word(TRUNCATED),
        word(REVERSE), word(NORMALIZE_NETS), word(NORMALIZE_OUTPUT), word(THREADS), BEST, 0.0f,
        0.0f};
  auto number = [&](Word k, float* to) {
    const int32_t bits = word(k);
    std::memcpy(to, &bits, sizeof bits);
  };
  number(DECAY, &o_.decay);
  number(EPSILON, &o_.epsilon);
  if (!(o_.decay >= 0.0f && o_.decay <= 1.0f))
    return out_of_range({"decay", 0, 1}, std::to_string(o_.decay));
  if (!(o_.epsilon >= 0.0f && o_.epsilon <= 1.0f))
    return out_of_range({"epsilon", 0, 1}, std::to_string(o_.epsilon));
  if (o_.coupled && (o_.gates & (GATE_I | GATE_F)) != GATE_I)
    return wrong("`coupled` must be 0 without an input gate or with a forget gate. Received: 1");
  const int64_t largest = lstm_largest_peephole_block();
  if (o_.peepholes && o_.block_size > largest)
    return out_of_range({"block_size, with peepholes,", 1, largest},
                        std::to_string(o_.block_size));
  gates_ = (o_.gates & 1) + (o_.gates >> 1 & 1) + (o_.gates >> 2);
  masked_ = words[MASKED], multiplied_ = words[MULTIPLIED];
  shows = words[SHOWS], keeps = words[KEEPS];
  return good();
}

Outcome Sequence::measure(const Array& x, const Array& c) {
  if (x.rank != 3) return misfit("x", "(batch, time, features)", x);
  if (c.rank != 2) return misfit("c", "(batch, units)", c);
  o_.batch = x.shape[0], o_.time = x.shape[1], o_.features = x.shape[2], o_.units = c.shape[1];
  for (const Array* array : {&x, &c})
    for (int64_t k = 0; k < array->rank; ++k)
      if (array->shape[k] > LARGEST) return too_large(array == &x ? "x" : "c", *array);
  if (o_.units % o_.block_size != 0)
    return wrong("`c` must have a multiple of block_size=" + std::to_string(o_.block_size) +
                 " units. Received: c of shape " + text(c.shape, c.rank));
  columns_ = o_.units + gates_ * (o_.units / o_.block_size);
  fed_ = o_.feedback == FEEDS_CELLS_AND_GATES ? columns_ : o_.units;
  // An x without features takes no memory, so that its sizes may be anything.
  int64_t floats;
  if (__builtin_mul_overflow(o_.batch, o_.time, &floats) ||
      __builtin_mul_overflow(floats, 256 * (columns_ + o_.features + 1), &floats))
    return too_large("x", x);
  lstm_kept(&o_, &kept_gates_, &kept_cells_);
  return good();
}

Wanted Sequence::input(int k) const {
  const int64_t batch = o_.batch, time = o_.time, units = o_.units;
  auto if_any = [](bool any, int64_t size) { return any ? size : 0; };
  switch (k) {
    case 0: return {"x", FLOAT32, 3, {batch, time, o_.features}};
    case 1: return {"h", FLOAT32, 2, {batch, fed_}};
    case 2: return {"c", FLOAT32, 2, {batch, units}};
    case 3: return {"W", FLOAT32, 2, {o_.features, columns_}};
    case 4: return {"R", FLOAT32, 2, {if_any(o_.feedback, fed_), if_any(o_.feedback, columns_)}};
    case 5: return {"p", FLOAT32, 2, {if_any(o_.peepholes, gates_), if_any(o_.peepholes, units)}};
    case 6: return {"b", FLOAT32, 1, {lstm_biases(o_, columns_)}};
    case 7:
      return {"multiplier", FLOAT32, 2, {if_any(multiplied_, batch), if_any(multiplied_, fed_)}};
    case 8: return {"mask", BOOL, 2, {if_any(masked_, batch), if_any(masked_, time)}};
    case 9: return {"y", FLOAT32, 3, {batch, time, units}};
    case 10: return {"gates", FLOAT32, 1, {kept_gates_}};
    case 11: return {"cells", FLOAT32, 1, {kept_cells_}};
    case 12: return {"d_y", FLOAT32, 3, {batch, if_any(shows, time), units}};
    case 13: return {"d_h", FLOAT32, 2, {batch, fed_}};
    default: return {"d_c", FLOAT32, 2, {batch, units}};
  }
}

Wanted Sequence::output(bool backward, int k) const {
  static const char* const NAMES[] = {"d_x", "d_h", "d_c", "d_W", "d_R", "d_p", "d_b"};
  // Gradients have the shapes of the inputs; results that are not wanted have none.
  Wanted wanted = input(backward || (k > 0 && k < 3) ? k : k == 0 ? 9 : k + 7);
  if (backward) wanted.name = NAMES[k];
  if (!backward && k == 0 && !shows && !keeps) wanted.shape[1] = 0;
  if (!backward && k >= 3 && !keeps) wanted.shape[0] = 0;
  return wanted;
}

Outcome Sequence::take(bool backward, const Array* inputs, float** data) {
  const Outcome measured = measure(inputs[0], inputs[2]);
  if (!measured) return measured;
  for (int k = 0; k < (backward ? BACKWARD_INPUTS : FORWARD_INPUTS); ++k) {
    if (!fits(input(k), inputs[k])) return misfit(input(k), inputs[k]);
    data[k] = static_cast<float*>(inputs[k].data);
  }
  return good();
}

Inputs Sequence::inputs_of(float* const* in) const {
  auto if_any = [](bool any, float* data) { return any ? data : nullptr; };
  return {in[0], in[1], in[2], in[3], if_any(o_.feedback, in[4]), if_any(o_.peepholes, in[5]),
          in[6], if_any(multiplied_, in[7]), reinterpret_cast<uint8_t*>(if_any(masked_, in[8]))};
}

Outcome Sequence::run(bool backward, const Array* inputs, const Array* outputs) {
  float *in[MOST_INPUTS], *out[MOST_OUTPUTS];
  const Outcome taken = take(backward, inputs, in);
  if (!taken) return taken;
  for (int k = 0; k < (backward ? BACKWARD_OUTPUTS : FORWARD_OUTPUTS); ++k) {
    const Wanted wanted = output(backward, k);
    if (!fits(wanted, outputs[k])) return misfit(wanted, outputs[k]);
    out[k] = static_cast<float*>(outputs[k].data);
  }
  auto if_any = [](bool any, float* data) { return any ? data : nullptr; };
  Options o = o_;
  o.threads = lstm_threads(&o);
  const Inputs i = inputs_of(in);
  int32_t status;
  if (backward) {
    const Results kept = {in[9], nullptr, nullptr, in[10], in[11]};
    const Errors errors = {if_any(shows, in[12]), in[13], in[14]};
    const Gradients d = {out[0], out[1], out[2], out[3], out[4], out[5], out[6]};
    status = lstm_backward(&o, &i, &kept, &errors, &d);
  } else {
    const Results r = {if_any(shows || keeps, out[0]), out[1], out[2], if_any(keeps, out[3]),
                       if_any(keeps, out[4])};
    status = lstm_forward(&o, &i, &r);
  }
  return status ? no_memory() : good();
}

Outcome Sequence::open(const Array* inputs, Stream** stream) {
  float* in[MOST_INPUTS];
  const Outcome taken = take(false, inputs, in);
  if (!taken) return taken;
  if (o_.batch * o_.units == 0 || o_.time != 1) return misfit("x", "of one step, with rows", inputs[0]);
  const Inputs i = inputs_of(in);
  const Results moved = {nullptr, in[1], in[2], nullptr, nullptr};
  *stream = lstm_open(&o_, &i, &moved);
  return *stream ? good() : no_memory();
}

void Sequence::kept(int64_t units, int64_t* gates, int64_t* cells) const {
  Options o = o_;
  o.batch = o.time = 1;
  o.units = units;
  lstm_kept(&o, gates, cells);
}
