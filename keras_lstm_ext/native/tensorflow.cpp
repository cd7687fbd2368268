#include "tensorflow.h"

#include <dlfcn.h>

#include <initializer_list>

#define TENSORFLOW_DEFINE(result, name, arguments) result(*name) arguments;
TENSORFLOW_FUNCTIONS(TENSORFLOW_DEFINE)

bool find_tensorflow() {
  void* framework = nullptr;
  for (const char* file : {"libtensorflow_framework.so.2", "libtensorflow_framework.2.dylib"})
    if (!framework) framework = dlopen(file, RTLD_NOW | RTLD_NOLOAD);
  if (!framework) return false;
  bool all = true;
#define TENSORFLOW_FIND(result, name, arguments)                       \
  name = reinterpret_cast<result(*) arguments>(dlsym(framework, #name)); \
  all = all && name;
  TENSORFLOW_FUNCTIONS(TENSORFLOW_FIND)
  return all;
}
