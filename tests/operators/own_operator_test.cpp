#include <flatbuffers/flexbuffers.h>

#include <octet/import/tflite/flex_map.hpp>
#include <octet/io/model_file.hpp>
#include <octet/model_file/operator_fields.hpp>
#include <octet/operators/all.hpp>
#include <octet/operators/register_operator.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <thread>

#include "support/files.hpp"
#include "support/messages.hpp"
#include "support/models.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"

using namespace testing;

namespace {

/// offset + sum of factors[i] x^i of float tensors; the second output counts the elements.
class Polynomial : public OperatorOf<Polynomial> {
 public:
  static constexpr const char* type_name = "test.Polynomial";
  std::vector<double> factors{0, 1};
  double offset = 0;
  std::int64_t count_from = 0;
  bool counts = false;

  void fields(FieldVisitor& v) override {
    v.field("factors", factors);
    v.field("offset", offset);
    v.field("count_from", count_from);
    v.field("counts", counts);
  }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
    if (counts) return {c.shape(0), Shape{}};
    return {c.shape(0)};
  }
  DType dtype(const ShapeContext&, int i) const override { return i == 0 ? DType::f32 : DType::i64; }
  std::unique_ptr<Step> prepare(const PrepareContext& c) const override {
    class Run : public Step {
     public:
      explicit Run(const Polynomial& op) : op_(op) {}
      void run(const RunContext& c) noexcept override {
        const float* x = c.inputs[0].as<float>();
        float* y = c.outputs[0].as<float>();
        const std::int64_t n = c.inputs[0].shape.elements();
        for (std::int64_t i = 0; i < n; ++i) {
          double sum = op_.offset, power = 1;
          for (double f : op_.factors) {
            sum += f * power;
            power *= static_cast<double>(x[i]);
          }
          y[i] = static_cast<float>(sum);
        }
        if (op_.counts) *c.outputs[1].as<std::int64_t>() = op_.count_from + n;
      }

     private:
      Polynomial op_;
    };
    c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
    return std::make_unique<Run>(*this);
  }
};

/// Adds the index of each element's last dimension.
class AddChannel : public OperatorOf<AddChannel> {
 public:
  static constexpr const char* type_name = "test.AddChannel";
  std::vector<Shape> shapes(const ShapeContext& c) const override { return {c.shape(0)}; }
  std::unique_ptr<Step> prepare(const PrepareContext&) const override {
    class Run : public Step {
      void run(const RunContext& c) noexcept override {
        const Shape& s = c.inputs[0].shape;
        for (std::int64_t i = 0; i < s.elements(); ++i)
          c.outputs[0].as<float>()[i] = c.inputs[0].as<float>()[i] + static_cast<float>(i % s.back());
      }
    };
    return std::make_unique<Run>();
  }
};
/// The same for images of files, which are channels-last in octet.
class AddImageChannel : public AddChannel {
 public:
  static constexpr const char* type_name = "test.AddImageChannel";
  const char* type() const noexcept override { return type_name; }
};

template <int i>
class Numbered : public AddChannel {
 public:
  static constexpr char type_name[] = {'N', static_cast<char>('a' + i), 0};
  const char* type() const noexcept override { return type_name; }
};

class Unregistered : public AddChannel {
 public:
  static constexpr const char* type_name = "test.Unregistered";
  const char* type() const noexcept override { return type_name; }
};
class NamedConvolution : public AddChannel {
 public:
  static constexpr const char* type_name = "Convolution";
};

void register_all() {
  static const bool once = [] {
    register_operator<Polynomial>({"test.domain", "Polynomial", OnnxLayout::any, "TestPolynomial"});
    register_operator<AddChannel>({"test.domain", "AddLast"});
    register_operator<AddImageChannel>({"test.domain", "AddChannel", OnnxLayout::channels_last, "TestAddChannel"});
    return true;
  }();
  CHECK(once);
}

Polynomial square_plus(double offset) {
  Polynomial op;
  op.factors = {0, 0, 1};
  op.offset = offset;
  return op;
}

