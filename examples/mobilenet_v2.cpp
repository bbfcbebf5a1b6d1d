// MobileNet V2 in C++17 as a backend of its own: channels first, batch norms folded, activations fused. It writes a raw file for each layer
// that it has.
//   npx depthwise golden --suite mobilenet --out golden
//   g++ -std=c++17 -O2 -o mobilenet_v2 mobilenet_v2.cpp && mkdir theirs
//   ./mobilenet_v2 golden/mobilenet_v2_0.25_32_keras.safetensors theirs
//   npx depthwise compare golden/mobilenet_v2_0.25_32_keras.safetensors theirs --layout nchw
#include <algorithm>
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
using Numbers = std::vector<float>;
struct Map { int c, h, w; Numbers x; };

static std::string path, file, folder;

[[noreturn]] static void fail(const std::string& what) { throw std::runtime_error(path + ": " + what); }

static uint64_t load() {
  std::ostringstream content;
  if (!(content << std::ifstream(path, std::ios::binary).rdbuf())) fail("cannot be read, or is empty");
  file = content.str();
  uint64_t length = 0;
  if (file.size() >= 8) std::memcpy(&length, file.data(), 8);
  if (length == 0 || length > file.size() - 8 || file[8] != '{') fail("not a .safetensors file, or cut off");
  return length;
}

// A tensor's numbers and, if wanted, its shape. The header is {"NAME":{"dtype":"F32","shape":[…],"data_offsets":[begin,end]},…}
static Numbers read(const std::string& name, std::vector<size_t>* shape = nullptr) {
  static const uint64_t length = load();
  static const std::string header = file.substr(8, length);
  const std::string start = '"' + name + "\":{\"dtype\":\"F32\",\"shape\":[", middle = "\"data_offsets\":[";
  const size_t entry = header.find(start), offsets = header.find(middle, entry);
  if (entry == std::string::npos || offsets == std::string::npos)
    fail("has no float32 tensor '" + name + "'; wanted a bundle of a MobileNet V2 with Keras's names");
  char* at = const_cast<char*>(header.c_str()) + entry + start.size() - 1;
  while (shape && (*at == '[' || *at == ',')) shape->push_back(std::strtoull(at + 1, &at, 10));
  const uint64_t begin = std::strtoull(header.c_str() + offsets + middle.size(), &at, 10), end = std::strtoull(at + 1, nullptr, 10);
  if (begin >= end || end > file.size() - 8 - length) fail("'" + name + "' has no numbers, or the file is cut off");
  Numbers numbers((end - begin) / 4);
  std::memcpy(numbers.data(), file.data() + 8 + length + begin, 4 * numbers.size());
  return numbers;
}

static Numbers read(const std::string& name, size_t wanted) {
  const Numbers numbers = read(name);
  if (numbers.size() != wanted)
    fail("'" + name + "' has " + std::to_string(numbers.size()) + " numbers, wanted " + std::to_string(wanted));
  return numbers;
}

static Map shown(const std::string& name, Map y) {
  const std::string to = folder + "/" + name + ".f32";
  std::ofstream stream(to, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(y.x.data()), 4 * y.x.size());
  stream.close();
  if (!stream) throw std::runtime_error(to + ": cannot be written; the folder must exist");
  return y;
}

// Scale and offset of a batch norm: gamma / sqrt(variance + epsilon), beta - mean * scale.
struct Affine { Numbers scale, offset; };
static Affine folded(const std::string& name) {
  const Numbers gamma = read("weights/" + name + "/gamma"), beta = read("weights/" + name + "/beta", gamma.size());
  const Numbers mean = read("weights/" + name + "/movingMean", gamma.size());
  const Numbers variance = read("weights/" + name + "/movingVariance", gamma.size());
  Affine a;
  for (size_t i = 0; i < gamma.size(); i++) {
    a.scale.push_back(gamma[i] / std::sqrt(variance[i] + 1e-3f));
    a.offset.push_back(beta[i] - mean[i] * a.scale[i]);
  }
  return a;
}

