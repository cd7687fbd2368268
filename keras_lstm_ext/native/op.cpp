// TensorFlow's ops: three forward, which differ in what they put out, and one backward.
//
// An input that a call does not have is an empty tensor of the same rank; which ones it has, the
// attributes say. Whatever comes in, a shape that does not fit is an error and nothing runs.
#include <initializer_list>
#include <new>
#include <string>

#include "call.h"
#include "lstm.h"
#include "tensorflow.h"

namespace {

struct Attributes {
  int64_t gates, block_size, feedback, peepholes, truncated, reverse, masked, multiplied;
  int64_t sigma, activation, output_activation, threads;
  float decay;
};

struct Range {
  const char* name;
  int64_t Attributes::*value;
  int64_t least, most;
};

const Range RANGES[] = {
    {"gates", &Attributes::gates, 0, 7},
    {"block_size", &Attributes::block_size, 1, INT32_MAX},
    {"feedback", &Attributes::feedback, 0, 1},
    {"peepholes", &Attributes::peepholes, 0, 1},
    {"truncated", &Attributes::truncated, 0, 1},
    {"reverse", &Attributes::reverse, 0, 1},
    {"masked", &Attributes::masked, 0, 1},
    {"multiplied", &Attributes::multiplied, 0, 1},
    {"sigma", &Attributes::sigma, 0, CENTERED_SIGMOID_1},
    {"activation", &Attributes::activation, 0, CENTERED_SIGMOID_1},
    {"output_activation", &Attributes::output_activation, 0, CENTERED_SIGMOID_1},
    {"threads", &Attributes::threads, 1, 1024},
};

void* create(TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  Attributes* a = new (std::nothrow) Attributes;
  auto check = [&](bool fits, const std::string& message) {
    if (!fits && TF_GetCode(status) == 0)
      TF_SetStatus(status, TF_INVALID_ARGUMENT, message.c_str());
  };
  for (const Range& range : RANGES) {
    int64_t value = 0;
    if (TF_GetCode(status) == 0)
      TF_OpKernelConstruction_GetAttrInt64(construction, range.name, &value, status);
    check(range.least <= value && value <= range.most,
          "`" + std::string(range.name) + "` must be from " + std::to_string(range.least) + " to " +
              std::to_string(range.most) + ". Received: " + std::to_string(value));
    a->*range.value = value;
  }
  if (TF_GetCode(status) == 0)
    TF_OpKernelConstruction_GetAttrFloat(construction, "decay", &a->decay, status);
  const int64_t largest = lstm_largest_peephole_block();
  check(!a->peepholes || a->block_size <= largest,
        "`block_size` must be at most " + std::to_string(largest) + " with peepholes. Received: " +
            std::to_string(a->block_size));
  if (TF_GetCode(status)) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return a;
}

void destroy(void* attributes) { delete static_cast<Attributes*>(attributes); }

constexpr int INPUTS = 9;

// Sizes from x and h; every other shape follows from them.
bool read(Call& call, const Attributes& a, Options& o, Inputs& in) {
  TF_Tensor *x = call.input(0), *h = call.input(1);
  if (!call.good()) return false;
  if (TF_NumDims(x) != 3 || TF_NumDims(h) != 2) {
    const bool of_x = TF_NumDims(x) != 3;
    call.fail(TF_INVALID_ARGUMENT,
              std::string(of_x ? "`x` must have the shape (batch, time, features)"
                               : "`h` must have the shape (batch, units)") +
                  ". Received: " + (of_x ? "x" : "h") + " of shape " + Call::text(of_x ? x : h));
    return false;
  }
  const int64_t batch = TF_Dim(x, 0), time = TF_Dim(x, 1), features = TF_Dim(x, 2);
  const int64_t units = TF_Dim(h, 1);
  if (units % a.block_size != 0)
    call.fail(TF_INVALID_ARGUMENT, "`h` must have a multiple of block_size=" +
                                       std::to_string(a.block_size) +
                                       " units. Received: h of shape " + Call::text(h));
  const int64_t gates = (a.gates & 1) + (a.gates >> 1 & 1) + (a.gates >> 2);
  const int64_t columns = units + gates * (units / a.block_size);
  // An x without features takes no memory, so that its sizes may be anything.
  int64_t floats;
  if (__builtin_mul_overflow(batch, time, &floats) ||
      __builtin_mul_overflow(floats, 64 * (columns + features + 1), &floats))
    call.fail(TF_INVALID_ARGUMENT, "`x` is too large. Received: x of shape " + Call::text(x));
  o = {batch,
       time,
       features,
       units,
       a.block_size,
       static_cast<int32_t>(a.gates),
       static_cast<int32_t>(a.sigma),
       static_cast<int32_t>(a.activation),
       static_cast<int32_t>(a.output_activation),
       static_cast<int32_t>(a.feedback),
       static_cast<int32_t>(a.peepholes),
       static_cast<int32_t>(a.truncated),
       static_cast<int32_t>(a.reverse),
       static_cast<int32_t>(a.threads),
       BEST,
       a.decay};
  auto if_any = [](bool any, int64_t size) { return any ? size : 0; };
  in.x = call.floats(0, "x", {batch, time, features});
  in.h = call.floats(1, "h", {batch, units});
  in.c = call.floats(2, "c", {batch, units});
  in.W = call.floats(3, "W", {features, columns});
  in.R = call.floats(4, "R", {if_any(a.feedback, units), if_any(a.feedback, columns)});
  in.p = call.floats(5, "p", {if_any(a.peepholes, gates), if_any(a.peepholes, units)});
  in.b = call.floats(6, "b", {columns});
  in.multiplier = call.floats(
      7, "multiplier", {if_any(a.multiplied, batch), if_any(a.multiplied, units)});
  in.mask = static_cast<const uint8_t*>(
      call.checked(8, "mask", {if_any(a.masked, batch), if_any(a.masked, time)}, TF_BOOL));
  if (!a.multiplied) in.multiplier = nullptr;
  if (!a.masked) in.mask = nullptr;
  if (call.good()) o.threads = lstm_threads(&o);
  return call.good();
}

void finish(Call& call, int32_t status) {
  if (status) call.fail(TF_RESOURCE_EXHAUSTED, "There is no memory for the LSTM's workspace.");
}

enum Kind { SEQUENCE, LAST, TRAINING };

template <Kind KIND>
void forward(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  Options o;
  Inputs in;
  if (!read(call, *static_cast<Attributes*>(attributes), o, in)) return;
  Results out = {};
  int next = 0;
  if (KIND != LAST) out.y = call.output(next++, {o.batch, o.time, o.units});
  out.h = call.output(next++, {o.batch, o.units});
  out.c = call.output(next++, {o.batch, o.units});
  if (KIND == TRAINING) {
    int64_t gates, cells;
    lstm_kept(&o, &gates, &cells);
    out.gates = call.output(next++, {gates});
    out.cells = call.output(next++, {cells});
  }
  if (call.good() && o.batch * o.units > 0) finish(call, lstm_forward(&o, &in, &out));
}

void backward(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  Options o;
  Inputs in;
  const Attributes& a = *static_cast<Attributes*>(attributes);
  if (!read(call, a, o, in)) return;
  int64_t gates, cells;
  lstm_kept(&o, &gates, &cells);
  // The backward only reads what was kept.
  auto kept = [&](int index, const char* name, std::initializer_list<int64_t> shape) {
    return const_cast<float*>(call.floats(INPUTS + index, name, shape));
  };
  Results results = {kept(0, "y", {o.batch, o.time, o.units}), nullptr, nullptr,
                     kept(1, "gates", {gates}), kept(2, "cells", {cells})};
  // Without a time step, d_y stands for zeros: the error is that of the last output only.
  TF_Tensor* d_y = call.input(INPUTS + 3);
  const bool absent = call.good() && TF_NumDims(d_y) == 3 && TF_Dim(d_y, 1) == 0;
  Errors errors = {call.floats(INPUTS + 3, "d_y", {o.batch, absent ? 0 : o.time, o.units}),
                   call.floats(INPUTS + 4, "d_h", {o.batch, o.units}),
                   call.floats(INPUTS + 5, "d_c", {o.batch, o.units})};
  if (absent) errors.y = nullptr;
  if (!call.good()) return;
  int64_t of_gates = (a.gates & 1) + (a.gates >> 1 & 1) + (a.gates >> 2);
  const int64_t columns = o.units + of_gates * (o.units / o.block_size);
  Gradients d = {
      call.output(0, {o.batch, o.time, o.features}),
      call.output(1, {o.batch, o.units}),
      call.output(2, {o.batch, o.units}),
      call.output(3, {o.features, columns}),
      call.output(4, {a.feedback ? o.units : 0, a.feedback ? columns : 0}),
      call.output(5, {a.peepholes ? of_gates : 0, a.peepholes ? o.units : 0}),
      call.output(6, {columns}),
  };
  if (call.good()) finish(call, lstm_backward(&o, &in, &results, &errors, &d));
}

// Of y, h, c and what else there is: y takes batch and time of x and the units of h.
template <Kind KIND>
void infer_shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle *x = TF_NewShapeHandle(), *h = TF_NewShapeHandle(), *y = TF_NewShapeHandle();
  auto rank = [&](int input, int64_t wanted, TF_ShapeHandle* shape) {
    if (TF_GetCode(status) == 0) TF_ShapeInferenceContextGetInput(context, input, shape, status);
    if (TF_GetCode(status) == 0)
      TF_ShapeInferenceContextWithRank(context, shape, wanted, shape, status);
  };
  TF_ShapeInferenceContextSetUnknownShape(context, status);
  rank(0, 3, x);
  rank(1, 2, h);
  const int first = KIND == LAST ? 0 : 1;
  for (int k = first; k < first + 2 && TF_GetCode(status) == 0; ++k)
    TF_ShapeInferenceContextSetOutput(context, k, h, status);
  if (first && TF_GetCode(status) == 0)
    TF_ShapeInferenceContextSubshape(context, x, 0, 2, x, status);
  if (first && TF_GetCode(status) == 0)
    TF_ShapeInferenceContextSubshape(context, h, 1, 2, h, status);
  if (first && TF_GetCode(status) == 0)
    TF_ShapeInferenceContextConcatenateShapes(context, x, h, y, status);
  if (first && TF_GetCode(status) == 0) TF_ShapeInferenceContextSetOutput(context, 0, y, status);
  for (TF_ShapeHandle* shape : {x, h, y}) TF_DeleteShapeHandle(shape);
}

