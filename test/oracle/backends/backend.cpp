// An independent backend for V1 and V2, with mistakes to choose from: reads a golden bundle, walks its network, writes every tensor.
//   g++ -std=c++17 -O2 -o backend backend.cpp && ./backend golden.safetensors theirs.safetensors [MISTAKE]
// C++17's standard library alone, on little-endian machines. With a MISTAKE it is wrong in one way, the way somebody else's backend was.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

static std::string mistake;
static bool is(const char* name) { return mistake == name; }

// ---- JSON, as far as manifests need it ----
struct Json {
  double number = 0;
  std::string text;
  std::vector<Json> items;
  std::map<std::string, Json> fields;
  std::vector<std::string> order;
  bool has(const std::string& name) const { return fields.count(name) > 0; }
  const Json& operator[](const std::string& name) const { return fields.at(name); }
};

struct Parser {
  const std::string& s;
  size_t at = 0;
  explicit Parser(const std::string& text) : s(text) {}
  void space() { while (at < s.size() && std::isspace((unsigned char)s[at])) at++; }
  std::string string() {
    std::string out;
    for (at++; s[at] != '"'; at++) {
      if (s[at] != '\\') { out += s[at]; continue; }
      const char c = s[++at];
      if (c == 'u') { out += (char)std::stoi(s.substr(at + 1, 4), nullptr, 16); at += 4; }
      else out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
    at++;
    return out;
  }
  Json value() {
    Json json;
    space();
    if (s[at] == '{' || s[at] == '[') {
      const bool object = s[at] == '{';
      at++;
      for (space(); s[at] != '}' && s[at] != ']'; space()) {
        if (s[at] == ',') { at++; space(); }
        if (object) {
          const std::string name = string();
          space();
          at++;  // ':'
          json.order.push_back(name);
          json.fields[name] = value();
        } else json.items.push_back(value());
      }
      at++;
    } else if (s[at] == '"') json.text = string();
    else if (std::isalpha((unsigned char)s[at])) {
      const size_t begin = at;
      while (std::isalpha((unsigned char)s[at])) at++;
      json.number = s.compare(begin, 4, "true") == 0;
    } else {
      size_t length;
      json.number = std::stod(s.substr(at, 32), &length);
      at += length;
    }
    return json;
  }
};

// ---- tensors: NHWC, or [N, C] ----
struct Tensor {
  std::vector<int> shape;
  std::vector<float> data;
  Tensor() = default;
  explicit Tensor(std::vector<int> of) : shape(std::move(of)) {
    size_t size = 1;
    for (int each : shape) size *= each;
    data.resize(size);
  }
  int n() const { return shape[0]; }
  int h() const { return shape.size() == 4 ? shape[1] : 1; }
  int w() const { return shape.size() == 4 ? shape[2] : 1; }
  int c() const { return shape.back(); }
  float get(int b, int y, int x, int ch) const { return data[((size_t)(b * h() + y) * w() + x) * c() + ch]; }
  float& set(int b, int y, int x, int ch) { return data[((size_t)(b * h() + y) * w() + x) * c() + ch]; }
};
using Tensors = std::map<std::string, Tensor>;

struct File {
  std::string bytes;
  Json header;
  size_t begin;
  explicit File(const char* path) {
    std::ifstream stream(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(stream), {});
    uint64_t length;
    std::memcpy(&length, bytes.data(), 8);
    const std::string text = bytes.substr(8, length);
    header = Parser(text).value();
    begin = 8 + length;
  }
  Tensor tensor(const std::string& name) const {
    const Json& entry = header[name];
    std::vector<int> shape;
    for (const Json& size : entry["shape"].items) shape.push_back((int)size.number);
    Tensor x(shape);
    std::memcpy(x.data.data(), bytes.data() + begin + (size_t)entry["data_offsets"].items[0].number, 4 * x.data.size());
    return x;
  }
};

static void write(const char* path, const std::vector<std::string>& names, const Tensors& tensors) {
  std::string header = "{", data;
  for (const auto& name : names) {
    const Tensor& x = tensors.at(name);
    std::string shape;
    for (int size : x.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    const size_t from = data.size();
    data.append(reinterpret_cast<const char*>(x.data.data()), 4 * x.data.size());
    header += (header.size() > 1 ? ",\"" : "\"") + name + "\":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[" +
              std::to_string(from) + "," + std::to_string(data.size()) + "]}";
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  const uint64_t length = header.size();
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&length), 8).write(header.data(), length).write(data.data(), data.size());
}

/** Rounded to a float16's 11 bits; the numbers here are neither tiny nor huge. */
static float half(float x) {
  int exponent;
  const float fraction = std::frexp(x, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, 11)), exponent - 11);
}

// ---- layers ----
struct Window {
  int size[2], stride[2], dilation[2], before[2], out[2];
};

