#include <nlohmann/json.hpp>
#include <octet/io/load.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/models/resnet.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/operators/elementary.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/files.hpp"
#include "support/fingerprint.hpp"
#include "support/isas.hpp"
#include "support/many_layers.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// The file of a model.
std::string file_of(const Model& m) {
  const TemporaryFile file("same.octet");
  save(m, file.path);
  return contents(file.path);
}

/// Calibrates and quantizes with every instruction set and one or two threads. The results must be the same bytes.
void check_same(const Model& m, const Tensor<float>& images, CalibrationOptions options = {}) {
  unsigned long long expected[2] = {};
  bool first = true;
  for (Isa isa : available_isas())
    for (int threads : {1, 2}) {
      const UseIsa use(isa);
      options.executor.threads = threads;
      const Calibration c = calibrate(m, {images}, options);
      Fingerprint seen;
      for (const auto& [tensor, s] : c.tensors) {
        seen.add(tensor.data(), tensor.size());
        seen.add(&s.seen, sizeof s.seen);
        seen.add(s.channel_sums.data(), s.channel_sums.size() * sizeof(double));
        for (const Histogram::Bin& b : s.histogram.bins()) {
          const double bin[] = {b.low, b.high, static_cast<double>(b.count)};
          seen.add(bin, sizeof bin);
        }
      }
      const unsigned long long found[2] = {seen.value(), fingerprint(quantize<int8>(m, c))};
      for (int i = 0; i < 2; ++i) {
        if (first) expected[i] = found[i];
        CHECK_MESSAGE(found[i] == expected[i], m.name, ", ", std::string(name(isa)), ", ", threads, " threads, ",
                      i == 0 ? "calibration" : "int8 model");
      }
      first = false;
    }
}

}  // namespace

TEST_CASE("same bits: the files of quantized models, in every form, of every method") {
  struct Net {
    Model model;
    Tensor<float> images;
  };
  const Net nets[] = {{small_cnn(), numbers({2, 28, 28, 1}, 5, -2, 2)},
                      {mobilenet_v2({0.35, 32, 3, 10, 9}), numbers({1, 32, 32, 3}, 6, -2, 2)},
                      {many_layers(), numbers({2, 28, 28, 3}, 7, -2, 2)}};
  for (const Net& net : nets) {
    const Tensor<float>& x = net.images;
    std::vector<std::string> expected;
    for (Isa isa : available_isas())
      for (int threads : {1, 3}) {
        const UseIsa use(isa);
        std::vector<std::string> found;
        Calibration c;
        // The last three choose ranges from the same statistics.
        for (RangeMethod method : {RangeMethod::min_max, RangeMethod::moving_average, RangeMethod::percentile,
                                   RangeMethod::entropy, RangeMethod::mse}) {
          if (method <= RangeMethod::percentile) {
            CalibrationOptions options;
            options.method = method;
            options.executor.threads = threads;
            c = calibrate(net.model, {x}, options);
          }
          c.method = method;
          Int8Options int8_options;
          if (method == RangeMethod::mse) int8_options.weights = RangeMethod::mse;
          found.push_back(file_of(quantize<int8>(net.model, c, int8_options)));
        }
        found.push_back(file_of(quantize<dynamic_range>(net.model, c)));
        found.push_back(file_of(quantize<fp16>(net.model, c)));
        found.push_back(file_of(quantize<bf16>(net.model)));
        if (expected.empty()) expected = found;
        for (std::size_t i = 0; i < found.size(); ++i)
          CHECK_MESSAGE(found[i] == expected[i], net.model.name, ", ", std::string(name(isa)), ", ", threads,
                        " threads, file ", i);
      }
  }
}

TEST_CASE("same bits: calibration and quantization do not depend on the instruction set or the number of threads") {
  check_same(many_layers(), numbers({2, 28, 28, 3}, 5, -2, 2));
  ResNetOptions resnet_options;
  resnet_options.depth = 18;
  resnet_options.image_size = 64;
  check_same(resnet(resnet_options), numbers({1, 64, 64, 3}, 6, -2, 2));
  check_same(mobilenet_v2({0.35, 64, 3, 10, 9}), numbers({1, 64, 64, 3}, 7, -2, 2));
}

TEST_CASE("same bits: with every range method") {
  Model m = many_layers();
  for (RangeMethod method : {RangeMethod::min_max, RangeMethod::moving_average, RangeMethod::percentile,
                             RangeMethod::entropy, RangeMethod::mse}) {
    CalibrationOptions options;
    options.method = method;
    check_same(m, numbers({2, 28, 28, 3}, 8, -2, 2), options);
  }
}

TEST_CASE("same bits: -0 counts as +0") {
  Model m;
  const int x = m.add_input("x", {Shape::unknown, 40});
  m.outputs = {m.add("y", Unary(UnaryKind::abs), {x})};
  Tensor<float> zeros({1, 40});
  for (std::int64_t i = 0; i < 40; ++i) zeros[i] = i % 3 ? 0.0f : -0.0f;
  check_same(m, zeros);
}

