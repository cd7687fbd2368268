#include "tensorflow.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#define TENSORFLOW_DEFINE(result, name, arguments) result(*name) arguments;
TENSORFLOW_FUNCTIONS(TENSORFLOW_DEFINE)

namespace {

// In which of TensorFlow's files they are: on Linux, on macOS, on Windows since 2.20 and before.
constexpr const char* FILES[] = {"libtensorflow_framework.so.2", "libtensorflow_framework.2.dylib",
                                 "_pywrap_tensorflow_common.dll", "_pywrap_tensorflow_internal.pyd"};

#ifdef _WIN32
void* loaded(const char* file) { return GetModuleHandleA(file); }

void* find(void* in, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(in), name));
}
#else
void* loaded(const char* file) { return dlopen(file, RTLD_NOW | RTLD_NOLOAD); }

void* find(void* in, const char* name) { return dlsym(in, name); }
#endif

}  // namespace

std::string find_tensorflow() {
  void* framework = nullptr;
  for (const char* file : FILES)
    if (!framework) framework = loaded(file);
  if (!framework) return "none of the files that have its C API is loaded";
  std::string missing;
#define TENSORFLOW_FIND(result, name, arguments)                       \
  name = reinterpret_cast<result(*) arguments>(find(framework, #name)); \
  if (!name) missing += missing.empty() ? "its C API lacks " #name : ", " #name;
  TENSORFLOW_FUNCTIONS(TENSORFLOW_FIND)
  return missing;
}
