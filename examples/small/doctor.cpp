// Small networks that lose accuracy as int8, each for another reason: what diagnose says, and what the cure does.
#include <cmath>
#include <cstdio>
#include <functional>
#include <octet/comparison/diagnosis.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>
#include <random>

using namespace octet;

namespace {

using Images = std::vector<Tensor<float>>;
using Factors = std::function<double(std::int64_t)>;  // of a channel

double same(std::int64_t) { return 1; }

/// Uniform random numbers, the same with every compiler.
class Numbers {
 public:
  explicit Numbers(unsigned seed) : random_(seed) {}
  double operator()(double low, double high) { return low + (high - low) * static_cast<double>(random_()) * 0x1p-32; }

 private:
  std::mt19937 random_;
};

/// Reddish images with pixels from 0 to `most`, some darker than others.
Images images(int count, double most, unsigned seed = 1) {
  constexpr double color[3] = {1, 0.8, 0.6};
  Numbers random(seed);
  Images all;
  for (int i = 0; i < count; ++i) {
    all.emplace_back(Shape{1, 16, 16, 3});
    const double bright = most * random(0.5, 1);
    for (std::int64_t k = 0; k < all.back().size(); ++k)
      all.back()[k] = static_cast<float>(bright * color[k % 3] * random(0, 1));
  }
  return all;
}

/// The same with the colors in reverse order.
Images reversed(Images all) {
  for (Tensor<float>& x : all)
    for (std::int64_t k = 0; k < x.size(); k += 3) std::swap(x[k], x[k + 2]);
  return all;
}

/// A network with an image of 16 x 16 pixels as its input.
class Net {
 public:
  Net() { x_ = graph_.add_input("image", {Shape::unknown, 16, 16, 3}); }

  int input() const { return x_; }
  Graph& graph() { return graph_; }
  /// A 1x1 convolution; weights from output channel o and input channel i are multiplied by rows(o) * columns(i).
  int conv(const std::string& name, int x, std::int64_t out, const Factors& rows = same, const Factors& columns = same,
           double bias = 0) {
    const std::int64_t in = graph_.value(x).shape.back();
    Tensor<float> w({out, 1, 1, in}), b({out});
    const double size = std::sqrt(3.0 / static_cast<double>(in));
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t i = 0; i < in; ++i)
        w[o * in + i] = static_cast<float>(random_(-size, size) * rows(o) * columns(i));
      b[o] = static_cast<float>(bias * rows(o));
    }
    return graph_.add(
        name, Convolution(),
        {x, graph_.add_constant(name + ".weight", std::move(w)), graph_.add_constant(name + ".bias", std::move(b))});
  }
  int relu(const std::string& name, int x) { return graph_.add(name, Unary(UnaryKind::clip, 0, INFINITY), {x}); }
  Model finish(int output) {
    graph_.outputs = {output};
    return std::move(graph_);
  }

 private:
  Graph graph_;
  int x_;
  Numbers random_{7};
};

/// Signal to noise at the output, in dB.
double sqnr(const Model& model, const Model& small, const Images& samples) {
  Executor exact(model), rounded(small);
  double signal = 0, noise = 1e-30;
  for (const Tensor<float>& x : samples) {
    const Tensor<float> a = exact(x), b = rounded(x);
    for (std::int64_t i = 0; i < a.size(); ++i) {
      const double e = static_cast<double>(a[i]) - static_cast<double>(b[i]);
      signal += static_cast<double>(a[i]) * static_cast<double>(a[i]);
      noise += e * e;
    }
  }
  return 10 * std::log10(signal / noise);
}

/// A quantized model, the calibration that it was made with, and the images that it gets.
struct Patient {
  Calibration calibration;
  Int8Options options;
  Images photos;
};

void show(const char* title, const Model& model, const Patient& ill, const Patient& cured) {
  const Model small = quantize<int8>(model, ill.calibration, ill.options);
  DiagnosisOptions options;
  options.below_db = 40;
  options.most = 1;
  std::printf("== %s\n", title);
  for (const Diagnosis& d : diagnose(model, small, ill.calibration, ill.photos, options))
    std::printf("%s: %.1f dB -> %.1f dB  %s\n    %s\n    cure: %s\n", d.layer.c_str(), d.input_db, d.output_db,
                name(d.cause), d.numbers.c_str(), d.cure.c_str());
  std::printf("the output has %.1f dB; after the cure %.1f dB\n\n", sqnr(model, small, ill.photos),
              sqnr(model, quantize<int8>(model, cured.calibration, cured.options), cured.photos));
}