/// convolution -> the operator -> convolution
template <class Op>
Graph network(Op op) {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 6, 6, 4});
  Convolution c;
  c.window = Window(1, 1);
  const int a = g.add("a", c, {x, g.add_constant("wa", random_tensor({8, 1, 1, 4}, 1))});
  const int b = g.add("own", std::move(op), {a});
  g.outputs = {g.add("b", c, {b, g.add_constant("wb", random_tensor({4, 1, 1, 8}, 2))})};
  return g;
}

std::vector<std::uint8_t> options(double offset, const char* other = nullptr) {
  flexbuffers::Builder b;
  b.Map([&] {
    b.Vector("factors", [&] {
      b.Double(0);
      b.Int(0);
      b.Float(1);
    });
    b.Double("offset", offset);
    if (other) b.Int(other, 1);
  });
  b.Finish();
  return b.GetBuffer();
}

Model from_tflite(const std::string& code, const std::vector<std::uint8_t>& custom) {
  tflite::ModelBuilder b;
  const int x = b.tensor("x", {1, 2, 3, 4}), y = b.tensor("y", {1, 2, 3, 4});
  b.op(code, {x}, {y}, {}, custom);
  return tflite::parse(b.finish({x}, {y}));
}

Model from_onnx(const char* type, const std::vector<OnnxAttribute>& attributes = {}, bool keep_layout = true) {
  OnnxBuilder b;
  b.input("x", {1, 3, 2, 2}).node(type, {"x"}, {"y"}, attributes, "test.domain");
  b.node("GlobalAveragePool", {"y"}, {"z"}).output("y").output("z");
  return import_onnx(b, keep_layout);
}

}  // namespace

TEST_CASE("own operator: runs in float and integer models, can be saved and loaded") {
  register_all();
  const Graph g = network(square_plus(0.5));
  const Tensor<float> x = random_tensor({2, 6, 6, 4}, 3);
  const Tensor<float> y = Executor(g)(x);
  const Model q = quantize<int8>(g, calibrate(g, {x}));
  CHECK(q.value(q.nodes[0].outputs[0]).dtype != DType::none);
  const Tensor<float> yq = Executor(q)(x);
  CHECK(largest_difference(y, yq) < 0.2);
  CHECK(largest_difference(y, yq) > 0);
  for (const Model& m : {Model(g), q, quantize<fp16>(g), quantize<dynamic_range>(g)}) {
    const TemporaryFile file("own.octet");
    save(m, file.path);
    const Model back = load_octet(file.path);
    const auto is_own = [](const Node& n) { return as<Polynomial>(*n.op) != nullptr; };
    const auto own = std::find_if(back.nodes.begin(), back.nodes.end(), is_own);
    REQUIRE(own != back.nodes.end());
    CHECK(as<Polynomial>(*own->op)->offset == 0.5);
    CHECK(as<Polynomial>(*own->op)->factors == std::vector<double>{0, 0, 1});
    CHECK(largest_difference(Executor(back)(x), Executor(m)(x)) == 0);
  }
}

TEST_CASE("own operator: without registration, it runs, but cannot be saved") {
  register_all();
  const Graph g = network(Unregistered());
  CHECK(Executor(g)(random_tensor({1, 6, 6, 4}, 3)).size() == 144);
  const TemporaryFile file("own.octet");
  CHECK(contains(message([&] { save(g, file.path); }), "operators of type test.Unregistered cannot be saved"));

  save(network(AddChannel()), file.path);
  std::string bytes = contents(file.path);
  const std::size_t at = bytes.find("test.AddChannel");
  REQUIRE(at != std::string::npos);
  bytes.replace(at, 15, "test.AddChannem");
  octet::detail::ArchiveReader reader(reinterpret_cast<const std::byte*>(bytes.data()) + at - 1, bytes.size() - at + 1);
  CHECK(contains(message([&] { octet::detail::FieldReader::read(reader); }),
                 "unknown operator type 'test.AddChannem'; custom operators have to be registered first"));
}

