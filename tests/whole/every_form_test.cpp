#include <functional>
#include <octet/operators/register_operator.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/every_operator.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

// Each operator between two convolutions, in each form that a model can be quantized to: the model runs, and its
// outputs are close to those of the float model.

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

std::vector<AnyTensor> run(const Model& m, const Tensor<float>& x, bool optimize = true) {
  ExecutorOptions o;
  o.threads = 1;
  o.optimize = optimize;
  return Executor(m, o).run({AnyTensor(x)});
}

void check_forms(const Case& c) {
  CAPTURE(c.name);
  const Graph g = network(c);
  const Tensor<float> x = random_tensor({4, 6, 6, 8}, 9, -1, 1);
  const std::vector<AnyTensor> right = run(g, x);
  const auto check = [&](const std::string& form, double least, const std::function<Model()>& quantized) {
    CAPTURE(form);
    const Model m = quantized();
    for (bool optimize : {true, false}) {
      const std::vector<AnyTensor> found = run(m, x, optimize);
      for (std::size_t i = 0; i < right.size(); ++i) CHECK(sqnr_db(right[i], found[i]) >= least);
    }
  };
  WeightOptions all_sizes;
  all_sizes.least_elements = 0;
  check("int8", c.int8_db, [&] { return quantize<int8>(g, calibrate(g, {x})); });
  check("dynamic range", c.int8_db, [&] { return quantize<dynamic_range>(g, all_sizes); });
  check("dynamic range of large weights", c.int8_db, [&] { return quantize<dynamic_range>(g); });
  check("fp16", std::min(c.int8_db, 40.0), [&] { return quantize<fp16>(g, all_sizes); });
  check("bf16", std::min(c.int8_db, 25.0), [&] { return quantize<bf16>(g, all_sizes); });
  check("dynamic range of fp16", c.int8_db, [&] { return quantize<dynamic_range>(quantize<fp16>(g, all_sizes)); });
  check("int8 of bf16", c.int8_db, [&] { return quantize<int8>(quantize<bf16>(g, all_sizes), calibrate(g, {x})); });
}

}  // namespace

TEST_CASE("every form: unary functions") {
  for (const Case& c : unary_cases()) check_forms(c);
}
TEST_CASE("every form: arithmetic of two tensors") {
  for (const Case& c : binary_cases()) check_forms(c);
}
TEST_CASE("every form: operators on images") {
  for (const Case& c : image_cases()) check_forms(c);
}
TEST_CASE("every form: operators on shapes, and integers") {
  for (const Case& c : shape_cases()) check_forms(c);
}

TEST_CASE("every form: operators with computed parameters") {
  for (const Case& c : computed_cases()) check_forms(c);
}

TEST_CASE("every form: parameters that are computed from sizes which no calibration has seen") {
  for (const Case& c : computed_cases()) {
    if (c.name.find("Pad") != std::string::npos || c.name.find("Expand") != std::string::npos) continue;  // of 6 x 6
    CAPTURE(c.name);
    const Graph g = network(c);
    const Model m = quantize<int8>(g, calibrate(g, {random_tensor({4, 6, 6, 8}, 9, -1, 1)}));
    const Tensor<float> x = random_tensor({2, 15, 20, 8}, 9, -1, 1);
    const AnyTensor right = run(g, x)[0], found = run(m, x)[0];
    REQUIRE(found.shape() == right.shape());
    CHECK(sqnr_db(right, found) >= c.int8_db);
  }
}

TEST_CASE("every form: all operators are tested") {
  std::map<std::string, int> seen;
  for (const Case& c : cases())
    for (const Node& n : network(c).nodes) ++seen[n.op->type()];
  // Operators that exist only in training graphs; ConvInteger is similar to MatMulInteger.
  for (const char* other : {"FakeQuantize", "FakeQuantizeSums", "FakeQuantizeWeights", "ConvInteger"}) ++seen[other];
  for (const detail::OperatorType& type : detail::built_in_operators())
    CHECK_MESSAGE(seen.count(type.name) == 1, type.name);
}
