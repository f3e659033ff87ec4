#include <octet/data/image_input.hpp>
#include <octet/export/save.hpp>
#include <octet/import/load.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/error_report.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>
#include <octet/try.hpp>

#include "support/files.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

using namespace testing;

namespace {

/// The sum and the difference of inputs "a" and "b" of [1, 2].
Model two_and_two() {
  Model m;
  const int a = m.add_input("a", {1, 2}), b = m.add_input("b", {1, 2});
  m.outputs = {m.add("sum", Binary(BinaryKind::add), {a, b}), m.add("difference", Binary(BinaryKind::sub), {a, b})};
  return m;
}

}  // namespace

TEST_CASE("views: several inputs are read where they are") {
  Executor run(two_and_two());
  const float a[] = {1, 2};
  const Tensor<float> b({1, 2}, {10, 20});
  const auto out = run.run(View<const float>(a, {1, 2}), b);
  REQUIRE(out.size() == 2);
  CHECK(out[0].view<float>()[1] == 22);
  CHECK(out[1].view<float>()[1] == -18);
  CHECK(run.run(AnyTensor(b), b)[0].view<float>()[0] == 20);
  CHECK(has(message([&] { run.run(b); }), {"expected 2 inputs", "found 1"}));
  CHECK(has(message([&] { run.run(b, Tensor<int32>({1, 2})); }), {"'b'", "float32", "int32"}));
  const auto tried = try_run(run, b, b);
  REQUIRE(bool(tried));
  CHECK((*tried)[0].view<float>()[0] == 20);
  CHECK(!try_run(run, b, b, b));
}

TEST_CASE("views: pixels of models that take uint8") {
  Model m;
  const int pixels = m.add_input("pixels", {1, 2, 2, 1}, DType::u8);
  const int real = m.add("cast", Convert(DType::f32), {pixels});
  m.outputs = {m.add("relu", Unary(UnaryKind::negate), {real})};
  Executor run(m);
  const std::vector<uint8> image{1, 2, 3, 255};
  CHECK(run(View<const uint8>(image, {1, 2, 2, 1}))[3] == -255);
  CHECK(bool(try_run(run, View<const uint8>(image, {1, 2, 2, 1}))));
  Executor other(two_and_two());
  CHECK_THROWS_AS(other(View<const uint8>(image, {1, 2, 2, 1})), ShapeError);
}

TEST_CASE("views: rows of images with a stride") {
  Tensor<uint8> large({4, 6, 1});
  for (std::int64_t i = 0; i < large.size(); ++i) large[i] = static_cast<uint8>(i);
  Preprocessing p;
  p.normalization = normalization("raw");
  const ImageView part(large.data() + 7, {2, 3, 1}, 6);
  const Tensor<float> x = preprocess(part, p, 2, 3);
  CHECK(x[0] == 7);
  CHECK(x[3] == 13);
  const ImageView flipped(large.data() + 18, {4, 6, 1}, -6);
  CHECK(preprocess(flipped, p, 4, 6)[0] == 18);
  CHECK(preprocess(flipped, p, 4, 6)[18] == 0);
  CHECK_THROWS_AS(ImageView(large.data(), {2, 3, 1}, 2), ShapeError);
}

TEST_CASE("views: error report of several inputs and outputs") {
  const Model m = two_and_two();
  const std::vector<AnyTensor> batch{Tensor<float>({1, 2}, {0.1f, 0.7f}), Tensor<float>({1, 2}, {0.3f, -0.2f})};
  Calibrator c(m);
  c.add(batch);
  const auto report = error_report(m, quantize<int8>(m, c.result()), std::vector<std::vector<AnyTensor>>{batch});
  std::vector<std::string> names;
  for (const LayerError& e : report) names.push_back(e.name);
  CHECK(std::count(names.begin(), names.end(), "sum") == 1);
  CHECK(std::count(names.begin(), names.end(), "difference") == 1);
}

TEST_CASE("load: bytes in memory") {
  const TemporaryFolder folder;
  Model m;
  const int in = m.add_input("in", {1, 64});
  Tensor<float> weights({64, 64});
  for (float& w : weights) w = 0.5f;
  m.outputs = {m.add("fc", FullyConnected(), {in, m.add_constant("w", weights)})};
  save(m, folder / "m.octet");
  const std::string file = contents(folder / "m.octet");
  const auto* bytes = reinterpret_cast<const std::byte*>(file.data());
  const Tensor<float> x({1, 64}, std::vector<float>(64, 1.0f));
  CHECK(Executor(load(bytes, file.size()))(x)[0] == 32);
  // The model keeps bytes that it is given.
  auto memory = std::make_shared<Tensor<uint8>>(Shape{static_cast<std::int64_t>(file.size())});
  std::memcpy(memory->data(), file.data(), file.size());
  const auto* from = reinterpret_cast<const std::byte*>(memory->data());
  const std::weak_ptr<Tensor<uint8>> alive = memory;
  {
    const Model kept = load(std::shared_ptr<const std::byte>(memory, from), file.size(), "mine");
    memory.reset();
    const std::byte* w = kept.value(kept.find("w")).constant.data();
    CHECK((w > from && w < from + file.size()));
    CHECK(!alive.expired());
    CHECK(Executor(kept)(x)[0] == 32);
  }
  CHECK(alive.expired());
  // Bytes that are not aligned are copied.
  std::string shifted = "x" + file;
  const std::shared_ptr<const std::byte> odd(std::shared_ptr<void>(),
                                             reinterpret_cast<const std::byte*>(shifted.data() + 1));
  CHECK(Executor(load(odd, file.size()))(x)[0] == 32);
  CHECK(has(message([&] { load(bytes, file.size() - 1, "cut"); }), {"'cut'", "bytes"}));
  CHECK(has(message([&] { load(bytes + 9, 40, "none"); }), {"'none'"}));
  CHECK_THROWS_AS(load(bytes, 0), FormatError);
}

TEST_CASE("names: the nearest ones are suggested") {
  const Model m = two_and_two();
  Int8Options o;
  o.keep_float = {"Sun"};
  Calibrator c(m);
  c.add({Tensor<float>({1, 2}, {0.1f, 0.7f}), Tensor<float>({1, 2}, {0.3f, -0.2f})});
  CHECK(has(message([&] { quantize<int8>(m, c.result(), o); }), {"'Sun'", "nearest name is 'sum'"}));
  o.keep_float = {"something else"};
  CHECK(message([&] { quantize<int8>(m, c.result(), o); }).find("nearest") == std::string::npos);
}
