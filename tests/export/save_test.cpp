#include <octet/graph/metadata.hpp>
#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <octet/operators/register_operator.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/plan_file.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/every_operator.hpp"
#include "support/exported.hpp"
#include "support/files.hpp"
#include "support/onnx_builder.hpp"

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

Graph one_convolution(std::int64_t batch = Shape::unknown) {
  Graph g;
  g.name = "net";
  const int x = g.add_input("image", {batch, 8, 8, 4});
  g.outputs = {convolution(g, "conv", x, 6, 3, 1, 1, {0, 6})};
  return g;
}

Model quantized(const Graph& g, const Shape& shape, bool symmetric = false) {
  Int8Options o;
  o.symmetric_activations = symmetric;
  return quantize<int8>(g, calibrate(g, {random_tensor(shape, 5)}), o);
}

/// An operator that no other format has, unless it is registered with a name there.
class Doubled : public OperatorOf<Doubled> {
 public:
  static constexpr const char* type_name = "test.export.Doubled";
  double factor = 2;
  std::vector<std::int64_t> list{1, 2};
  std::string text = "t";
  void fields(FieldVisitor& v) override {
    v.field("factor", factor);
    v.field("list", list);
    v.field("text", text);
  }
  std::vector<Shape> shapes(const ShapeContext& c) const override { return {c.shape(0)}; }
  std::unique_ptr<Step> prepare(const PrepareContext&) const override {
    class Run : public Step {
     public:
      explicit Run(float f) : factor_(f) {}
      void run(const RunContext& c) noexcept override {
        for (std::int64_t i = 0; i < c.inputs[0].shape.elements(); ++i)
          c.outputs[0].as<float>()[i] = factor_ * c.inputs[0].as<float>()[i];
      }

     private:
      float factor_;
    };
    return std::make_unique<Run>(static_cast<float>(factor));
  }
};
class Composed : public Doubled {
 public:
  const char* type() const noexcept override { return type_name; }
  static constexpr const char* type_name = "test.export.Composed";
};
class Unnamed : public Doubled {
 public:
  const char* type() const noexcept override { return "test.export.Unnamed"; }
};

}  // namespace

TEST_CASE("export: save chooses the format by the extension, and writes the same bytes each time") {
  const TemporaryFolder folder;
  const Model m = quantized(one_convolution(), {2, 8, 8, 4});
  for (const char* file : {"net.onnx", "net.tflite", "net.octet", "net.TFLITE"}) {
    save(m, folder / file);
    const std::string first = contents(folder / file);
    save(m, folder / file);
    CHECK(contents(folder / file) == first);
  }
  CHECK(contents(folder / "net.tflite").substr(4, 4) == "TFL3");
  CHECK(contents(folder / "net.TFLITE") == contents(folder / "net.tflite"));
  const std::vector<AnyTensor> x = random_inputs(m, 3);
  for (const char* file : {"net.onnx", "net.tflite", "net.octet"})
    CHECK(difference(run_model(m, x), run_model(load(folder / file), x)).different == 0);
  CHECK(files_in(folder / "") == 4);
}

TEST_CASE("export: what save writes under a name in capital letters, load reads") {
  const TemporaryFolder folder;
  for (const char* file : {"NET.ONNX", "Net.TFLite", "net.OCTET"}) {
    CAPTURE(std::string(file));
    save(one_convolution(), folder / file);
    CHECK(load(folder / file).outputs.size() == 1);
  }
  CHECK_THROWS_WITH_AS(load(folder / "net.onnx.txt"), doctest::Contains("ends in"), FormatError);
}