TEST_CASE("own operator: from ONNX, by domain and name") {
  register_all();
  const Tensor<float> x = random_tensor({1, 3, 2, 2}, 4);
  const std::vector<OnnxAttribute> attributes{
      {"factors", std::vector<float>{0, 0, 1}}, {"offset", 0.5f}, {"count_from", 0}};
  const Model m = from_onnx("Polynomial", attributes);
  const Tensor<float> y = floats(run_plain(m, {AnyTensor(x)})[0]);
  for (std::int64_t i = 0; i < x.size(); ++i) CHECK(y[i] == doctest::Approx(0.5 + static_cast<double>(x[i] * x[i])));
  CHECK(as<Polynomial>(*from_onnx("Polynomial").nodes[0].op)->factors == std::vector<double>{0, 1});

  CHECK(contains(message([] { from_onnx("Other"); }),
                 "the operator test.domain.Other is not supported, and not "
                 "registered (register_operator): node 'node of y'"));
  CHECK(contains(message([] {
                   from_onnx("Polynomial", {{"slope", 1.0f}});
                 }),
                 "has the attribute 'slope', but operator 'test.Polynomial' has no such parameter"));
  CHECK(contains(message([] { from_onnx("Polynomial", {{"offset", "text"}}); }), "of the wrong kind"));
  CHECK(contains(message([] {
                   from_onnx("Polynomial", {{"counts", 1}});
                 }),
                 "expected 2 outputs, as operator 'test.Polynomial' has, found 1"));
  CHECK(contains(message([] {
                   from_onnx("Polynomial", {{"counts", 2}});
                 }),
                 "parameter counts: expected a value in [0, 1], found 2"));

  OnnxBuilder two;
  two.input("x", {2, 3}).node("Polynomial", {"x"}, {"y", "n"}, {{"counts", 1}, {"count_from", 10}}, "test.domain");
  const std::vector<AnyTensor> both = run_plain(import_onnx(two.output("n").output("y")), {Tensor<float>({2, 3})});
  CHECK(both[0].view<std::int64_t>()[0] == 16);
}

TEST_CASE("own operator: gets the requested layout") {
  register_all();
  const Tensor<float> nchw({1, 3, 2, 2}), nhwc({1, 2, 2, 3});
  const auto run = [](const Model& m, const Tensor<float>& x) { return floats(run_plain(m, {AnyTensor(x)})[0]); };
  for (const bool keep : {true, false}) {
    const Tensor<float> channel = run(from_onnx("AddChannel", {}, keep), keep ? nchw : nhwc);
    const Tensor<float> last = run(from_onnx("AddLast", {}, keep), nchw);
    for (std::int64_t c = 0; c < 3; ++c)
      for (std::int64_t p = 0; p < 4; ++p) {
        CHECK(channel[keep ? c * 4 + p : p * 3 + c] == static_cast<float>(c));
        CHECK(last[c * 4 + p] == static_cast<float>(p % 2));
      }
  }
  CHECK(count<Transpose>(from_onnx("Polynomial", {}, false)) == 0);
  CHECK(count<Transpose>(from_onnx("AddChannel", {}, false)) == 0);
}

