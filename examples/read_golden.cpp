// A unit test of a dense layer from a golden bundle, with the C++17 standard library alone (on little-endian machines):
//   npx depthwise golden --suite layers --out golden
//   g++ -std=c++17 -o read_golden read_golden.cpp
//   ./read_golden golden/dense-normal.safetensors dense theirs.safetensors
//   npx depthwise compare golden/dense-normal.safetensors theirs.safetensors
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

// A .safetensors file as a whole; an empty one is none.
std::string contentOf(const std::string& path) {
  std::ostringstream content;
  if (!(content << std::ifstream(path, std::ios::binary).rdbuf())) throw std::runtime_error(path + ": cannot be read, or is empty");
  const std::string file = content.str();
  uint64_t length = 0;
  if (file.size() >= 8) std::memcpy(&length, file.data(), 8);
  if (length == 0 || length > file.size() - 8 || file[8] != '{') throw std::runtime_error(path + ": not a .safetensors file, or cut off");
  return file;
}

// The float32 numbers of a tensor; "inputs/NAME", "outputs/LAYER", "bounds/LAYER", "isolated/LAYER", "weights/NAME".
std::vector<float> read(const std::string& file, const std::string& name) {
  uint64_t length;
  std::memcpy(&length, file.data(), 8);
  const std::string header = file.substr(8, length);  // {"NAME":{"dtype":"F32","shape":[…],"data_offsets":[begin,end]},…}
  const size_t entry = header.find('"' + name + "\":{\"dtype\":\"F32\""), offsets = header.find("\"data_offsets\":[", entry);
  if (entry == std::string::npos || offsets == std::string::npos)
    throw std::runtime_error("there is no float32 tensor '" + name + "'; wanted a golden bundle and the name of a dense layer in it");
  char* comma;
  const uint64_t begin = std::strtoull(header.c_str() + offsets + 16, &comma, 10), end = std::strtoull(comma + 1, nullptr, 10);
  if (begin >= end || end > file.size() - 8 - length) throw std::runtime_error("'" + name + "' has no numbers, or the file is cut off");
  std::vector<float> numbers((end - begin) / 4);
  std::memcpy(numbers.data(), file.data() + 8 + length + begin, 4 * numbers.size());
  return numbers;
}

// A .safetensors file of one tensor, for depthwise compare, which gives a row of numbers the layer's shape.
void write(const std::string& path, const std::string& name, const std::vector<float>& numbers) {
  const std::string bytes = std::to_string(4 * numbers.size());
  std::string header = "{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[" + std::to_string(numbers.size()) +
                       "],\"data_offsets\":[0," + bytes + "]}}";
  header.append(-header.size() % 8, ' ');
  const uint64_t length = header.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), 8).write(header.data(), length);
  file.write(reinterpret_cast<const char*>(numbers.data()), 4 * numbers.size());
  file.close();
  if (!file) throw std::runtime_error(path + ": cannot be written");
}

// Your kernel in place of this one: y[o] = sum over i of x[i] * kernel[i][o], plus bias[o].
std::vector<float> dense(const std::vector<float>& x, const std::vector<float>& kernel, const std::vector<float>& bias) {
  std::vector<float> y(bias);
  for (size_t i = 0; i < x.size(); i++)
    for (size_t o = 0; o < y.size(); o++) y[o] += x[i] * kernel[i * y.size() + o];
  return y;
}

// How many of the layer's numbers are beyond their bounds.
size_t test(const std::string& file, const std::string& layer, const std::string& output) {
  const auto x = read(file, "inputs/input"), kernel = read(file, "weights/" + layer + "/kernel"), bias = read(file, "weights/" + layer + "/bias");
  const auto numbers = read(file, "outputs/" + layer), bounds = read(file, "isolated/" + layer);
  if (kernel.size() != x.size() * bias.size() || numbers.size() != bias.size() || bounds.size() != bias.size())
    throw std::runtime_error("'" + layer + "' is not a dense layer of one row of numbers");
  const auto theirs = dense(x, kernel, bias);
  size_t beyond = 0;
  for (size_t i = 0; i < numbers.size(); i++) {
    const bool bothNaN = std::isnan(theirs[i]) && std::isnan(numbers[i]);
    const bool within = theirs[i] == numbers[i] || std::fabs(theirs[i] - numbers[i]) <= bounds[i] || std::isinf(bounds[i]);
    if (!within && !bothNaN) beyond++;
  }
  write(output, layer, theirs);
  std::printf("%s: %.6g ± %.2g, beyond: %zu of %zu\n", layer.c_str(), numbers[0], bounds[0], beyond, numbers.size());
  return beyond;
}

int main(int count, char** arguments) {
  try {
    if (count != 4) throw std::runtime_error("usage: read_golden GOLDEN.safetensors LAYER THEIRS.safetensors");
    return test(contentOf(arguments[1]), arguments[2], arguments[3]) > 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