TEST_CASE("export: a model that a format cannot hold is an error that names the layer, and leaves no file") {
  Graph g = one_convolution();
  g.outputs = {g.add("strange", Unnamed(), {g.outputs[0]})};
  const TemporaryFolder folder;
  for (const char* file : {"net.onnx", "net.tflite"}) {
    CHECK_THROWS_WITH_AS(save(g, folder / file), doctest::Contains("layer 'strange'"), FormatError);
    CHECK_THROWS_WITH_AS(save(g, folder / file), doctest::Contains(file), FormatError);
    CHECK(files_in(folder / "") == 0);
    folder.write(file, "old");
    CHECK_THROWS_AS(save(g, folder / file), FormatError);
    CHECK(contents(folder / file) == "old");
    std::filesystem::remove(folder / file);
  }
  // What is nearest is in the message.
  Graph padded = one_convolution(1);
  padded.outputs = {padded.add("border", Pad(PadMode::symmetric, {0, 1, 1, 0}, {0, 1, 1, 0}), {padded.outputs[0]})};
  CHECK_THROWS_WITH_AS(save(padded, folder / "net.onnx"), doctest::Contains("reflect"), FormatError);
  WeightOptions every_size;
  every_size.least_elements = 0;
  const Model half = quantize<bf16>(one_convolution(), every_size);
  CHECK_THROWS_WITH_AS(save(half, folder / "net.tflite"), doctest::Contains("fp16"), FormatError);
}

TEST_CASE("export: ONNX keeps names and open sizes, and needs the lowest version that has the operators") {
  Graph g = one_convolution();
  const std::string file = write_onnx(g);
  const auto header = [](char ir) { return std::string{'\x08', ir, '\x12', '\x05'} + "octet"; };
  CHECK(file.compare(0, 9, header(7)) == 0);
  const Model back = parsed(file, Format::onnx);
  CHECK(back.metadata.at("format") == "ONNX, operator set 13");
  CHECK(back.name == "net");
  CHECK(back.value(back.inputs[0]).name == "image");
  CHECK(back.value(back.inputs[0]).shape == Shape{-1, 8, 8, 4});
  CHECK(back.value(back.outputs[0]).name == g.value(g.outputs[0]).name);
  g.outputs = {g.add("swish", Unary(UnaryKind::hard_swish), {g.outputs[0]})};
  CHECK(parsed(write_onnx(g), Format::onnx).metadata.at("format") == "ONNX, operator set 14");
  g.outputs = {g.add("gelu", Unary(UnaryKind::gelu_tanh), {g.outputs[0]})};
  g.outputs = {g.add("mean", Reduce(ReduceKind::mean, {3}, false), {g.outputs[0]})};
  CHECK(write_onnx(g).compare(0, 9, header(9)) == 0);
  CHECK(difference_through(g, Format::onnx, random_inputs(g, 1)).relative() <= 1e-6);
}

TEST_CASE("export: ONNX keeps the names of open dimensions") {
  OnnxBuilder b;
  b.input("x", {-2, 3, -3, -3}).input("y", {-2, -1});
  b.initializer("w", random_tensor({4, 3, 1, 1}, 1)).node("Conv", {"x", "w"}, {"c"}).node("Relu", {"y"}, {"r"});
  b.output("c").output("r");
  const auto check = [](const Model& m) {
    const auto named = [&](const char* input, int d) { return dimension_name(m.metadata, input, d); };
    CHECK(named("x", 0) == "size2");
    CHECK(named("x", 1) == "size3");  // (channels last)
    CHECK(named("x", 2) == "size3");
    CHECK(named("x", 3) == "");
    CHECK(named("y", 0) == "size2");
  };
  const Model m = import_onnx(b, false);
  check(m);
  CHECK(dimension_name(m.metadata, "y", 1) == "");
  const Model back = parsed(write_onnx(m), Format::onnx);
  check(back);
  CHECK(back.metadata.size() == m.metadata.size() + 1);  // a name for the one without
  const TemporaryFile file("named.octet");
  save(m, file.path);
  check(load(file.path));
}

TEST_CASE("export: large constants of ONNX models can be in a file of their own") {
  const TemporaryFolder folder;
  const Graph g = one_convolution();
  SaveOptions o;
  o.external_data = true;
  save(g, folder / "net.onnx", o);
  CHECK(files_in(folder / "") == 1);  // no constant is large
  Graph large = one_convolution();
  large.outputs = {convolution(large, "wide", large.outputs[0], 64, 3, 7)};
  save(large, folder / "large.onnx", o);
  CHECK(contents(folder / "large.onnx.data").size() >= 64 * 6 * 9 * 4);
  CHECK(contents(folder / "large.onnx").size() < 64 * 6 * 9 * 4);
  const std::vector<AnyTensor> x = random_inputs(large, 3);
  CHECK(difference(run_model(large, x), run_model(load(folder / "large.onnx"), x)).different == 0);
}

