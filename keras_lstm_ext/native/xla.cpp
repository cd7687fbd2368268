// XLA's custom calls, for JAX and for TensorFlow under XLA: one forward, one backward.
//
// The attribute `plan` holds the words of arrays.h, inputs and outputs are its arrays. What a call
// does not have is an empty array.
#include "xla.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "arrays.h"
#include "cuda.h"

namespace {

using namespace xla;

constexpr size_t METADATA_SIZE = offsetof(Metadata, traits) + sizeof(Metadata::traits);

bool known(const Version& version) {
  return version.head.struct_size >= sizeof(Version) && version.major_version == MAJOR;
}

bool known(const Api* api) {
  return api && api->head.struct_size >= sizeof(Api) && known(api->version);
}

bool known(const CallFrame& frame) {
  return frame.head.struct_size >= sizeof(CallFrame) && known(frame.api) &&
         frame.inputs.head.struct_size == sizeof(Buffers) &&
         frame.outputs.head.struct_size == sizeof(Buffers) &&
         frame.attributes.head.struct_size == sizeof(Attributes);
}

// What XLA asks when a handler is registered. It refuses a version that it does not serve, and one
// below 0 says that it asks in a way that is not known here.
void answer(Metadata& metadata) {
  const bool good = metadata.struct_size >= METADATA_SIZE;
  metadata.version.major_version = good ? MAJOR : -1;
  metadata.version.minor_version = good ? MINOR : -1;
  metadata.traits = 0;
}

Error* error_of(const Api& api, const Outcome& outcome) {
  if (outcome) return nullptr;
  ErrorArguments arguments = {{sizeof(ErrorArguments), nullptr}, outcome.message.c_str(),
                              outcome.code};
  return api.create_error(&arguments);
}

// The attribute `plan`, or nothing where a call has another one.
const Integers* words_of(const Attributes& a) {
  if (a.size != 1 || a.kinds[0] != xla::ARRAY) return nullptr;
  const Integers* words = static_cast<const Integers*>(a.at[0]);
  return words->type == S64 ? words : nullptr;
}

const Outcome NO_PLAN = {Outcome::WRONG,
                         "a call must have one attribute, `plan`, an array of 64-bit integers"};

Outcome read_plan(const Attributes& a, Sequence* sequence) {
  const Integers* words = words_of(a);
  if (!words) return NO_PLAN;
  return sequence->read(static_cast<const int64_t*>(words->data), words->size);
}

// False where something is no array, or there are too many or too few.
bool read_arrays(const Buffers& buffers, int64_t count, Array* arrays) {
  bool good = buffers.size == count;
  for (int64_t k = 0; good && k < count; ++k) {
    const Buffer& b = *buffers.at[k];
    good = buffers.kinds[k] == BUFFER && b.head.struct_size >= sizeof(Buffer);
    if (!good) break;
    const Type type = b.type == F32 ? FLOAT32 : b.type == PRED ? BOOL : OTHER;
    arrays[k] = {b.data, type, b.rank, b.shape};
  }
  return good;
}

Outcome call(bool backward, const CallFrame& frame) {
  Sequence sequence;
  const Outcome read = read_plan(frame.attributes, &sequence);
  if (!read) return read;
  const int inputs = backward ? BACKWARD_INPUTS : FORWARD_INPUTS;
  const int outputs = backward ? BACKWARD_OUTPUTS : FORWARD_OUTPUTS;
  Array in[MOST_INPUTS], out[MOST_OUTPUTS];
  if (!read_arrays(frame.inputs, inputs, in) || !read_arrays(frame.outputs, outputs, out))
    return {Outcome::WRONG, "a call must have " + std::to_string(inputs) + " inputs and " +
                                std::to_string(outputs) + " outputs"};
  return sequence.run(backward, in, out);
}

Outcome call_on_card(const CallFrame& frame) {
  const Integers* words = words_of(frame.attributes);
  if (!words || words->size != 2) return NO_PLAN;
  const int64_t* plan = static_cast<const int64_t*>(words->data);
  StreamArguments stream = {{sizeof(StreamArguments), nullptr}, frame.context, nullptr};
  if (frame.api->get_stream(&stream)) return {Outcome::WRONG, "XLA gives no stream here"};
  Array in[LSTM_CUDA_MOST_ARRAYS], out[LSTM_CUDA_MOST_ARRAYS];
  const int64_t inputs = frame.inputs.size, outputs = frame.outputs.size;
  if (inputs + outputs > LSTM_CUDA_MOST_ARRAYS || !read_arrays(frame.inputs, inputs, in) ||
      !read_arrays(frame.outputs, outputs, out))
    return {Outcome::WRONG, "a call must have arrays, not so many"};
  void* arrays[LSTM_CUDA_MOST_ARRAYS];
  for (int64_t k = 0; k < inputs; ++k) arrays[k] = in[k].data;
  for (int64_t k = 0; k < outputs; ++k) arrays[inputs + k] = out[k].data;
  const int failed = lstm_cuda_launch(plan[0], static_cast<int32_t>(plan[1]), stream.stream, arrays,
                                      static_cast<int32_t>(inputs + outputs));
  if (failed == -1) return {Outcome::WRONG, "this process has not compiled the kernel"};
  return {failed ? Outcome::WRONG : Outcome::GOOD,
          "CUDA's driver refuses the kernel with error " + std::to_string(failed)};
}

template <typename F>
Error* handle(CallFrame* frame, F compute) {
  for (Extension* e = frame->head.extension; e; e = e->next)
    if (e->type == METADATA) {
      answer(*reinterpret_cast<MetadataExtension*>(e)->metadata);
      return nullptr;
    }
  if (!known(*frame)) {
    // Nothing can be told to an XLA that calls otherwise than it said, and nothing be computed.
    std::fputs("keras_lstm_ext: this XLA calls in a way that is not known\n", stderr);
    std::abort();
  }
  if (frame->stage != EXECUTE) return nullptr;
  try {
    return error_of(*frame->api, compute(*frame));
  } catch (const std::exception&) {
    return error_of(*frame->api, {Outcome::NO_MEMORY, "no memory"});
  }
}

bool add(const Api& api, const char* name, Handler execute) {
  RegisterArguments arguments = {{sizeof(RegisterArguments), nullptr},
                                 {name, std::strlen(name)},
                                 {"Host", 4},
                                 nullptr,
                                 nullptr,
                                 nullptr,
                                 execute,
                                 0};
  return api.register_handler(&arguments) == nullptr;
}

}  // namespace

Error* lstm_xla_forward(CallFrame* frame) {
  return handle(frame, [](const CallFrame& f) { return call(false, f); });
}

Error* lstm_xla_backward(CallFrame* frame) {
  return handle(frame, [](const CallFrame& f) { return call(true, f); });
}

Error* lstm_xla_cuda(CallFrame* frame) { return handle(frame, call_on_card); }

int32_t lstm_xla_register(const Api* api) {
  return known(api) && add(*api, "keras_lstm_ext_forward", lstm_xla_forward) &&
                 add(*api, "keras_lstm_ext_backward", lstm_xla_backward)
             ? 0
             : 1;
}
