// One call of a TensorFlow op: its inputs, outputs and errors.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

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

  bool good() const { return TF_GetCode(status_) == 0; }

  void fail(int code, const std::string& message) {
    if (good()) TF_SetStatus(status_, code, message.c_str());
  }

  TF_Tensor* input(int index) {
    TF_Tensor* tensor = nullptr;
    if (good()) TF_GetInput(context_, index, &tensor, status_);
    return keep(tensor);
  }

  float* output(int index, std::initializer_list<int64_t> shape) {
    if (!good()) return nullptr;
    size_t bytes = sizeof(float);
    for (int64_t size : shape) bytes *= size;
    return static_cast<float*>(data(keep(TF_AllocateOutput(
        context_, index, TF_FLOAT, shape.begin(), static_cast<int>(shape.size()), bytes,
        status_))));
  }

  // The data of an input, which must have the shape.
  const void* checked(int index, const char* name, std::initializer_list<int64_t> shape,
                      int type = TF_FLOAT) {
    TF_Tensor* tensor = input(index);
    if (!good()) return nullptr;
    bool fits = TF_TensorType(tensor) == type &&
                TF_NumDims(tensor) == static_cast<int>(shape.size());
    for (size_t k = 0; fits && k < shape.size(); ++k)
      fits = TF_Dim(tensor, static_cast<int>(k)) == shape.begin()[k];
    if (!fits)
      fail(TF_INVALID_ARGUMENT, "`" + std::string(name) + "` must have the shape " + text(shape) +
                                    ". Received: " + name + " of shape " + text(tensor));
    return data(tensor);
  }

  const float* floats(int index, const char* name, std::initializer_list<int64_t> shape) {
    return static_cast<const float*>(checked(index, name, shape));
  }

  static std::string text(const TF_Tensor* tensor) {
    std::string result;
    for (int k = 0; k < TF_NumDims(tensor); ++k)
      result += (k ? ", " : "") + std::to_string(TF_Dim(tensor, k));
    return "(" + result + ")";
  }

 private:
  static std::string text(std::initializer_list<int64_t> shape) {
    std::string result;
    for (int64_t size : shape) result += (result.empty() ? "" : ", ") + std::to_string(size);
    return "(" + result + ")";
  }

  static void* data(TF_Tensor* tensor) { return tensor ? TF_TensorData(tensor) : nullptr; }

  TF_Tensor* keep(TF_Tensor* tensor) {
    if (tensor) tensors_.push_back(tensor);
    return tensor;
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> tensors_;
};

}  // namespace
