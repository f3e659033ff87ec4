#include <octet/operators/all.hpp>
#include <octet/runtime/executor.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "testing.hpp"

// Sizes that contradict each other or that no tensor can have: the error names the layer or the input.

using namespace testing;

TEST_CASE("impossible sizes: results and inputs with too many elements name the layer or the input") {
  OnnxBuilder b;
  b.input("x", {1, 4, -1, 1}).integers("sizes", {1 << 20, 4, 1 << 10, 1 << 10});
  const Model m = import_onnx(b.node("Expand", {"x", "sizes"}, {"y"}).output("y"));
  Executor run(m);
  const std::string wide = message([&] { run.run({random_tensor({1, 4, 1, 1}, 1)}); });
  CHECK(has(wide, {"layer '", "(Expand)", "[1048576, 4, 1024, 1024]", "too many elements"}));
  const std::string large = message([&] { run.plan({{1, 4, std::int64_t{1} << 40, 1}}); });
  CHECK(has(large, {"input 'x'", "too many elements"}));
}

TEST_CASE("impossible sizes: hidden_size of recurrent layers is that of their weights") {
  const auto import = [](std::int64_t hidden) {
    OnnxBuilder b;
    b.input("x", {5, 2, 6})
        .initializer("w", random_tensor({1, 32, 6}, 1))
        .initializer("r", random_tensor({1, 32, 8}, 2));
    import_onnx(b.node("LSTM", {"x", "w", "r"}, {"y"}, {{"hidden_size", hidden}}).output("y"));
  };
  import(8);
  CHECK(has(message([&] { import(9); }), {"(LSTM)", "hidden_size is 9", "8 units"}));
  CHECK(has(message([&] { import(-8); }), {"(LSTM)", "hidden_size is -8"}));
}