TEST_CASE("export: models with more constants than a file holds") {
  const TemporaryFolder folder;
  Graph large = one_convolution();
  large.outputs = {convolution(large, "wide", large.outputs[0], 64, 3, 7)};
  SaveOptions o;
  o.largest_file = 10000;
  save(large, folder / "net.onnx", o);
  CHECK(contents(folder / "net.onnx.data").size() >= 64 * 6 * 9 * 4);
  CHECK(contents(folder / "net.onnx").size() < 10000);
  const std::vector<AnyTensor> x = random_inputs(large, 3);
  CHECK(difference(run_model(large, x), run_model(load(folder / "net.onnx"), x)).different == 0);
  CHECK_THROWS_WITH_AS(write_onnx(large, o), doctest::Contains("10000"), FormatError);
  CHECK_THROWS_WITH_AS(save(large, folder / "net.tflite", o), doctest::Contains("largest_file"), FormatError);
  CHECK(files_in(folder / "") == 2);
  // Where the data cannot be written, the model's file is not, either.
  std::filesystem::create_directory(folder / "taken.onnx.data");
  CHECK_THROWS_AS(save(large, folder / "taken.onnx", o), FormatError);
  CHECK(!std::filesystem::exists(folder / "taken.onnx"));
}

TEST_CASE("export: codes of ONNX models are uint8, int8, or int8 with zero points 0") {
  const Model m = quantized(one_convolution(), {2, 8, 8, 4});
  const auto kind = [](const Model& x) {
    for (const Value& v : x.values)
      if (!v.is_constant() && v.is_quantized()) return v.dtype;
    return DType::none;
  };
  SaveOptions o;
  CHECK(kind(through(m, Format::onnx, o)) == DType::u8);
  const std::vector<AnyTensor> x = random_inputs(m, 3);
  CHECK(difference_through(m, Format::onnx, x, o).different == 0);
  o.onnx = OnnxForm::signed_codes;
  CHECK(kind(through(m, Format::onnx, o)) == DType::i8);
  CHECK(difference_through(m, Format::onnx, x, o).different == 0);
  o.onnx = OnnxForm::symmetric;
  CHECK_THROWS_WITH_AS(write_onnx(m, o), doctest::Contains("zero point"), Error);
  const Model symmetric = quantized(one_convolution(), {2, 8, 8, 4}, true);
  CHECK(difference_through(symmetric, Format::onnx, x, o).different == 0);
  CHECK(write_onnx(symmetric, o).find("conv.bias/scale") == std::string::npos);  // biases are float
}

TEST_CASE("export: ONNX files for ONNX Runtime pad codes, others floats") {
  Graph g;
  int v = g.add_input("x", {1, 6, 6, 4});
  const auto convolution = [&](const std::string& name, std::int64_t in) {
    Convolution c;
    c.window = Window(3, 3, 1, 1);
    const int w = g.add_constant(name + ".weight", random_tensor({4, 3, 3, in}, 5));
    v = g.add(name, c, {v, w});
  };
  convolution("first", 4);
  v = g.add("pad", Pad(PadMode::constant, {0, 0, 1, 2}, {0, 1, 0, 2}, 0.25), {v});
  convolution("last", 8);
  g.outputs = {v};
  const Model m = quantized(g, {2, 6, 6, 4});
  for (OnnxForm form : {OnnxForm::unsigned_codes, OnnxForm::signed_codes}) {
    SaveOptions o;
    o.onnx = form;
    const Model back = through(m, Format::onnx, o);
    int pads = 0;
    for (const Node& n : back.nodes) {
      if (std::string(n.op->type()) != "Pad") continue;
      ++pads;
      CHECK(back.value(n.inputs[0]).dtype == (form == OnnxForm::unsigned_codes ? DType::u8 : DType::f32));
    }
    CHECK(pads == 1);
    CHECK(difference_through(m, Format::onnx, random_inputs(m, 3), o).different == 0);
  }
}