TEST_CASE("own operator: from TFLite, by its custom code") {
  register_all();
  const Tensor<float> x = random_tensor({1, 2, 3, 4}, 5);
  const Tensor<float> y = floats(tflite::outputs(from_tflite("TestPolynomial", options(0.25)), {AnyTensor(x)})[0]);
  for (std::int64_t i = 0; i < x.size(); ++i) CHECK(y[i] == doctest::Approx(0.25 + static_cast<double>(x[i] * x[i])));
  CHECK(largest_difference(floats(tflite::outputs(from_tflite("TestPolynomial", {}), {AnyTensor(x)})[0]), x) == 0);
  CHECK(floats(tflite::outputs(from_tflite("TestAddChannel", {}), {AnyTensor(x)})[0])[3] == x[3] + 3);

  CHECK(contains(message([] { from_tflite("Other", {}); }), "CUSTOM Other is not supported, and not registered"));
  CHECK(contains(message([] { from_tflite("TestPolynomial", options(1, "slope")); }),
                 "has the option 'slope', but operator 'test.Polynomial' has no such parameter"));
  const std::vector<std::uint8_t> good = options(1);
  CHECK(contains(message([] { from_tflite("TestPolynomial", {1, 2, 3, 4}); }), "not a FlexBuffers map"));
  flexbuffers::Builder wide;  // all kinds of values, with 2-byte offsets
  wide.Map([&] {
    wide.String("unused", std::string(300, 'x'));
    wide.FixedTypedVector("factors", std::array<double, 3>{0, 0, 1}.data(), 3);
    wide.IndirectDouble("offset", 1e-9);
    wide.Int("count_from", -70000);
    wide.Bool("counts", false);
  });
  wide.Finish();
  CHECK(contains(message([&] { from_tflite("TestPolynomial", wide.GetBuffer()); }), "has the option 'unused'"));
  const auto options_of = [](auto fill) {
    flexbuffers::Builder b;
    b.Map([&] { fill(b); });
    b.Finish();
    return octet::detail::tflite::FlexReader(b.GetBuffer()).map();
  };
  const auto read = octet::detail::tflite::FlexReader(wide.GetBuffer()).map();
  CHECK(read.at("unused").text == std::string(300, 'x'));
  CHECK(read.at("factors").reals == std::vector<double>{0, 0, 1});
  CHECK(read.at("offset").reals == std::vector<double>{1e-9});
  CHECK(read.at("count_from").integers == std::vector<std::int64_t>{-70000});
  CHECK(read.at("counts").integers == std::vector<std::int64_t>{0});
  const auto lists = options_of([](flexbuffers::Builder& b) {
    b.TypedVector("i", [&] {
      b.Int(-3);
      b.Int(400);
    });
    b.Vector("m", [&] {
      b.Int(-3);
      b.Double(0.1);
      b.Bool(true);
      b.UInt(7);
    });
    b.Vector("none", [] {});
  });
  CHECK(lists.at("i").integers == std::vector<std::int64_t>{-3, 400});
  CHECK(lists.at("m").reals == std::vector<double>{-3, 0.1, 1, 7});
  CHECK(!lists.at("m").is_whole);
  CHECK(lists.at("none").is_list);
  // A thousand values that share one list of a thousand numbers need more memory than a file of that size may use.
  flexbuffers::Builder shared;
  shared.Map([&] {
    shared.Key("list");
    const std::size_t start = shared.StartVector();
    for (int i = 0; i < 1000; ++i) shared.Int(1);
    shared.EndVector(start, true, false);
    const flexbuffers::Builder::Value list = shared.LastValue();
    for (int i = 0; i < 1000; ++i) shared.ReuseValue(("k" + std::to_string(i)).c_str(), list);
  });
  shared.Finish();
  CHECK(
      contains(message([&] { octet::detail::tflite::FlexReader(shared.GetBuffer()).map(); }), "not a FlexBuffers map"));
  for (std::size_t n = 1; n < good.size(); ++n)  // damaged options give an error or a model
    message([&] { from_tflite("TestPolynomial", {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)}); });
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const int bit : {0, 3, 7}) {
      std::vector<std::uint8_t> bad = good;
      bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1 << bit));
      message([&] { from_tflite("TestPolynomial", bad); });
    }
}

TEST_CASE("own operator: can be registered once, from any thread, with unused names") {
  register_all();
  CHECK(message([] { register_operator<Polynomial>(); }) ==
        "an operator of type 'test.Polynomial' is already registered");
  CHECK(message([] { register_operator<NamedConvolution>(); }) ==
        "an operator of type 'Convolution' is already registered");
  CHECK(message([] {
          register_operator<Unregistered>({"test.domain", "AddLast"});
        }) ==
        "operator 'test.Unregistered': the ONNX operator 'AddLast' of domain 'test.domain' is already registered, as "
        "'test.AddChannel'");
  CHECK(message([] {
          register_operator<Unregistered>({"", "", OnnxLayout::any, "TestAddChannel"});
        }) ==
        "operator 'test.Unregistered': the TFLite custom operator 'TestAddChannel' is already registered, as "
        "'test.AddImageChannel'");
  CHECK(octet::detail::find_operator("test.Unregistered") == nullptr);

  std::atomic<int> registered{0}, refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      const auto one = [&](auto f) {
        if (message(f).empty())
          ++registered;
        else
          ++refused;
      };
      one([] { register_operator<Numbered<0>>(); });
      one([] { register_operator<Numbered<1>>(); });
      one([] { register_operator<Numbered<2>>(); });
      octet::detail::find_operator("Na");
    });
  for (std::thread& t : threads) t.join();
  CHECK(registered == 3);
  CHECK(refused == 9);
}
