#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <set>

#include "support/every_operator.hpp"
#include "support/exported.hpp"

// Each operator in each form is written, read again, and gives the same numbers; what a format does not have is an
// error that names the layer.

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

/// Cases that a format does not have, by the start of their names.
bool is_refused(const std::string& name, Format f) {
  // (TFLite has detections of single images.)
  static const std::set<std::string> nowhere{"ArgMaxPool and MaxUnpool", "DetectionPostProcess"};
  static const std::set<std::string> not_onnx{"Binary 14", "Pad 4", "SoftNonMaxSuppression"};
  static const std::set<std::string> not_tflite{"Unary 9",         "Unary 19",
                                                "Unary 21",        "Unary 25",
                                                "Unary 26",        "Unary 27",
                                                "Unary 28",        "Unary 29",
                                                "Unary 30",        "Unary 31",
                                                "Unary 32",        "Unary 33",
                                                "Binary 15",       "MaxPool with indices",
                                                "Resize 2",        "Pad 2",
                                                "Pad 3",           "Reduce 5",
                                                "GatherElements",  "Recurrent",
                                                "GridSample",      "Unpool",
                                                "ScatterElements", "ScatterND",
                                                "QuantizeLinear",  "DynamicQuantizeLinear",
                                                "MatMulInteger",   "NonMaxSuppression",
                                                "NonZero",         "Compress",
                                                "SizesOf",         "NumberRange",
                                                "Parametrized"};
  const auto in = [&](const std::set<std::string>& all) {
    for (const std::string& x : all)
      if (name == x || name.compare(0, x.size() + 1, x + " ") == 0) return true;
    return false;
  };
  return in(nowhere) || in(f == Format::onnx ? not_onnx : not_tflite);
}

bool is_refused(const std::string& name, const std::string& form, Format f) {
  if (form == "bf16" && f == Format::tflite) return true;
  return is_refused(name, f);
}

/// Whether float results after the operator may differ by more than rounding, because a tie or a step decides, or
/// because the sizes are known where the file is read, so that the layer computes with codes.
bool may_step(const std::string& name, const std::string& form) {
  if (form == "int8")
    return name == "Unary 22" || name == "Sum within a convolution" || name == "Parametrized Resize 1";
  return false;
}

void check(const Case& c, const std::string& form, const Model& m, const std::vector<AnyTensor>& in) {
  CAPTURE(c.name);
  CAPTURE(form);
  for (Format f : {Format::onnx, Format::tflite}) {
    CAPTURE(std::string(testing::name(f)));
    if (is_refused(c.name, form, f)) {
      CHECK_THROWS_WITH_AS(written(m, f), doctest::Contains("layer '"), FormatError);
      continue;
    }
    const Difference d = difference_through(m, f, in);
    // Softmax and the like after codes are computed in float; all else is exact.
    if (form == "int8" && !may_step(c.name, form)) CHECK(d.relative() <= 1e-6);
    if (form == "int8" && may_step(c.name, form)) CHECK(d.relative() <= 0.05);
    if (form != "int8") CHECK(d.relative() <= 1e-5);
  }
}

void check_forms(const std::vector<Case>& all) {
  for (const Case& c : all) {
    Graph g = network(c);
    const Tensor<float> x = random_tensor({4, 6, 6, 8}, 9, -1, 1);
    WeightOptions every_size;
    every_size.least_elements = 0;
    check(c, "float", g, {AnyTensor(x)});
    check(c, "int8", quantize<int8>(g, calibrate(g, {x})), {AnyTensor(x)});
    check(c, "fp16", quantize<fp16>(g, every_size), {AnyTensor(x)});
    check(c, "bf16", quantize<bf16>(g, every_size), {AnyTensor(x)});
  }
}

}  // namespace

TEST_CASE("export: unary functions") { check_forms(unary_cases()); }
TEST_CASE("export: arithmetic of two tensors") { check_forms(binary_cases()); }
TEST_CASE("export: operators on images") { check_forms(image_cases()); }
TEST_CASE("export: operators on shapes, and integers") { check_forms(shape_cases()); }

TEST_CASE("export: operators with computed parameters") { check_forms(computed_cases()); }

TEST_CASE("export: dynamic range is quantized at run time in both formats") {
  // ONNX quantizes a whole batch by one range, octet each image: of one image both are the same.
  for (const char* wanted :
       {"Convolution by group", "Convolution by channel", "FullyConnected", "Flatten", "TransposedConvolution"})
    for (const Case& c : cases()) {
      if (c.name != wanted) continue;
      CAPTURE(c.name);
      Graph g;
      const int x = g.add_input("x", {1, 6, 6, 8});
      int v = c.add(g, convolution(g, "first", x, 8, 3, 1));
      const Shape s = g.value(v).shape;
      if (s.rank() == 2) v = g.add("last", FullyConnected(), {v, constant(g, {16, s[1]}, 4), constant(g, {16}, 5)});
      g.outputs = {v};
      WeightOptions every_size;
      every_size.least_elements = 0;
      const Model m = quantize<dynamic_range>(g, every_size);
      for (Format f : {Format::onnx, Format::tflite}) {
        const Difference d = difference_through(m, f, {AnyTensor(random_tensor({1, 6, 6, 8}, 10))});
        // A near-tie may round to the next code in one of them.
        CHECK(d.relative() <= (f == Format::tflite ? 1e-6 : 0.01));
      }
    }
}