TEST_CASE("export: biases of more than 24 bits keep their codes") {
  Graph g;
  const int x = g.add_input("x", {1, 4}, DType::i8);
  g.value(x).quant = QuantParams(0.5f, 3);
  const int w = g.add_constant("w", Tensor<std::int8_t>({2, 4}, {1, 2, 3, 4, -5, 6, 7, 8}), {{0.1f, 0.3f}, {0, 0}, 0});
  const int b = g.add_constant("b", Tensor<std::int32_t>({2}, {1073741823, -536870913}));
  const int y = g.add("fc", FullyConnected(), {x, w, b}, {"y"});
  g.value(y).dtype = DType::i8;
  g.value(y).quant = QuantParams(5e5f, 0);
  g.outputs = {y};
  for (Format f : {Format::onnx, Format::tflite}) {
    const Model back = optimize(through(g, f));
    bool found = false;
    for (const Value& v : back.values)
      if (v.is_constant() && v.dtype == DType::i32 && v.shape == Shape{2} && !v.is_quantized())
        found = found || v.constant.view<std::int32_t>()[0] == 1073741823;
    CHECK(found);
    CHECK(difference_through(g, f, random_inputs(g, 1)).different == 0);
  }
}

TEST_CASE("export: a convolution keeps the range that its result has before a residual is added") {
  Graph g;
  const int x = g.add_input("x", {1, 6, 6, 8});
  const int a = convolution(g, "first", x, 8, 3, 1, 1, {0, 6});
  const int b = convolution(g, "second", a, 8, 3, 3);
  g.outputs = {convolution(g, "last", g.add("sum", Binary(BinaryKind::add, {0, 6}), {b, a}), 8, 1, 5)};
  const Tensor<float> image = random_tensor({4, 6, 6, 8}, 7);
  const Calibration with = calibrate(g, {image});
  const QuantizationPlan plan = plan_quantization<int8>(g, with);
  REQUIRE(plan.activations.count("sum.unsummed") == 1);
  const Model m = quantize(g, plan);
  double scale = 0;
  for (const Node& n : m.nodes)
    if (const auto* c = as<Convolution>(*n.op)) scale = std::max(scale, c->unsummed_scale);
  CHECK(static_cast<float>(scale) == plan.activations.at("sum.unsummed").scale);

  // Models without it round the sum only; the range of TFLite's result is what the sum needs.
  QuantizationPlan without = plan;
  without.activations.erase("sum.unsummed");
  const Model old = quantize(g, without);
  const std::vector<AnyTensor> in{AnyTensor(random_tensor({1, 6, 6, 8}, 8))};
  CHECK(difference(run_model(m, in), run_model(old, in)).different == 0);
  CHECK(difference_through(old, Format::onnx, in).different == 0);
  for (Format f : {Format::onnx, Format::tflite}) {
    CHECK(difference_through(m, f, in).relative() < 0.05);
    CHECK(difference_through(old, f, in).relative() < 0.05);
    CHECK(count<Convolution>(optimize(through(m, f))) == 3);
  }
}

TEST_CASE("export: calibrating measures what it did before, and the sums' terms") {
  Graph g;
  const int x = g.add_input("x", {4, 6, 6, 8});
  const int a = convolution(g, "first", x, 8, 3, 1, 1, {0, 6});
  g.outputs = {g.add("sum", Binary(BinaryKind::add, {0, 6}), {convolution(g, "second", a, 8, 3, 3), a})};
  const Tensor<float> image = random_tensor({4, 6, 6, 8}, 7);
  const Calibration c = calibrate(g, {image});
  ExecutorOptions o;
  o.optimize = false;
  o.same_floats = true;
  Executor fused(optimize(g), o);
  fused.observe([&](const Value& v, const TensorRef& t) {
    const auto* p = t.as<float>();
    const auto [low, high] = std::minmax_element(p, p + t.shape.elements());
    CHECK(c.tensors.at(v.name).seen.low == *low);
    CHECK(c.tensors.at(v.name).seen.high == *high);
  });
  fused.run({AnyTensor(image)});
  CHECK(c.tensors.count("sum.unsummed") == 1);
}

