// A unit test of a dense layer from a golden bundle, with the C++17 standard library alone (on little-endian machines):
//   npx depthwise golden --suite layers --out golden
//   g++ -std=c++17 -o read_golden read_golden.cpp
//   ./read_golden golden/dense-normal.safetensors dense theirs.safetensors
//   npx depthwise compare golden/dense-normal.safetensors theirs.safetensors
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

// The float32 numbers of a tensor; "inputs/NAME", "outputs/LAYER", "bounds/LAYER", "isolated/LAYER", "weights/NAME".
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

// A .safetensors file of one tensor, for depthwise compare, which gives a row of numbers the layer's shape.
void write(const char* path, const std::string& name, const std::vector<float>& numbers) {
  const std::string bytes = std::to_string(4 * numbers.size());
  std::string header = "{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[" + std::to_string(numbers.size()) +
                       "],\"data_offsets\":[0," + bytes + "]}}";
  header.append(-header.size() % 8, ' ');
  const uint64_t length = header.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), 8).write(header.data(), length);
  file.write(reinterpret_cast<const char*>(numbers.data()), 4 * numbers.size());
}

// Your kernel in place of this one: y[o] = sum over i of x[i] * kernel[i][o], plus bias[o].
std::vector<float> dense(const std::vector<float>& x, const std::vector<float>& kernel, const std::vector<float>& bias) {
  std::vector<float> y(bias);
  for (size_t i = 0; i < x.size(); i++)
    for (size_t o = 0; o < y.size(); o++) y[o] += x[i] * kernel[i * y.size() + o];
  return y;
}

int main(int count, char** arguments) {
  std::ifstream stream(count == 4 ? arguments[1] : "", std::ios::binary);
  if (!stream) {
    std::fprintf(stderr, count == 4 ? "cannot read %s\n" : "usage: read_golden GOLDEN.safetensors LAYER THEIRS.safetensors\n", arguments[1]);
    return 2;
  }
  const std::string file((std::istreambuf_iterator<char>(stream)), {}), layer = arguments[2];
  const auto kernel = read(file, "weights/" + layer + "/kernel"), bias = read(file, "weights/" + layer + "/bias");
  const auto theirs = dense(read(file, "inputs/input"), kernel, bias);
  const auto numbers = read(file, "outputs/" + layer), bounds = read(file, "isolated/" + layer);
  size_t beyond = 0;
  for (size_t i = 0; i < numbers.size(); i++) {
    const bool bothNaN = std::isnan(theirs[i]) && std::isnan(numbers[i]);
    const bool within = theirs[i] == numbers[i] || std::fabs(theirs[i] - numbers[i]) <= bounds[i] || std::isinf(bounds[i]);
    if (!within && !bothNaN) beyond++;
  }
  write(arguments[3], layer, theirs);
  std::printf("%s: %.6g ± %.2g, beyond: %zu of %zu\n", layer.c_str(), numbers[0], bounds[0], beyond, numbers.size());
  return beyond > 0;
}