// Gradients have the shapes of the inputs.
void infer_gradients(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  for (int k = 0; k < 7; ++k) {
    if (TF_GetCode(status) == 0) TF_ShapeInferenceContextGetInput(context, k, shape, status);
    if (TF_GetCode(status) == 0) TF_ShapeInferenceContextSetOutput(context, k, shape, status);
  }
  TF_DeleteShapeHandle(shape);
}

bool register_op(const char* name, std::initializer_list<const char*> more_inputs,
                 std::initializer_list<const char*> outputs, TF_InferShapes shapes,
                 TF_Compute compute) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : {"x", "h", "c", "w", "r", "p", "b", "multiplier"})
    TF_OpDefinitionBuilderAddInput(op, (std::string(input) + ": float").c_str());
  TF_OpDefinitionBuilderAddInput(op, "mask: bool");
  for (const char* input : more_inputs)
    TF_OpDefinitionBuilderAddInput(op, (std::string(input) + ": float").c_str());
  for (const char* output : outputs)
    TF_OpDefinitionBuilderAddOutput(op, (std::string(output) + ": float").c_str());
  for (const Range& range : RANGES)
    TF_OpDefinitionBuilderAddAttr(op, (std::string(range.name) + ": int").c_str());
  TF_OpDefinitionBuilderAddAttr(op, "decay: float");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, shapes);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == 0)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, destroy),
                             status);
  const bool good = TF_GetCode(status) == 0;
  TF_DeleteStatus(status);
  return good;
}

// Where TensorFlow is not loaded, the library has no ops.
const bool registered =
    find_tensorflow() &&
    register_op("KerasLstmExtSequence", {}, {"y", "h_last", "c_last"}, infer_shapes<SEQUENCE>,
                forward<SEQUENCE>) &&
    register_op("KerasLstmExtLast", {}, {"h_last", "c_last"}, infer_shapes<LAST>, forward<LAST>) &&
    register_op("KerasLstmExtTraining", {}, {"y", "h_last", "c_last", "kept_gates", "kept_cells"},
                infer_shapes<TRAINING>, forward<TRAINING>) &&
    register_op("KerasLstmExtBackward", {"y", "kept_gates", "kept_cells", "d_y", "d_h", "d_c"},
                {"d_x", "d_h_first", "d_c_first", "d_w", "d_r", "d_p", "d_b"}, infer_gradients,
                backward);

}  // namespace