TEST_CASE("export: what is not written as it is, is noted") {
  const auto codes = [](Graph& g, const char* name, float scale) {
    const int v = g.add_input(name, {1, 4, 4, 2}, DType::i8);
    g.value(v).quant = QuantParams(scale, 3);
    return v;
  };
  Graph g;
  const int a = codes(g, "a", 0.5f), b = codes(g, "b", 0.25f), c = codes(g, "c", 0.5f);
  const int y = g.add("both", Concat(3), {a, b, c}, {"y"});
  g.value(y).dtype = DType::i8;
  g.value(y).quant = QuantParams(0.5f, 3);
  g.outputs = {y};
  std::vector<std::string> notes;
  SaveOptions o;
  o.notes = &notes;
  const std::vector<AnyTensor> x = random_inputs(g, 4);
  CHECK(difference_through(g, Format::onnx, x, o).different == 0);
  CHECK(notes.empty());
  CHECK(difference_through(g, Format::tflite, x, o).different == 0);
  REQUIRE(notes.size() == 1);
  for (const char* part : {"layer 'both' (Concat)", "input 'b'", "0.25", "requantized"})
    CHECK(notes[0].find(part) != std::string::npos);

  // A residual whose convolution has no range of its own.
  Graph sum;
  const int image = sum.add_input("x", {1, 6, 6, 8});
  const int first = convolution(sum, "first", image, 8, 3, 1);
  sum.outputs = {sum.add("sum", Binary(BinaryKind::add), {convolution(sum, "second", first, 8, 3, 3), first})};
  QuantizationPlan plan = plan_quantization<int8>(sum, calibrate(sum, {random_tensor({4, 6, 6, 8}, 7)}));
  for (const bool known : {true, false}) {
    if (!known) plan.activations.erase("sum.unsummed");
    for (Format f : {Format::onnx, Format::tflite}) {
      notes.clear();
      written(quantize(sum, plan), f, o);
      CHECK(notes.size() == (known ? 0 : 1));
      if (!known && !notes.empty()) CHECK(notes[0].find("residual") != std::string::npos);
    }
  }
}

TEST_CASE("export: own operators have their names and parameters in both formats") {
  register_operator<Doubled>({"test", "Doubled", OnnxLayout::any, "Doubled"});
  Graph g = one_convolution();
  Doubled op;
  op.factor = 0.25;
  op.text = "other";
  op.list = {7};
  g.outputs = {g.add("own", op, {g.outputs[0]})};
  for (Format f : {Format::onnx, Format::tflite}) {
    const Model back = through(g, f);
    const Doubled* found = nullptr;
    for (const Node& n : back.nodes)
      if (const auto* d = as<Doubled>(*n.op)) found = d;
    REQUIRE(found);
    CHECK(found->factor == 0.25);
    CHECK(found->text == "other");
    CHECK(found->list == std::vector<std::int64_t>{7});
    CHECK(difference_through(g, f, random_inputs(g, 2)).relative() <= 1e-6);
    CHECK(difference_through(quantized(g, {2, 8, 8, 4}), f, random_inputs(g, 2)).relative() <= 1e-6);
  }
}

TEST_CASE("export: own operators without a name in a format can say what they are made of") {
  OperatorNames names;
  names.onnx_type = "Composed";
  names.as_built_in = [](Graph& g, const Operator& op, const std::vector<int>& in) {
    const auto factor = static_cast<float>(static_cast<const Composed&>(op).factor);
    const int f = g.add_constant("factor", Tensor<float>(Shape{}, {factor}));
    return g.add("product", Binary(BinaryKind::mul), {in[0], f});
  };
  register_operator<Composed>(names);
  Graph g = one_convolution();
  Composed op;
  op.factor = 3;
  g.outputs = {convolution(g, "last", g.add("own", op, {g.outputs[0]}), 2, 1, 9)};
  const auto own = [](const Model& m) {
    return std::count_if(m.nodes.begin(), m.nodes.end(), [](const Node& n) { return as<Composed>(*n.op) != nullptr; });
  };
  CHECK(own(through(g, Format::onnx)) == 1);
  CHECK(own(through(g, Format::tflite)) == 0);
  for (Format f : {Format::onnx, Format::tflite})
    CHECK(difference_through(g, f, random_inputs(g, 2)).relative() <= 1e-6);
}
