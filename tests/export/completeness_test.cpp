#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/training/examples.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>

#include "support/every_operator.hpp"
#include "support/exported.hpp"
#include "support/files.hpp"

// Each operator in each form and each way of writing it: there is a file that runs, or an error that names the file and
// the layer or tensor, and no file.

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

struct Way {
  const char* file;
  OnnxForm onnx;
};
const Way ways[] = {{"u8.onnx", OnnxForm::unsigned_codes},
                    {"s8.onnx", OnnxForm::signed_codes},
                    {"zero.onnx", OnnxForm::symmetric},
                    {"x.tflite", OnnxForm::unsigned_codes}};

std::map<std::string, Model> forms(const Graph& g, const Tensor<float>& x) {
  std::map<std::string, Model> all;
  const Calibration c = calibrate(g, {x});
  Int8Options tensor, codes, zero;
  tensor.per_channel = false;
  codes.integer_input = codes.integer_output = true;
  zero.symmetric_activations = true;
  WeightOptions every_size;
  every_size.least_elements = 0;
  all["float"] = g;
  all["int8 per tensor"] = quantize<int8>(g, c, tensor);
  all["int8 of codes"] = quantize<int8>(g, c, codes);
  all["int8 symmetric"] = quantize<int8>(g, c, zero);
  all["dynamic range"] = quantize<dynamic_range>(g, every_size);
  all["fp16"] = quantize<fp16>(g, every_size);
  all["bf16"] = quantize<bf16>(g, every_size);
  return all;
}

void check_completeness(const std::vector<Case>& cases) {
  const TemporaryFolder folder;
  int files = 0, errors = 0;
  for (const Case& c : cases) {
    const Tensor<float> x = random_tensor({4, 6, 6, 8}, 9, -1, 1);
    for (const auto& form : forms(network(c), x))
      for (const Way& way : ways) {
        CAPTURE(c.name);
        CAPTURE(form.first);
        CAPTURE(std::string(way.file));
        SaveOptions o;
        o.onnx = way.onnx;
        const std::string path = folder / way.file;
        std::string error;
        try {
          save(form.second, path, o);
        } catch (const FormatError& e) {
          error = e.what();
        }
        if (error.empty()) {
          const Model back = load(path);
          run_model(back, random_inputs(back, 3));
          std::filesystem::remove(path);
          ++files;
        } else {
          CAPTURE(error);
          CHECK(error.find(way.file) != std::string::npos);
          CHECK((error.find(": layer '") != std::string::npos || error.find(": tensor '") != std::string::npos));
          ++errors;
        }
        CHECK(std::filesystem::is_empty(folder / ""));
      }
  }
  CHECK(files > errors);
}

}  // namespace

TEST_CASE("export is complete: unary functions") { check_completeness(unary_cases()); }
TEST_CASE("export is complete: arithmetic of two tensors") { check_completeness(binary_cases()); }
TEST_CASE("export is complete: operators on images") { check_completeness(image_cases()); }
TEST_CASE("export is complete: operators on shapes, and integers") { check_completeness(shape_cases()); }

TEST_CASE("export is complete: a model that is being trained for int8 has to be converted first") {
  Graph g;
  const int x = g.add_input("x", {1, 6, 6, 8});
  g.outputs = {convolution(g, "conv", x, 4, 3, 1)};
  const TemporaryFolder folder;
  const Model prepared = prepare_qat(g);
  for (const char* file : {"x.onnx", "x.tflite"}) {
    CHECK_THROWS_WITH_AS(save(prepared, folder / file), doctest::Contains("convert"), FormatError);
    CHECK(std::filesystem::is_empty(folder / ""));
  }
}

TEST_CASE("export: training for int8 keeps the range that a convolution has before a residual is added") {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 6, 6, 8});
  const int a = convolution(g, "first", x, 8, 3, 1, 1, {0, 6});
  const int v = g.add("sum", Binary(BinaryKind::add, {0, 6}), {convolution(g, "second", a, 8, 3, 3), a});
  const int m = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {v});
  g.outputs = {g.add("scores", FullyConnected(), {m, constant(g, {4, 8}, 4), constant(g, {4}, 5)})};
  std::vector<std::int64_t> classes;
  for (int i = 0; i < 64; ++i) classes.push_back(i % 4);
  const TensorExamples examples(random_tensor({64, 6, 6, 8}, 10), classes);
  TrainingOptions o;
  o.progress = false;
  o.batch = 16;
  Trainer trainer(prepare_qat(g), o);
  trainer.fit(examples, 1);
  const Model q = convert(trainer.model());
  CHECK(std::count_if(q.nodes.begin(), q.nodes.end(), [](const Node& n) {
          const auto* c = as<Convolution>(*n.op);
          return c && c->unsummed_scale > 0;
        }) == 1);
  std::vector<std::string> notes;
  SaveOptions saving;
  saving.notes = &notes;
  for (Format f : {Format::onnx, Format::tflite})
    CHECK(difference_through(q, f, {AnyTensor(random_tensor({3, 6, 6, 8}, 8))}, saving).relative() < 0.05);
  CHECK(notes.empty());
}
