// TensorFlow's ops: three forward, which differ in what they put out, and one backward.
//
// The attribute `plan` holds the words of arrays.h. An input that a call does not have is an empty
// tensor of the same rank.
#include <initializer_list>
#include <new>
#include <string>

#include "arrays.h"
#include "call.h"
#include "tensorflow.h"

namespace {

enum Kind { SEQUENCE, LAST, TRAINING };

void* create(TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  Sequence* sequence = new (std::nothrow) Sequence;
  int32_t count = 0, total = 0;
  int64_t words[WORDS] = {};
  TF_OpKernelConstruction_GetAttrSize(construction, "plan", &count, &total, status);
  if (TF_GetCode(status) == 0)
    TF_OpKernelConstruction_GetAttrInt64List(construction, "plan", words, WORDS, status);
  if (TF_GetCode(status) == 0) {
    const Outcome read = sequence->read(words, count);
    if (!read) TF_SetStatus(status, read.code, read.message.c_str());
  }
  if (TF_GetCode(status)) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return sequence;
}

void destroy(void* sequence) { delete static_cast<Sequence*>(sequence); }

template <Kind KIND>
void forward(void* fixed, TF_OpKernelContext* context) {
  Call call(context);
  Sequence sequence = *static_cast<Sequence*>(fixed);
  sequence.shows = KIND != LAST;
  sequence.keeps = KIND == TRAINING;
  Array inputs[FORWARD_INPUTS], outputs[FORWARD_OUTPUTS];
  for (int k = 0; k < FORWARD_INPUTS; ++k) inputs[k] = call.input(k);
  if (!call.good() || !call.good(sequence.measure(inputs[0], inputs[2]))) return;
  Wanted wanted[FORWARD_OUTPUTS];
  int next = 0;
  for (int k = 0; k < FORWARD_OUTPUTS; ++k) {
    wanted[k] = sequence.output(false, k);
    const bool exists = KIND == TRAINING || (k == 0 ? KIND == SEQUENCE : k < 3);
    outputs[k] = exists ? call.output(next++, wanted[k])
                        : Array{nullptr, FLOAT32, wanted[k].rank, wanted[k].shape};
  }
  if (call.good()) call.good(sequence.run(false, inputs, outputs));
}

void backward(void* fixed, TF_OpKernelContext* context) {
  Call call(context);
  Sequence sequence = *static_cast<Sequence*>(fixed);
  Array inputs[BACKWARD_INPUTS], outputs[BACKWARD_OUTPUTS];
  for (int k = 0; k < BACKWARD_INPUTS; ++k) inputs[k] = call.input(k);
  if (!call.good() || !call.good(sequence.measure(inputs[0], inputs[2]))) return;
  for (int k = 0; k < BACKWARD_OUTPUTS; ++k)
    outputs[k] = call.output(k, sequence.output(true, k));
  if (call.good()) call.good(sequence.run(true, inputs, outputs));
}

// Of y, h, c and what else there is: y takes batch and time of x and the units of c.
template <Kind KIND>
void infer_shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle *x = TF_NewShapeHandle(), *h = TF_NewShapeHandle();
  TF_ShapeHandle *c = TF_NewShapeHandle(), *y = TF_NewShapeHandle();
  auto rank = [&](int input, int64_t wanted, TF_ShapeHandle* shape) {
    if (TF_GetCode(status) == 0) TF_ShapeInferenceContextGetInput(context, input, shape, status);
    if (TF_GetCode(status) == 0)
      TF_ShapeInferenceContextWithRank(context, shape, wanted, shape, status);
  };
  TF_ShapeInferenceContextSetUnknownShape(context, status);
  rank(0, 3, x);
  rank(1, 2, h);
  rank(2, 2, c);
  const int first = KIND == LAST ? 0 : 1;
  if (TF_GetCode(status) == 0) TF_ShapeInferenceContextSetOutput(context, first, h, status);
  if (TF_GetCode(status) == 0) TF_ShapeInferenceContextSetOutput(context, first + 1, c, status);
  if (first && TF_GetCode(status) == 0)
    TF_ShapeInferenceContextSubshape(context, x, 0, 2, x, status);
  if (first && TF_GetCode(status) == 0)
    TF_ShapeInferenceContextSubshape(context, c, 1, 2, c, status);
  if (first && TF_GetCode(status) == 0)
    TF_ShapeInferenceContextConcatenateShapes(context, x, c, y, status);
  if (first && TF_GetCode(status) == 0) TF_ShapeInferenceContextSetOutput(context, 0, y, status);
  for (TF_ShapeHandle* shape : {x, h, c, y}) TF_DeleteShapeHandle(shape);
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
  TF_OpDefinitionBuilderAddAttr(op, "plan: list(int)");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, shapes);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == 0)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, destroy),
                             status);
  const bool good = TF_GetCode(status) == 0;
  TF_DeleteStatus(status);
  return good;
}

// Where TensorFlow is not loaded, or lacks something, this file has no ops.
const std::string missing = find_tensorflow();
const bool registered =
    missing.empty() &&
    register_op("KerasLstmExtSequence", {}, {"y", "h_last", "c_last"}, infer_shapes<SEQUENCE>,
                forward<SEQUENCE>) &&
    register_op("KerasLstmExtLast", {}, {"h_last", "c_last"}, infer_shapes<LAST>, forward<LAST>) &&
    register_op("KerasLstmExtTraining", {}, {"y", "h_last", "c_last", "kept_gates", "kept_cells"},
                infer_shapes<TRAINING>, forward<TRAINING>) &&
    register_op("KerasLstmExtBackward", {"y", "kept_gates", "kept_cells", "d_y", "d_h", "d_c"},
                {"d_x", "d_h_first", "d_c_first", "d_w", "d_r", "d_p", "d_b"}, infer_gradients,
                backward);

}  // namespace

// What TensorFlow lacks for the ops, or nothing.
LSTM_API const char* lstm_missing() { return missing.c_str(); }
