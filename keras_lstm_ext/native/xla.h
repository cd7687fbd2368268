// The part of XLA's foreign function interface that the handlers use, declared here: building needs
// no header of jaxlib's or TensorFlow's, and one binary serves both.
//
// It is a C ABI. Structs carry their size and get new fields at their ends; nothing used here lies
// behind such an end. `struct_size` and the version are looked at before anything else is.
// `tests/native/test_xla.py` compares all offsets with the header that jaxlib brings.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lstm.h"

namespace xla {

// Of the interface that this is: what was there in it is there in 0.2 and 0.3 too.
constexpr int MAJOR = 0, MINOR = 1;

enum { EXECUTE = 3 };                         // stages
enum { PRED = 1, S64 = 5, F32 = 11 };         // types
enum { BUFFER = 1 };                          // kinds of arguments and results
enum { ARRAY = 1 };                           // kinds of attributes
enum { METADATA = 1 };                        // extensions

struct Error;

struct Extension {
  size_t struct_size;
  int type;
  Extension* next;
};

struct Head {
  size_t struct_size;
  Extension* extension;
};

struct Version {
  Head head;
  int major_version, minor_version;
};

struct Metadata {
  size_t struct_size;
  Version version;
  uint32_t traits;
};

struct MetadataExtension {
  Extension base;
  Metadata* metadata;
};

struct Text {
  const char* at;
  size_t size;
};

struct ErrorArguments {
  Head head;
  const char* message;
  int code;
};

struct CallFrame;
using Handler = Error* (*)(CallFrame*);

struct RegisterArguments {
  Head head;
  Text name, platform;
  Handler instantiate, prepare, initialize, execute;
  uint32_t traits;
};

struct StreamArguments {
  Head head;
  void* context;
  void* stream;
};

struct Api {
  Head head;
  Version version;
  const void* internal;
  Error* (*create_error)(ErrorArguments*);
  void* get_message;
  void* destroy_error;
  Error* (*register_handler)(RegisterArguments*);
  Error* (*get_stream)(StreamArguments*);
};

struct Buffer {
  Head head;
  int type;
  void* data;
  int64_t rank;
  int64_t* shape;
};

struct Integers {
  int type;
  size_t size;
  void* data;
};

struct Buffers {
  Head head;
  int64_t size;
  int* kinds;
  Buffer** at;
};

struct Attributes {
  Head head;
  int64_t size;
  int* kinds;
  Text** names;
  void** at;
};

struct CallFrame {
  Head head;
  const Api* api;
  void* context;
  int stage;
  Buffers inputs, outputs;
  Attributes attributes;
};

}  // namespace xla

// What XLA calls; JAX takes them as they are.
LSTM_API xla::Error* lstm_xla_forward(xla::CallFrame*);
LSTM_API xla::Error* lstm_xla_backward(xla::CallFrame*);

// The same for a kernel on a card, whose key and number of time steps are the attribute `plan`.
LSTM_API xla::Error* lstm_xla_cuda(xla::CallFrame*);

// Registers both with the XLA that has this interface, once in a process. 0, or 1 where the
// interface is another one or refuses them.
LSTM_API int32_t lstm_xla_register(const xla::Api*);