static Window windowOf(const Json& attributes, const Tensor& x) {
  Window its;
  const int in[2] = {x.h(), x.w()};
  for (int a = 0; a < 2; a++) {
    its.size[a] = (int)attributes["kernelSize"].items[a].number;
    its.stride[a] = (int)attributes["strides"].items[a].number;
    its.dilation[a] = is("dilation") ? 1 : (int)attributes["dilation"].items[a].number;
    const int span = ((int)attributes["kernelSize"].items[a].number - 1) * (int)attributes["dilation"].items[a].number + 1;
    const Json& padding = attributes["padding"];
    int before = 0, after = 0;
    if (padding.text == "same") {
      its.out[a] = (in[a] + its.stride[a] - 1) / its.stride[a];
      const int total = std::max(0, (its.out[a] - 1) * its.stride[a] + span - in[a]);
      before = total / 2;
      if (is("padding") && its.stride[a] == 2) before = span / 2;
      if (is("late stride") && its.stride[a] == 2) before--;
    } else {
      if (padding.text != "valid") {
        before = (int)padding[a == 0 ? "top" : "left"].number;
        after = (int)padding[a == 0 ? "bottom" : "right"].number;
      }
      its.out[a] = (in[a] + before + after - span) / its.stride[a] + 1;
    }
    its.before[a] = before;
  }
  return its;
}

static Tensor convolution(const std::string& kind, const Json& attributes, const Tensor& x, const Tensor& k, const Tensor* bias) {
  const bool deep = kind == "depthwiseConv2d";
  Window its = {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {x.h(), x.w()}};
  if (kind == "conv2d" || deep) its = windowOf(attributes, x);
  const int O = deep ? x.c() : k.shape.back(), I = x.c();
  Tensor y(x.shape.size() == 2 ? std::vector<int>{x.n(), O} : std::vector<int>{x.n(), its.out[0], its.out[1], O});
  const int whole = is("tail") && deep ? O / 4 * 4 : O;  // the vector loop, without the loop for the rest
  std::vector<float> sums(O);
  for (int b = 0; b < x.n(); b++)
    for (int oy = 0; oy < its.out[0]; oy++)
      for (int ox = 0; ox < its.out[1]; ox++) {
        if (is("last column") && deep && its.out[1] > 2 && ox == its.out[1] - 1) continue;  // a loop that ends too early
        const bool kept = is("accumulator") && deep && b > 0;  // sums that the second picture goes on with
        if (!kept) for (int o = 0; o < O; o++) sums[o] = bias ? bias->data[o] : 0;
        else for (int o = 0; o < O; o++) sums[o] = y.get(b - 1, oy, ox, o);
        for (int i = 0; i < its.size[0]; i++)
          for (int j = 0; j < its.size[1]; j++) {
            int iy = oy * its.stride[0] + i * its.dilation[0] - its.before[0];
            int ix = ox * its.stride[1] + j * its.dilation[1] - its.before[1];
            if (is("border")) { iy = std::min(std::max(iy, 0), x.h() - 1); ix = std::min(std::max(ix, 0), x.w() - 1); }
            if (iy < 0 || iy >= x.h() || ix < 0 || ix >= x.w()) continue;
            int ki = i, kj = j;
            if (is("depthwise kernel transposed") && deep) std::swap(ki, kj);
            if (deep) {
              for (int o = 0; o < whole; o++) sums[o] += x.get(b, iy, ix, o) * k.data[(size_t)(ki * its.size[1] + kj) * O + o];
            } else {
              const float* tap = k.data.data() + (size_t)(ki * its.size[1] + kj) * I * O;
              for (int c = 0; c < I; c++) {
                const int source = is("bgr") && I == 3 ? 2 - c : c;
                const float value = x.get(b, iy, ix, source);
                for (int o = 0; o < O; o++) {
                  const bool turned = is("pointwise kernel transposed") && kind == "pointwiseConv2d";
                  const float product = value * tap[turned ? (size_t)o * I + c : (size_t)c * O + o];
                  sums[o] = is("half sums") ? half(sums[o] + half(product)) : sums[o] + product;
                }
              }
            }
          }
        for (int o = 0; o < whole; o++) y.set(b, oy, ox, o) = sums[o];
      }
  return y;
}

static Tensor batchNorm(const Json& attributes, const Tensor& x, const Tensor* gamma, const Tensor* beta, const Tensor& mean, const Tensor& variance) {
  const float epsilon = is("epsilon") ? 1e-5f : (float)attributes["epsilon"].number;
  Tensor y(x.shape);
  for (size_t i = 0; i < x.data.size(); i++) {
    const int c = i % x.c();
    float scale = 1 / std::sqrt(variance.data[c] + epsilon);
    if (gamma && !is("gamma")) scale *= gamma->data[c];
    const float centred = is("mean") ? x.data[i] + mean.data[c] : x.data[i] - mean.data[c];
    y.data[i] = centred * scale + (beta && !is("beta") ? beta->data[c] : 0);
  }
  return y;
}

