#include <octet/core/element.hpp>
#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"

using namespace testing;

namespace {

using Integers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("reverse sequence: against a loop, for all axes") {
  const Shape shape{3, 4, 2, 5};
  const Tensor<float> x = random_tensor(shape, 1);
  for (int time = 0; time < 4; ++time)
    for (int batch = 0; batch < 4; ++batch) {
      if (time == batch) continue;
      const Tensor<std::int32_t> lengths =
          random_integers<std::int32_t>({shape[batch]}, 2, 0, static_cast<int>(shape[time]));
      const Tensor<float> y = run_float(ReverseSequence(time - 4, batch), {x, lengths});
      each_index(shape, [&](const Integers& i) {
        Integers k = i;
        std::int64_t& t = k[static_cast<std::size_t>(time)];
        const std::int64_t n = lengths[i[static_cast<std::size_t>(batch)]];
        if (t < n) t = n - 1 - t;
        CHECK(y[flat(shape, i)] == x[flat(shape, k)]);
      });
    }
  const Tensor<std::int64_t> far({3}, {-5, 100, 2});  // computed lengths are clamped
  const AnyTensor y = run_layer(ReverseSequence(1, 0), {Tensor<std::int8_t>({3, 2}, {1, 2, 3, 4, 5, 6}), far})[0];
  CHECK(octet::detail::to_integers(y) == Integers{1, 2, 4, 3, 6, 5});
}

TEST_CASE("reverse sequence: from ONNX after a convolution, and from TFLite; errors") {
  const std::vector<float> right{4, 5, 2, 3, 0, 1, 8, 9, 6, 7, 10, 11};  // pairs of [2, 3, 2]: lengths 3 and 2
  for (const bool keep : {true, false}) {
    OnnxBuilder b;
    b.input("x", {2, 3, 2, 1}).initializer("w", Tensor<float>({3, 1, 1, 1}, {1, 1, 1}));
    b.node("Conv", {"x", "w"}, {"c"}, {{"group", 3}}).integers("n", {3, 2});
    b.node("ReverseSequence", {"c", "n"}, {"r"}, {{"time_axis", 1}, {"batch_axis", 0}});
    b.integers("flat", {-1}).node("Reshape", {"r", "flat"}, {"f"}).output("f");
    Tensor<float> x({2, 3, 2, 1}), nhwc({2, 2, 1, 3});
    for (std::int64_t i = 0; i < 12; ++i) x[i] = static_cast<float>(i);
    for (std::int64_t i = 0; i < 12; ++i) nhwc[i] = x[i / 6 * 6 + i % 3 * 2 + i / 3 % 2];
    const Tensor<float> y = floats(run_plain(import_onnx(b, keep), {AnyTensor(keep ? x : nhwc)})[0]);
    CHECK(std::vector<float>(y.begin(), y.end()) == right);
  }
  tflite::ModelBuilder t;
  const int in = t.tensor("x", {2, 3, 2}), out = t.tensor("y", {});
  t.op("REVERSE_SEQUENCE", {in, t.integers("n", {3, 2})}, {out}, {tflite::integer(0, 1), tflite::integer(1, 0)});
  const Tensor<float> y =
      floats(tflite::outputs(tflite::parse(t.finish({in}, {out})), {AnyTensor(counting<float>({2, 3, 2}))})[0]);
  CHECK(std::vector<float>(y.begin(), y.end()) == right);

  const auto error = [](const ReverseSequence& op, const Operand& lengths) {
    return message([&] { run_layer(op, {Tensor<float>({2, 3}), lengths}); });
  };
  const auto of = [](const Integers& v) {
    return fixed(Tensor<std::int64_t>({static_cast<std::int64_t>(v.size())}, v));
  };
  CHECK(has(error(ReverseSequence(1, 0), of({1, 4})),
            {"layer 'tested' (ReverseSequence)", "a length is 4, expected 0 to 3"}));
  CHECK(contains(error(ReverseSequence(1, 0), of({1})), "expected 2 lengths for axis 0 of [2, 3], found [1]"));
  CHECK(contains(error(ReverseSequence(1, -1), of({1, 1, 1})), "cannot be reversed by lengths of the same axis"));
  CHECK(error(ReverseSequence(2, 0), of({1, 1})) != "");
}
