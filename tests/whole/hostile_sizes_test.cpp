#include <chrono>
#include <filesystem>
#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <octet/operators/all.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/allocations.hpp"
#include "support/files.hpp"
#include "support/onnx_builder.hpp"
#include "support/sanitized.hpp"
#include "testing.hpp"

// Small models with large sizes: time and memory must be proportional to the number of elements and to the number of
// layers, not to its square.

using namespace octet;
using namespace testing;

namespace {

using Clock = std::chrono::steady_clock;
double seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

/// Loads the model and runs it on zeros. Returns the error, or an empty text.
std::string outcome(const std::function<Model()>& load_model) {
  try {
    const Model m = load_model();
    std::vector<AnyTensor> in;
    for (int v : m.inputs) {
      Shape s = m.value(v).shape;
      for (int d = 0; d < s.rank(); ++d) s[d] = s[d] == Shape::unknown ? 1 : s[d];
      in.push_back(AnyTensor::make(m.value(v).dtype, s, [](std::byte*) {}));
      if (in.back().size_bytes()) std::memset(in.back().ref().data, 0, in.back().size_bytes());
    }
    ExecutorOptions o;
    o.threads = 2;
    Executor(m, o).run(in);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// The result of f, which has to be done within `limit` seconds and 64 MB.
std::string quick(const OnnxBuilder& b, double limit = 5) {
  const std::int64_t before = allocated_bytes();
  const auto start = Clock::now();
  const std::string said = outcome([&] { return import_onnx(b); });
  CHECK(seconds(start) < limit * slowdown);
  CHECK(allocated_bytes() - before < 64 << 20);
  return said;
}

using Sizes = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("sizes: tensors without elements take no time, regardless of their sizes") {
  const std::int64_t h = 1 << 20, w = 1 << 19;
  for (const Sizes& shape : {Sizes{1, 0, h, w}, Sizes{0, 3, h, w}}) {
    CAPTURE(shape[0]);
    const auto layer = [&](const char* type, const std::vector<std::string>& more = {},
                           const std::vector<OnnxAttribute>& attributes = {}) {
      CAPTURE(type);
      OnnxBuilder b;
      b.input("x", shape);
      std::vector<std::string> in{"x"};
      in.insert(in.end(), more.begin(), more.end());
      b.scalar("half", 0.5f).integers("pads", {0, 0, 1, 1, 0, 0, 1, 1}).integers("all", {0, 1, 2, 3});
      b.integers("channels", {1}).integers("start", {1}).integers("end", {h}).integers("axis", {2});
      b.initializer("scales", Tensor<float>({4}, {1, 1, 2, 2})).integers("turn", {shape[0], shape[1], w, h});
      const std::string said = quick(b.node(type, in, {"y"}, attributes).output("y"));
      CAPTURE(said);
      return said.empty();
    };
    const Sizes two{2, 2};
    CHECK(layer("AveragePool", {}, {{"kernel_shape", two}}));
    CHECK(layer("AveragePool", {},
                {{"kernel_shape", Sizes{3, 3}}, {"pads", Sizes{1, 1, 1, 1}}, {"count_include_pad", 1}}));
    CHECK(layer("MaxPool", {}, {{"kernel_shape", two}, {"strides", two}}));
    CHECK(layer("GlobalAveragePool"));
    CHECK(layer("GlobalMaxPool"));
    CHECK(layer("LRN", {}, {{"size", 5}}));
    for (int axis = 0; axis < 4; ++axis) {
      CHECK(layer("Softmax", {}, {{"axis", axis}}));
      CHECK(layer("LogSoftmax", {}, {{"axis", axis}}));
    }
    for (const char* mode : {"nearest", "linear", "cubic"}) layer("Resize", {"", "scales"}, {{"mode", mode}});
    for (const char* mode : {"constant", "edge", "reflect"}) CHECK(layer("Pad", {"pads"}, {{"mode", mode}}));
    for (const char* type : {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2"}) {
      layer(type, {}, {{"axes", Sizes{0, 1, 2, 3}}});  // some of them are refused, also quickly
      layer(type, {}, {{"axes", Sizes{2, 3}}});
    }
    CHECK(layer("ReduceSum", {"all"}));
    CHECK(layer("Slice", {"start", "end", "axis"}));
    CHECK(layer("Transpose", {}, {{"perm", Sizes{3, 2, 0, 1}}}));
    CHECK(layer("Relu"));
    CHECK(layer("Add", {"half"}));
    CHECK(layer("Reshape", {"turn"}, {{"allowzero", 1}}));
    layer("Flatten");
  }
}

TEST_CASE("sizes: constants that grow in several steps") {
  for (bool integers : {false, true}) {
    OnnxBuilder b;
    if (integers)
      b.initializer("c0", Tensor<std::int32_t>({4}, {1, 2, 3, 4}));
    else
      b.initializer("c0", Tensor<float>({4}, {1, 2, 3, 4}));
    for (int i = 0; i < 40; ++i)
      b.node("Concat", {"c" + std::to_string(i), "c" + std::to_string(i)}, {"c" + std::to_string(i + 1)},
             {{"axis", 0}});
    const std::string said = quick(b.output("c40"));
    CHECK(said != "");
  }
  // Many constants: their total size is limited.
  OnnxBuilder b;
  b.initializer("c", random_tensor({1 << 16}, 1)).input("x", {1});
  for (int i = 0; i < 400; ++i) {
    b.scalar("f" + std::to_string(i), static_cast<float>(i))
        .node("Mul", {"c", "f" + std::to_string(i)}, {"m" + std::to_string(i)});
    b.node("Add", {i ? "s" + std::to_string(i - 1) : "x", "m" + std::to_string(i)}, {"s" + std::to_string(i)});
  }
  std::vector<std::uint8_t> bytes;
  for (char x : b.output("s399").bytes()) bytes.push_back(static_cast<std::uint8_t>(x));
  const Model m = parse_onnx(bytes, "test");
  std::size_t taken = 0;
  for (const Value& v : optimize(m).values) taken += v.constant.size_bytes();
  CHECK(taken <= 8 * bytes.size() + (1 << 20));
}

TEST_CASE("sizes: scales that are too far apart are refused with the layer's name") {
  const auto model = [](float x, float w, float y) {
    OnnxBuilder b;
    b.input("x", {1, 3, 4, 4}, DType::u8).scalar("xs", x).scalar("ws", w).scalar("ys", y);
    b.initializer("z", Tensor<std::uint8_t>(Shape{}, {1})).initializer("wz", Tensor<std::int8_t>(Shape{}, {0}));
    b.initializer("w", random_integers<std::int8_t>({2, 3, 1, 1}, 1, -127, 127));
    b.node("QLinearConv", {"x", "xs", "z", "w", "ws", "wz", "ys", "z"}, {"y"}).output("y");
    return outcome([&] { return import_onnx(b); });
  };
  CHECK(model(0.1f, 0.1f, 0.1f).empty());
  CHECK(model(1e-45f, 1e-45f, 3e38f).empty());  // all outputs are the zero point
  for (const auto& [x, w, y] : {std::array<float, 3>{3e38f, 3e38f, 1e-45f}, std::array<float, 3>{1, 1, 1e-45f},
                                std::array<float, 3>{3e38f, 1, 1e-10f}}) {
    const std::string said = model(x, w, y);
    CAPTURE(said);
    CHECK(said.find("layer 'node of y' (Convolution)") != std::string::npos);
  }
  for (float bad : {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    CHECK_FALSE(model(0.1f, 0.1f, bad).empty());
  for (const char* type : {"QLinearAdd", "QLinearMul"}) {
    OnnxBuilder b;
    b.input("x", {1, 3, 4, 4}, DType::u8).scalar("large", 3e38f).scalar("small", 1e-45f);
    b.initializer("z", Tensor<std::uint8_t>(Shape{}, {1}));
    b.node(type, {"x", "large", "z", "x", "large", "z", "small", "z"}, {"y"}, {}, "com.microsoft").output("y");
    const std::string said = outcome([&] { return import_onnx(b); });
    CAPTURE(said);
    CHECK(said.find("which is out of range") != std::string::npos);
  }
}

TEST_CASE("sizes: time is proportional to the number of layers") {
  const auto chain = [](const std::string& type, int n, bool also_input) {
    OnnxBuilder b;
    b.input("x", {1, 4, 4, 4});
    std::string last = "x";
    for (int i = 0; i < n; ++i) {
      const std::string next = "t" + std::to_string(i);
      b.node(type.c_str(), also_input ? std::vector<std::string>{last, "x"} : std::vector<std::string>{last}, {next});
      last = next;
    }
    b.output(last);
    const auto start = Clock::now();
    const std::string said = outcome([&] { return import_onnx(b); });
    CHECK(said == "");
    return seconds(start);
  };
  // Compiled without optimization, possibly with sanitizers, on a busy machine. What matters is that ten times as many
  // layers take about ten times as long, and not a hundred times.
  for (const auto& layer : std::vector<std::pair<std::string, bool>>{
           {"Relu", false}, {"Identity", false}, {"Dropout", false}, {"Sigmoid", false}, {"Add", true}}) {
    const std::string& type = layer.first;
    const bool also_input = layer.second;
    CAPTURE(type);
    const double few = chain(type, 1000, also_input), many = chain(type, 10000, also_input);
    CHECK(many < 40 * few + 0.5);
  }
}

namespace {

/// A graph of about n layers with weights.
OnnxBuilder large_graph(const std::string& kind, int n) {
  OnnxBuilder b;
  b.input("x", {1, 4, 2, 2}).initializer("bias", random_tensor({4}, 1));
  std::vector<std::string> all;
  std::string last = "x";
  for (int i = 0; i < n; ++i) {
    const std::string t = std::to_string(i), w = "w" + t;
    Tensor<float> weights({4, 4, 1, 1});
    for (std::int64_t k = 0; k < 4; ++k) weights[5 * k] = -1;  // so that sums do not grow
    b.initializer(w, std::move(weights)).node("Conv", {kind == "wide" ? "x" : last, w, "bias"}, {"c" + t});
    all.push_back("c" + t);
    if (kind == "chain") b.node("Relu", {"c" + t}, {last = "r" + t});
    if (kind == "sums") b.node("Add", {"c" + t, last}, {"a" + t}), last = "a" + t;
    if (kind == "outputs") b.node("Sigmoid", {"c" + t}, {last = "s" + t}), b.output(last);
  }
  if (kind == "wide") b.node("Concat", all, {last = "y"}, {{"axis", 1}});
  if (kind != "outputs") b.output(last);
  return b;
}

/// What a step takes.
struct Taken {
  std::string step;
  double seconds = 0;
  std::int64_t allocations = 0, bytes = 0, most_bytes = 0;  // most_bytes: at one time
};

/// Each step from the file to a run of the quantized model.
std::vector<Taken> steps(const std::string& kind, int n) {
  const std::string bytes = large_graph(kind, n).bytes();
  std::vector<Taken> taken;
  const auto timed = [&](const char* what, auto f) {
    most_bytes_at_once();
    const std::int64_t calls = allocations(), sum = allocated_bytes();
    const auto start = Clock::now();
    auto result = f();
    taken.push_back({what, seconds(start), allocations() - calls, allocated_bytes() - sum, most_bytes_at_once()});
    return result;
  };
  ExecutorOptions one;
  one.threads = 1;
  const Tensor<float> x = random_tensor({1, 2, 2, 4}, 2);
  const Model m = timed("load", [&] { return import_onnx(bytes, false); });
  const OptimizedModel optimized = timed("optimize", [&] { return optimize(m); });
  const auto run = [&](const Model& model) { return Executor(model, one).run(std::vector<AnyTensor>{x}); };
  timed("run", [&] { return run(m); });
  CalibrationOptions options;
  options.method = RangeMethod::min_max;
  options.executor = one;
  const Calibration c = timed("calibrate", [&] { return calibrate(m, {x}, options); });
  const Model q = timed("int8", [&] { return quantize<int8>(m, c); });
  timed("run int8", [&] { return run(q); });
  timed("dynamic range", [&] { return quantize<dynamic_range>(m); });
  timed("fp16", [&] { return quantize<fp16>(m); });
  const TemporaryFile file("large.octet");
  timed("save", [&] { return save(q, file.path), 0; });
  timed("load again", [&] { return load(file.path); });
  return taken;
}

}  // namespace

TEST_CASE("sizes: every step is proportional to the number of layers") {
  const char* given = std::getenv("OCTET_LAYERS");  // to measure
  const int n = given ? std::atoi(given) : sanitized ? 2000 : 10000;
  for (const std::string kind : {"chain", "wide", "sums", "outputs"}) {
    CAPTURE(kind);
    const auto few = steps(kind, n / 10), many = steps(kind, n);
    for (std::size_t i = 0; i < few.size(); ++i) {
      const Taken &a = few[i], &b = many[i];
      CAPTURE(a.step);
      if (given)
        MESSAGE(kind, ", ", a.step, ": ", a.seconds, " s, ", b.seconds, " s; a layer: ", b.allocations / n,
                " allocations, ", b.bytes / n, " bytes, ", b.most_bytes / n, " at one time");
      // Counts, unlike times, do not depend on the machine. (Containers grow by doubling.)
      CHECK(b.allocations <= 11 * a.allocations + 100);
      CHECK(b.bytes <= 20 * a.bytes + 100000);
      CHECK(b.most_bytes <= 20 * a.most_bytes + 100000);
    }
  }
}

TEST_CASE("sizes: what loading takes is a few times the file") {
  const auto most = [](auto f) {
    most_bytes_at_once();
    const Model m = f();
    return most_bytes_at_once();
  };
  const auto size = [](const std::string& path) { return static_cast<std::int64_t>(std::filesystem::file_size(path)); };
  OnnxBuilder b;
  b.input("x", {1, 64, 8, 8});
  for (int i = 0; i < 40; ++i) {
    const std::string t = std::to_string(i);
    b.initializer("w" + t, random_tensor({64, 64, 3, 3}, 1)).initializer("b" + t, random_tensor({64}, 2));
    b.node("Conv", {i ? "c" + std::to_string(i - 1) : "x", "w" + t, "b" + t}, {"c" + t}, {{"pads", Sizes{1, 1, 1, 1}}});
  }
  const TemporaryFile onnx("large.onnx"), own("large.octet"), tflite("large.tflite");
  write_file(onnx.path, b.output("c39").bytes());
  const Model m = load(onnx.path);
  save(m, own.path);
  save(m, tflite.path);
  for (const TemporaryFile* f : {&onnx, &own, &tflite}) {
    CAPTURE(f->path);
    std::int64_t planned = 0;
    const std::int64_t loading = most([&] { return load(f->path); });
    const std::int64_t running = most([&] {
      const Model loaded = load(f->path);
      Executor executor(loaded);
      executor.run(std::vector<AnyTensor>{random_tensor({1, 8, 8, 64}, 3)});
      planned = static_cast<std::int64_t>(executor.arena_bytes() + executor.packed_bytes());
      return loaded;
    });
    CHECK(loading <= (f == &onnx ? 4 * size(f->path) : size(f->path) / 2));  // the others are mapped
    CHECK(running <= 4 * size(f->path) + planned);
  }
}

TEST_CASE("sizes: results that cannot be allocated are refused at once, with the layer's name and the size") {
  constexpr std::int64_t n = std::int64_t{1} << 37;  // 3 TB with six floats each
  const Shape in{1, 2, 2, 3};
  const auto refused = [&](const auto& op) {
    const auto start = Clock::now();
    const std::int64_t before = allocated_bytes();
    Graph g;
    g.outputs = {g.add("grown", op, {g.add_input("x", in)})};
    const std::string said = outcome([&] { return g; });
    CHECK(seconds(start) < 1 * slowdown);
    CHECK(allocated_bytes() - before < 16 << 20);
    return said;
  };
  for (const PadMode mode : {PadMode::constant, PadMode::edge, PadMode::wrap, PadMode::reflect}) {
    Pad pad;
    pad.mode = mode;
    pad.before = {0, 0, 0, 0};
    pad.after = {0, n, 0, 0};
    CHECK(refused(pad) ==
          "layer 'grown' (Pad): cannot allocate 3298534883376 bytes for a result of the shape "
          "[1, 137438953474, 2, 3]");
  }
  Expand expand;
  expand.shape = {n / 2, 2, 2, 3};
  CHECK(refused(expand) ==
        "layer 'grown' (Expand): cannot allocate 3298534883328 bytes for a result of the shape [68719476736, 2, 2, 3]");
  for (const ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic}) {
    Resize resize;
    resize.mode = mode;
    resize.sizes = {1, 2, n, 3};
    CHECK(refused(resize) ==
          "layer 'grown' (Resize): cannot allocate 3298534883328 bytes for a result of the shape "
          "[1, 2, 137438953472, 3]");
  }
  Pad bytes;  // whose tables would be larger than its result
  bytes.before = {0};
  bytes.after = {2 * n};
  Graph narrow;
  narrow.outputs = {narrow.add("grown", bytes, {narrow.add_input("x", {1}, DType::u8)})};
  CHECK(outcome([&] { return narrow; }).find("layer 'grown'") == 0);
  // A shape that is known only in the run.
  OnnxBuilder b(13);
  b.input("x", {-1, 6}).node("Shape", {"x"}, {"s"}).integers("many", {n, 1});
  b.node("Mul", {"s", "many"}, {"shape"}).node("Expand", {"x", "shape"}, {"y"}).output("y");
  CHECK(quick(b, 1) ==
        "layer 'node of y' (Expand): cannot allocate 3298534883328 bytes for a result of the shape [137438953472, 6]");
  // An intermediate result, and one that is computed from constants.
  Graph g;
  Pad pad;
  pad.before = {0, 0, 0, 0};
  pad.after = {0, n, 0, 0};
  const int x = g.add_input("x", in), grown = g.add("grown", pad, {x});
  const int constant = g.add("grown constant", pad, {g.add_constant("c", Tensor<float>(in))});
  const int sum = g.add("sum", Binary(), {constant, grown});
  g.outputs = {g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {sum})};
  const auto start = Clock::now();
  CHECK(outcome([&] { return g; }).find("cannot allocate 3298534883376 bytes") != std::string::npos);
  CHECK(seconds(start) < 1 * slowdown);
}

TEST_CASE("sizes: a large result that can be allocated is no error") {
  Graph g;
  Pad pad;
  pad.before = {0, 0};
  pad.after = {36000, 36000};
  g.outputs = {g.add("grown", pad, {g.add_input("x", {1, 1}, DType::u8)})};  // 1.2 GB
  CHECK(Executor(g).plan({Shape{1, 1}})[0] == Shape{36001, 36001});
}

TEST_CASE("sizes: known hostile models") {
  if (shared_file("cases").empty()) {
    MESSAGE("skipped: no cases (set OCTET_SHARED)");
    return;
  }
  const std::vector<std::pair<std::string, bool>> files{{"z_avg.onnx", false},
                                                        {"z_lrn.onnx", false},
                                                        {"z_soft.onnx", false},
                                                        {"doubling.onnx", true},
                                                        {"intdoubling.onnx", true},
                                                        {"qlinearconv_nan_multiplier.onnx", true},
                                                        {"tflite_integer_binary_overflow.tflite", false},
                                                        {"tflite_pow_u8.tflite", false}};
  for (const auto& one : files) {
    const std::string& file = one.first;
    CAPTURE(file);
    const std::string path = shared_file("cases/hostile/" + file);
    const std::int64_t before = allocated_bytes();
    const auto start = Clock::now();
    const std::string said = outcome([p = path] { return load(p); });
    CHECK(seconds(start) < 5 * slowdown);
    CHECK(allocated_bytes() - before < 64 << 20);
    if (one.second) CHECK(said != "");
  }
}
