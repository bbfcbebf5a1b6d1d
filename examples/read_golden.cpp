// Reads one layer of a golden bundle with the C++17 standard library alone (on little-endian machines):
//   g++ -std=c++17 -o read_golden read_golden.cpp && ./read_golden conv2d-normal.safetensors conv2d
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

// The float32 numbers of a tensor; "inputs/NAME", "outputs/LAYER", "bounds/LAYER", "weights/NAME".
std::vector<float> read(const std::string& file, const std::string& name) {
  uint64_t length;
  std::memcpy(&length, file.data(), 8);
  const std::string header = file.substr(8, length);  // {"NAME":{"dtype":"F32","shape":[…],"data_offsets":[begin,end]},…}
  const size_t entry = header.find('"' + name + "\":{\"dtype\":\"F32\"");
  if (entry == std::string::npos) throw std::runtime_error("no float32 tensor " + name);
  const size_t offsets = header.find("\"data_offsets\":[", entry) + 16;
  char* comma;
  const uint64_t begin = std::strtoull(header.c_str() + offsets, &comma, 10), end = std::strtoull(comma + 1, nullptr, 10);
  std::vector<float> numbers((end - begin) / 4);
  std::memcpy(numbers.data(), file.data() + 8 + length + begin, end - begin);
  return numbers;
}

int main(int, char** arguments) {
  std::ifstream stream(arguments[1], std::ios::binary);
  const std::string file((std::istreambuf_iterator<char>(stream)), {}), layer = arguments[2];
  const auto numbers = read(file, "outputs/" + layer), bounds = read(file, "bounds/" + layer);
  const auto theirs = numbers;  // your backend's numbers in place of these
  size_t beyond = 0;
  for (size_t i = 0; i < numbers.size(); i++) {
    const bool bothNaN = std::isnan(theirs[i]) && std::isnan(numbers[i]);
    const bool within = theirs[i] == numbers[i] || std::fabs(theirs[i] - numbers[i]) <= bounds[i] || std::isinf(bounds[i]);
    if (!within && !bothNaN) beyond++;
  }
  std::printf("%s: %.6g ± %.2g, beyond: %zu of %zu\n", layer.c_str(), numbers[0], bounds[0], beyond, numbers.size());
}