TEST_CASE("same bits: float models with same_floats") {
  ResNetOptions o;
  o.depth = 18;
  o.image_size = 64;
  const Model m = resnet(o);
  const Tensor<float> x = numbers({1, 64, 64, 3}, 9, -2, 2);
  ExecutorOptions options;
  options.same_floats = true;
  std::vector<Tensor<float>> y;
  for (Isa isa : available_isas()) {
    const UseIsa use(isa);
    Executor e(m, options);
    y.push_back(e(x));
    bool winograd = false;
    for (const LayerForm& f : e.layer_forms()) winograd = winograd || f.form.rfind("Winograd", 0) == 0;
    CHECK_MESSAGE(winograd, name(isa));
    CHECK_MESSAGE(fingerprint(AnyTensor(y.back())) == fingerprint(AnyTensor(y[0])), name(isa));
  }
}

TEST_CASE("same bits: elementary functions are accurate, also at the ends of their range") {
  using octet::detail::FloatBatch;
  const auto check = [](const char* what, auto function, auto exact, float low, float high, double ulps) {
    constexpr int lanes = static_cast<int>(FloatBatch::size), n = 20000 * lanes;
    double worst = 0;
    for (int i = 0; i < n; i += lanes) {
      std::array<float, FloatBatch::size> x, y;
      for (int k = 0; k < lanes; ++k)
        x[static_cast<std::size_t>(k)] = low + (high - low) * static_cast<float>(i + k) / static_cast<float>(n);
      function(FloatBatch::load_unaligned(x.data())).store_unaligned(y.data());
      for (std::size_t k = 0; k < x.size(); ++k) {
        const double right = exact(static_cast<double>(x[k]));
        const float nearest = static_cast<float>(right);
        const double ulp = static_cast<double>(std::nextafter(std::abs(nearest), 1e38f) - std::abs(nearest));
        worst = std::max(worst, std::abs(static_cast<double>(y[k]) - right) / ulp);
      }
    }
    CHECK_MESSAGE(worst <= ulps, what);
  };
  using namespace octet::detail;
  const auto e = [](const FloatBatch& x) { return exp_of(x); };
  const auto l = [](const FloatBatch& x) { return log_of(x); };
  const auto t = [](const FloatBatch& x) { return tanh_of(x); };
  const auto r = [](const FloatBatch& x) { return erf_of(x); };
  check(
      "exp", e, [](double x) { return std::exp(x); }, -86.9f, 88.7f, 1.5);
  check(
      "log", l, [](double x) { return std::log(x); }, 1e-3f, 100, 1.5);
  check(
      "tanh", t, [](double x) { return std::tanh(x); }, -12, 12, 2);
  check(
      "erf", r, [](double x) { return std::erf(x); }, -6, 6, 3);
  const auto at = [](auto f, float x) { return f(FloatBatch(x)).get(0); };
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(at(e, inf) == inf);
  CHECK(at(e, -inf) == 0);
  CHECK(at(l, 0) == -inf);
  CHECK(at(l, inf) == inf);
  CHECK(std::isnan(at(l, -1)));
  CHECK(at(l, 1e-40f) == doctest::Approx(-92.1034));
  for (float sign : {-1.0f, 1.0f}) {
    CHECK(at(t, sign * inf) == sign);
    CHECK(at(r, sign * inf) == sign);
  }
  for (float y : {at(e, nan), at(l, nan), at(t, nan), at(r, nan)}) CHECK(std::isnan(y));
}

TEST_CASE("same bits: models of the shared folder") {
#ifdef OCTET_SHARED_DIR
  const std::string folder = std::string(OCTET_SHARED_DIR) + "/cases/";
  std::ifstream list(folder + "cases.json");
  if (!list) {
    MESSAGE("no cases in the shared folder");
    return;
  }
  const auto all = nlohmann::json::parse(list);
  for (const auto& c : all.at("cases")) {
    if (!c.value("same_file_on_every_isa", false)) continue;
    const auto& input = c["inputs"][0];
    REQUIRE(input.value("stored", "float32") == "uint8");
    const std::vector<std::int64_t> sizes = input["shape"];
    Shape shape;
    for (std::int64_t n : sizes) shape.push_back(n);
    const auto bytes = octet::detail::read_file(folder + input["calibration_file"].get<std::string>(), 1 << 28);
    Tensor<float> x(shape);
    REQUIRE(bytes.size() >= static_cast<std::size_t>(x.size()));
    const float scale = input["scale"], offset = input["offset"];
    for (std::int64_t i = 0; i < x.size(); ++i)
      x[i] = octet::detail::rounded(
                 scale * static_cast<float>(static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]))) +
             offset;
    LoadOptions load_options;
    load_options.keep_layout = true;
    check_same(load(folder + c["model"].get<std::string>(), load_options), x);
  }
#else
  MESSAGE("no shared folder");
#endif
}
