// One call of a TensorFlow op: its inputs, outputs and errors.
#pragma once

#include <string>
#include <vector>

#include "arrays.h"
#include "tensorflow.h"

namespace {

// Everything that one call of an op holds; it gives all back when it goes.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}

  ~Call() {
    if (TF_GetCode(status_)) TF_OpKernelContext_Failure(context_, status_);
    for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }

  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Whether nothing has failed yet; what is given is noted as the failure if it is one.
  bool good(const Outcome& outcome) {
    if (TF_GetCode(status_) == 0 && !outcome)
      TF_SetStatus(status_, outcome.code, outcome.message.c_str());
    return good();
  }

  bool good() const { return TF_GetCode(status_) == 0; }

  Array input(int index) {
    TF_Tensor* tensor = nullptr;
    if (good()) TF_GetInput(context_, index, &tensor, status_);
    if (!keep(tensor)) return {};
    std::vector<int64_t>& shape = shapes_[index];
    for (int k = 0; k < TF_NumDims(tensor); ++k) shape.push_back(TF_Dim(tensor, k));
    const int type = TF_TensorType(tensor);
    return {TF_TensorData(tensor), type == TF_FLOAT ? FLOAT32 : type == TF_BOOL ? BOOL : OTHER,
            TF_NumDims(tensor), shape.data()};
  }

  // A new array as it must be, the output of that number if it is one.
  Array output(int index, const Wanted& wanted) {
    shapes_of_outputs_[index].assign(wanted.shape, wanted.shape + wanted.rank);
    const int64_t* shape = shapes_of_outputs_[index].data();
    size_t bytes = sizeof(float);
    for (int64_t k = 0; k < wanted.rank; ++k) bytes *= shape[k];
    TF_Tensor* tensor = nullptr;
    if (good())
      tensor = TF_AllocateOutput(context_, index, TF_FLOAT, shape, static_cast<int>(wanted.rank),
                                 bytes, status_);
    return {keep(tensor) ? TF_TensorData(tensor) : nullptr, FLOAT32, wanted.rank, shape};
  }

 private:
  TF_Tensor* keep(TF_Tensor* tensor) {
    if (tensor) tensors_.push_back(tensor);
    return tensor;
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> tensors_;
  std::vector<int64_t> shapes_[MOST_INPUTS], shapes_of_outputs_[MOST_OUTPUTS];
};

}  // namespace