// A convolution of k x k with TensorFlow's 'same' padding; grouped: one kernel for each channel. Kernels are HWIO or HWC.
// Without an activation, `activation` is empty, and the tensor has its batch norm's name.
static Map conv(const Map& x, const std::string& name, const std::string& norm, const std::string& activation, int k,
                int stride, bool grouped) {
  const Affine a = folded(norm);
  const int out = a.scale.size(), in = grouped ? 1 : x.c;
  if (grouped && out != x.c) fail("'" + norm + "' has " + std::to_string(out) + " channels, wanted " + std::to_string(x.c));
  const Numbers kernel = read("weights/" + name + "/kernel", size_t(k) * k * in * out);
  const int h = (x.h + stride - 1) / stride, w = (x.w + stride - 1) / stride;
  const int top = std::max((h - 1) * stride + k - x.h, 0) / 2, left = std::max((w - 1) * stride + k - x.w, 0) / 2;
  Map y{out, h, w, Numbers(size_t(out) * h * w)};
  for (int o = 0; o < out; o++)
    for (int r = 0; r < h; r++)
      for (int c = 0; c < w; c++) {
        float sum = a.offset[o];
        for (int i = 0; i < in; i++)
          for (int p = 0; p < k; p++)
            for (int q = 0; q < k; q++) {
              const int row = r * stride + p - top, column = c * stride + q - left;
              if (row < 0 || row >= x.h || column < 0 || column >= x.w) continue;
              const float weight = kernel[((p * k + q) * in + i) * out + o];
              sum += x.x[((grouped ? o : i) * x.h + row) * x.w + column] * (weight * a.scale[o]);
            }
        y.x[(o * h + r) * w + c] = activation.empty() ? sum : std::min(std::max(sum, 0.f), 6.f);
      }
  return shown(activation.empty() ? norm : activation, y);
}

static void run() {
  std::vector<size_t> shape;
  const Numbers picture = read("inputs/input", &shape);
  if (shape.size() != 4 || shape[0] != 1 || shape[3] != 3 || picture.size() != shape[1] * shape[2] * 3)
    fail("'inputs/input' is not one picture of the shape [1, height, width, 3]");
  Map x{3, int(shape[1]), int(shape[2]), Numbers(picture.size())};
  const int pixels = x.h * x.w;
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < pixels; i++) x.x[c * pixels + i] = picture[i * 3 + c];
  x = conv(x, "Conv1", "bn_Conv1", "Conv1_relu", 3, 2, false);
  const int repeats[] = {1, 2, 3, 4, 3, 3, 1}, strides[] = {1, 2, 2, 2, 1, 2, 1};
  int number = 0;
  for (int stage = 0; stage < 7; stage++)
    for (int i = 0; i < repeats[stage]; i++, number++) {
      const std::string block = number == 0 ? "expanded_conv" : "block_" + std::to_string(number);
      const Map before = x;
      if (number > 0) x = conv(x, block + "_expand", block + "_expand_BN", block + "_expand_relu", 1, 1, false);
      const int stride = i == 0 ? strides[stage] : 1;
      x = conv(x, block + "_depthwise", block + "_depthwise_BN", block + "_depthwise_relu", 3, stride, true);
      x = conv(x, block + "_project", block + "_project_BN", "", 1, 1, false);
      if (stride == 1 && before.c == x.c) {
        for (size_t j = 0; j < x.x.size(); j++) x.x[j] += before.x[j];
        x = shown(block + "_add", x);
      }
    }
  x = conv(x, "Conv_1", "Conv_1_bn", "out_relu", 1, 1, false);
  Map mean{x.c, 1, 1, Numbers(x.c)};
  for (int c = 0; c < x.c; c++) {
    for (int i = 0; i < x.h * x.w; i++) mean.x[c] += x.x[c * x.h * x.w + i];
    mean.x[c] /= x.h * x.w;
  }
  shown("global_average_pooling2d", mean);
  const Numbers bias = read("weights/predictions/bias");
  const Numbers kernel = read("weights/predictions/kernel", mean.c * bias.size());
  Map y{int(bias.size()), 1, 1, bias};
  for (int i = 0; i < mean.c; i++)
    for (int o = 0; o < y.c; o++) y.x[o] += mean.x[i] * kernel[i * y.c + o];
  shown("predictions", y);
  const float largest = *std::max_element(y.x.begin(), y.x.end());
  float total = 0;
  for (float& e : y.x) total += e = std::exp(e - largest);
  for (float& e : y.x) e /= total;
  shown("predictions_softmax", y);
}

int main(int count, char** arguments) {
  try {
    if (count != 3) throw std::runtime_error("usage: mobilenet_v2 GOLDEN.safetensors FOLDER");
    path = arguments[1];
    folder = arguments[2];
    run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