Int8Options with(Equalize equalize) {
  Int8Options o;
  o.equalize = equalize;
  return o;
}

/// Two convolutions; the channels between them are multiplied by `factors`.
Model chain(const Factors& factors) {
  Net n;
  const int a = n.relu("relu", n.conv("first", n.input(), 16, factors));
  return n.finish(n.conv("second", a, 8, same, [&](std::int64_t c) { return 1 / factors(c); }));
}

void channels() {
  const Images photos = images(32, 1);
  const auto both = [&](const char* title, const Model& m) {
    const Calibration c = calibrate(m, images(32, 1, 2));
    show(title, m, {c, with(Equalize::never), photos}, {c, with(Equalize::where_better), photos});
  };
  both("an outlier channel", chain([](std::int64_t c) { return c == 7 ? 100.0 : 1.0; }));
  both("uneven channels", chain([](std::int64_t c) { return std::exp2(static_cast<double>(c % 8)); }));
  Net n;
  const int a = n.conv("a", n.input(), 8, [](std::int64_t) { return 0.01; });
  const int b = n.conv("b", n.input(), 8);
  const int joined = n.graph().add("join", Concat(3), {a, b});
  both("unlike ranges at a join",
       n.finish(n.conv("last", joined, 8, same, [](std::int64_t c) { return c < 8 ? 100.0 : 1.0; })));
}

void calibrations() {
  const Model m = chain(same);
  const Images photos = images(32, 1), dark = images(32, 0.72, 2), pixels = images(32, 255);
  const Calibration right = calibrate(m, images(32, 1, 2));
  show("a saturating range: calibrated with dark images", m, {calibrate(m, dark), {}, photos}, {right, {}, photos});
  show("few calibration images", m, {calibrate(m, images(1, 1, 2)), {}, photos}, {right, {}, photos});
  show("another range of the input: calibrated with [0, 1], used with [0, 255]", m, {right, {}, pixels},
       {right, {}, photos});
  show("another order of the channels", m, {calibrate(m, reversed(images(32, 1, 2))), {}, photos}, {right, {}, photos});
  Net n;  // its biases are for pixels up to 255
  const int hidden = n.relu("relu", n.conv("first", n.input(), 16, same, same, -100));
  const Model trained = n.finish(n.conv("second", hidden, 8));
  const Images small = images(32, 140);
  show("dead channels: a model for [0, 255], used with darker pixels", trained, {calibrate(trained, small), {}, small},
       {calibrate(trained, pixels), {}, pixels});
}

void layers() {
  Int8Options kept;
  const Images photos = images(32, 1);
  {
    Net n;
    const int x = n.relu("relu", n.conv("features", n.input(), 16));
    const int mean = n.graph().add("mean", Reduce(ReduceKind::mean, {1, 2}, true), {x});
    const int squeezed = n.relu("squeeze_relu", n.conv("squeeze", mean, 8));
    const int scale =
        n.graph().add("gate", Unary(UnaryKind::sigmoid), {n.conv("excite", squeezed, 16, same, same, -5)});
    const int y = n.graph().add("scaled", Binary(BinaryKind::mul), {x, scale});
    const Model m = n.finish(n.conv("last", y, 8));
    const Calibration c = calibrate(m, images(32, 1, 2));
    kept.keep_float = {"mean", "squeeze", "excite", "gate"};
    show("a gate (squeeze and excite)", m, {c, {}, photos}, {c, kept, photos});
  }
  {
    Net n;
    const int a = n.conv("left", n.input(), 8, same, same, 300), b = n.conv("right", n.input(), 8, same, same, 300);
    const Model m = n.finish(n.conv("last", n.graph().add("difference", Binary(BinaryKind::sub), {a, b}), 8));
    const Calibration c = calibrate(m, images(32, 1, 2));
    kept.keep_float = {"left", "right", "difference"};
    show("a small difference of large numbers", m, {c, {}, photos}, {c, kept, photos});
  }
}

}  // namespace

int main() {
  channels();
  calibrations();
  layers();
}
