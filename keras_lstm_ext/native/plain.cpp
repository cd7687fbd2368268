// The C interface for a caller that has addresses only: Python's ctypes.
#include <algorithm>
#include <cstring>
#include <exception>

#include "arrays.h"

namespace {

void say(const char* text, char* message, int64_t room) {
  if (room <= 0) return;
  const size_t length = std::min<size_t>(std::strlen(text), room - 1);
  std::memcpy(message, text, length);
  message[length] = 0;
}

// From a row of numbers: address, type, rank and sizes of one array after the other.
bool parse(const int64_t* numbers, int64_t count, Array* arrays, int wanted) {
  const int64_t* const end = numbers + count;
  for (int k = 0; k < wanted; ++k) {
    if (end - numbers < 3 || numbers[2] < 0 || end - numbers - 3 < numbers[2]) return false;
    arrays[k] = {reinterpret_cast<void*>(numbers[0]), numbers[1], numbers[2], numbers + 3};
    numbers += 3 + numbers[2];
  }
  return numbers == end;
}

Outcome call(bool backward, const int64_t* words, int64_t count, const int64_t* numbers,
             int64_t length) {
  const int inputs = backward ? BACKWARD_INPUTS : FORWARD_INPUTS;
  const int outputs = backward ? BACKWARD_OUTPUTS : FORWARD_OUTPUTS;
  Array arrays[MOST_INPUTS + MOST_OUTPUTS];
  if (!parse(numbers, length, arrays, inputs + outputs))
    return {Outcome::WRONG, "a call must have " + std::to_string(inputs) + " inputs and " +
                                std::to_string(outputs) + " outputs"};
  Sequence sequence;
  const Outcome read = sequence.read(words, count);
  return read ? sequence.run(backward, arrays, arrays + inputs) : read;
}

Outcome open(const int64_t* words, int64_t count, const int64_t* numbers, int64_t length,
             Stream** stream) {
  Array arrays[FORWARD_INPUTS];
  if (!parse(numbers, length, arrays, FORWARD_INPUTS))
    return {Outcome::WRONG, "a stream must have " + std::to_string(FORWARD_INPUTS) + " inputs"};
  Sequence sequence;
  const Outcome read = sequence.read(words, count);
  return read ? sequence.open(arrays, stream) : read;
}

}  // namespace

int32_t lstm_call(int32_t backward, const int64_t* words, int64_t count, const int64_t* numbers,
                  int64_t length, char* message, int64_t room) try {
  const Outcome outcome = call(backward != 0, words, count, numbers, length);
  say(outcome.message.c_str(), message, room);
  return outcome.code;
} catch (const std::exception& error) {
  say(error.what(), message, room);
  return Outcome::NO_MEMORY;
}

int32_t lstm_open_stream(const int64_t* words, int64_t count, const int64_t* numbers,
                         int64_t length, Stream** stream, char* message, int64_t room) try {
  const Outcome outcome = open(words, count, numbers, length, stream);
  say(outcome.message.c_str(), message, room);
  return outcome.code;
} catch (const std::exception& error) {
  say(error.what(), message, room);
  return Outcome::NO_MEMORY;
}

int32_t lstm_kept_of_step(const int64_t* words, int64_t count, int64_t units, int64_t* gates,
                          int64_t* cells) try {
  Sequence sequence;
  const Outcome read = sequence.read(words, count);
  if (read) sequence.kept(units, gates, cells);
  return read.code;
} catch (const std::exception&) {
  return Outcome::NO_MEMORY;
}
