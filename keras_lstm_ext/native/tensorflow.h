// The part of TensorFlow's C API that the op uses, declared here, and found at run time in the
// framework that is already loaded: building needs no TensorFlow, and one binary serves all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

struct TF_Status;
struct TF_Tensor;
struct TF_OpDefinitionBuilder;
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
struct TF_ShapeInferenceContext;
struct TF_ShapeHandle;

enum { TF_FLOAT = 1, TF_BOOL = 10 };

using TF_Create = void* (*)(TF_OpKernelConstruction*);
using TF_Compute = void (*)(void*, TF_OpKernelContext*);
using TF_Delete = void (*)(void*);
using TF_InferShapes = void (*)(TF_ShapeInferenceContext*, TF_Status*);

// Return type, name, arguments.
#define TENSORFLOW_FUNCTIONS(F)                                                                    \
  F(TF_Status*, TF_NewStatus, ())                                                                  \
  F(void, TF_DeleteStatus, (TF_Status*))                                                           \
  F(void, TF_SetStatus, (TF_Status*, int, const char*))                                            \
  F(int, TF_GetCode, (const TF_Status*))                                                           \
  F(void*, TF_TensorData, (const TF_Tensor*))                                                      \
  F(int, TF_TensorType, (const TF_Tensor*))                                                        \
  F(int, TF_NumDims, (const TF_Tensor*))                                                           \
  F(int64_t, TF_Dim, (const TF_Tensor*, int))                                                      \
  F(void, TF_DeleteTensor, (TF_Tensor*))                                                           \
  F(TF_OpDefinitionBuilder*, TF_NewOpDefinitionBuilder, (const char*))                             \
  F(void, TF_OpDefinitionBuilderAddAttr, (TF_OpDefinitionBuilder*, const char*))                   \
  F(void, TF_OpDefinitionBuilderAddInput, (TF_OpDefinitionBuilder*, const char*))                  \
  F(void, TF_OpDefinitionBuilderAddOutput, (TF_OpDefinitionBuilder*, const char*))                 \
  F(void, TF_OpDefinitionBuilderSetShapeInferenceFunction,                                         \
    (TF_OpDefinitionBuilder*, TF_InferShapes))                                                     \
  F(void, TF_RegisterOpDefinition, (TF_OpDefinitionBuilder*, TF_Status*))                          \
  F(TF_KernelBuilder*, TF_NewKernelBuilder,                                                        \
    (const char*, const char*, TF_Create, TF_Compute, TF_Delete))                                  \
  F(void, TF_RegisterKernelBuilder, (const char*, TF_KernelBuilder*, TF_Status*))                  \
  F(void, TF_OpKernelConstruction_GetAttrSize,                                                     \
    (TF_OpKernelConstruction*, const char*, int32_t*, int32_t*, TF_Status*))                       \
  F(void, TF_OpKernelConstruction_GetAttrInt64List,                                                \
    (TF_OpKernelConstruction*, const char*, int64_t*, int, TF_Status*))                            \
  F(void, TF_OpKernelConstruction_Failure, (TF_OpKernelConstruction*, TF_Status*))                 \
  F(void, TF_GetInput, (TF_OpKernelContext*, int, TF_Tensor**, TF_Status*))                        \
  F(TF_Tensor*, TF_AllocateOutput,                                                                 \
    (TF_OpKernelContext*, int, int, const int64_t*, int, size_t, TF_Status*))                      \
  F(void, TF_OpKernelContext_Failure, (TF_OpKernelContext*, TF_Status*))                           \
  F(TF_ShapeHandle*, TF_NewShapeHandle, ())                                                        \
  F(void, TF_DeleteShapeHandle, (TF_ShapeHandle*))                                                 \
  F(void, TF_ShapeInferenceContextGetInput,                                                        \
    (TF_ShapeInferenceContext*, int, TF_ShapeHandle*, TF_Status*))                                 \
  F(void, TF_ShapeInferenceContextSetOutput,                                                       \
    (TF_ShapeInferenceContext*, int, TF_ShapeHandle*, TF_Status*))                                 \
  F(void, TF_ShapeInferenceContextWithRank,                                                        \
    (TF_ShapeInferenceContext*, TF_ShapeHandle*, int64_t, TF_ShapeHandle*, TF_Status*))            \
  F(void, TF_ShapeInferenceContextSubshape,                                                        \
    (TF_ShapeInferenceContext*, TF_ShapeHandle*, int64_t, int64_t, TF_ShapeHandle*, TF_Status*))   \
  F(void, TF_ShapeInferenceContextConcatenateShapes,                                               \
    (TF_ShapeInferenceContext*, TF_ShapeHandle*, TF_ShapeHandle*, TF_ShapeHandle*, TF_Status*))    \
  F(void, TF_ShapeInferenceContextSetUnknownShape, (TF_ShapeInferenceContext*, TF_Status*))

#define TENSORFLOW_DECLARE(result, name, arguments) extern result(*name) arguments;
TENSORFLOW_FUNCTIONS(TENSORFLOW_DECLARE)
#undef TENSORFLOW_DECLARE

// Finds all of them. Empty, or what is missing.
std::string find_tensorflow();