static Tensor softmax(const Tensor& x) {
  Tensor y(x.shape);
  for (int b = 0; b < x.n(); b++) {
    const float* row = x.data.data() + b * x.c();
    const float largest = *std::max_element(row, row + x.c());
    float sum = 0;
    for (int c = 0; c < x.c(); c++) sum += y.data[b * x.c() + c] = std::exp(row[c] - largest);
    for (int c = 0; c < x.c(); c++) y.data[b * x.c() + c] /= sum;
    if (is("labels")) std::rotate(y.data.begin() + b * x.c(), y.data.begin() + b * x.c() + 1, y.data.begin() + (b + 1) * x.c());
  }
  return y;
}

static Tensor run(const Json& node, const std::vector<const Tensor*>& x, const Tensors& weights) {
  const std::string kind = node["kind"].text;
  static const Json none;
  const Json& attributes = node.has("attributes") ? node["attributes"] : none;
  const auto weight = [&](const char* name) -> const Tensor* {
    const auto found = weights.find(node["name"].text + "/" + name);
    return found == weights.end() ? nullptr : &found->second;
  };
  if (kind == "conv2d" || kind == "depthwiseConv2d" || kind == "pointwiseConv2d" || kind == "dense") {
    const Tensor* bias = weight("bias");
    return convolution(kind, attributes, *x[0], *weight("kernel"), is("classifier bias") ? nullptr : bias);
  }
  if (kind == "batchNorm") return batchNorm(attributes, *x[0], weight("gamma"), weight("beta"), *weight("movingMean"), *weight("movingVariance"));
  if (kind == "softmax") return softmax(*x[0]);
  Tensor y = *x[0];
  if (kind == "relu6" || kind == "relu") {
    for (float& value : y.data) value = std::max(value, 0.0f);
    if (kind == "relu6" && !is("relu")) for (float& value : y.data) value = std::min(value, 6.0f);
  } else if (kind == "add") {
    for (size_t i = 0; i < y.data.size(); i++) y.data[i] += x[1]->data[i];
  } else if (kind == "globalAveragePool") {
    y = Tensor(attributes["keepDims"].number ? std::vector<int>{x[0]->n(), 1, 1, x[0]->c()} : std::vector<int>{x[0]->n(), x[0]->c()});
    for (int b = 0; b < x[0]->n(); b++)
      for (int c = 0; c < x[0]->c(); c++) {
        float sum = 0;
        for (int i = 0; i < x[0]->h(); i++) for (int j = 0; j < x[0]->w(); j++) sum += x[0]->get(b, i, j, c);
        y.data[b * x[0]->c() + c] = sum / (x[0]->h() * x[0]->w());
      }
  } else if (kind == "pad") {
    const Json& around = attributes["padding"];
    const int top = around["top"].number, bottom = around["bottom"].number, left = around["left"].number, right = around["right"].number;
    y = Tensor({x[0]->n(), x[0]->h() + top + bottom, x[0]->w() + left + right, x[0]->c()});
    for (int b = 0; b < y.n(); b++)
      for (int i = 0; i < x[0]->h(); i++)
        for (int j = 0; j < x[0]->w(); j++)
          for (int c = 0; c < y.c(); c++) y.set(b, i + top, j + left, c) = x[0]->get(b, i, j, c);
  } else if (kind == "flatten" || kind == "reshape") {
    y.shape = {x[0]->n(), (int)x[0]->data.size() / x[0]->n()};
    if (kind == "reshape" && attributes["shape"].items.size() == 3) y.shape = {x[0]->n(), 1, 1, x[0]->c()};
  } else if (kind != "dropout") throw std::runtime_error("no layer of kind " + kind);
  return y;
}

int main(int count, char** arguments) {
  if (count > 3) mistake = arguments[3];
  const File file(arguments[1]);
  const Json manifest = Parser(file.header["__metadata__"]["depthwise.golden"].text).value();
  Tensors known, weights;
  for (const auto& name : file.header.order) {
    if (name.rfind("inputs/", 0) == 0) known[name.substr(7)] = file.tensor(name);
    if (name.rfind("weights/", 0) == 0) weights[name.substr(8)] = file.tensor(name);
  }
  std::vector<std::string> names;
  for (const Json& node : manifest["network"]["nodes"].items) {
    std::vector<const Tensor*> x;
    for (const Json& input : node["inputs"].items) x.push_back(&known.at(input.text));
    const std::string name = node["name"].text;
    Tensor y = run(node, x, weights);
    // A thread that writes its last pixel before the others have read theirs.
    if (is("race") && node["kind"].text == "depthwiseConv2d" && names.size() > 8 && names.size() < 12)
      for (int c = 0; c < y.c(); c++) y.data[y.data.size() - 1 - c] += 0.5f;
    known[name] = y;
    names.push_back(name);
  }
  write(arguments[2], names, known);
}
