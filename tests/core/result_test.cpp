#include <octet/core/parallel_checked.hpp>
#include <octet/import/onnx/wire_reader.hpp>
#include <octet/io/load.hpp>
#include <octet/io/try.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <octet/try.hpp>
#include <protozero/pbf_reader.hpp>

#include "support/fingerprint.hpp"
#include "support/messages.hpp"
#include "support/models.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"
#include "testing.hpp"

// The functions try_..., which return errors instead of throwing them.

using namespace octet;
using namespace testing;

namespace {

Graph float_model() { return mobilenet_v1(tiny()); }

Tensor<float> image() { return random_tensor({1, 32, 32, 3}, 1); }

Bytes damaged(Bytes b, Random& random) {
  const auto place = [&] {
    return static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(b.size()) - 1));
  };
  switch (random.between(0, 3)) {
    case 0: b.resize(place()); break;
    case 1: b[place()] ^= static_cast<char>(1 << random.between(0, 7)); break;
    case 2: b.erase(place(), static_cast<std::size_t>(random.between(1, 8))); break;
    default: b.insert(place(), "\xff\xff\xff\xff\x7f"); break;
  }
  return b;
}

Bytes onnx_file() {
  OnnxBuilder b;
  b.input("x", {-2, 4, 6, 6}).initializer("w", random_tensor({8, 4, 3, 3}, 1));
  b.node("Conv", {"x", "w"}, {"c"}, {{"kernel_shape", std::vector<std::int64_t>{3, 3}}}).node("Relu", {"c"}, {"y"});
  return b.output("y").bytes();
}

Bytes tflite_file() {
  testing::tflite::ModelBuilder b;
  const int x = b.tensor("x", {1, 4}), y = b.tensor("y", {1, 4}), c = b.constant("c", Tensor<float>({1, 4}));
  b.op("ADD", {x, c}, {y});
  const std::vector<std::uint8_t> file = b.finish({x}, {y});
  return {file.begin(), file.end()};
}

/// The fields of a message as wire::Reader or protozero reads them.
template <class Reader, class WireType>
std::string read_by(const Bytes& message) {
  std::string seen;
  try {
    Reader reader(message.data(), message.size());
    while (reader.next()) {
      seen += std::to_string(reader.tag()) + ":";
      if (reader.wire_type() == WireType::varint) {
        seen += std::to_string(reader.get_int64());
      } else if (reader.wire_type() == WireType::fixed32) {
        const float x = reader.get_float();
        seen.append(reinterpret_cast<const char*>(&x), sizeof x);
      } else if (reader.wire_type() == WireType::length_delimited && reader.tag() % 2 == 0) {
        const auto v = reader.get_view();
        seen.append(v.data(), v.size());
      } else {
        reader.skip();
      }
      seen += " ";
    }
  } catch (const Error& e) {
    return seen + e.what();
  } catch (const protozero::exception& e) {
    return seen + "the file is damaged or truncated (" + e.what() + ")";
  }
  return seen;
}

}  // namespace

TEST_CASE("result: holds a value or an error") {
  Result<std::string> good = std::string("text"), bad = Failure{ErrorKind::shape, "no text"};
  CHECK(good.ok());
  CHECK(good->size() == 4);
  CHECK(good.error().text.empty());
  CHECK(std::move(good).value() == "text");
  CHECK_FALSE(bad);
  CHECK(bad.error().kind == ErrorKind::shape);
  CHECK_THROWS_WITH_AS(bad.value(), "no text", ShapeError);
  CHECK_THROWS_AS((Result<int>(Failure{ErrorKind::format, ""}).value()), FormatError);
  CHECK_THROWS_AS((Result<int>(Failure{ErrorKind::memory, ""}).value()), std::bad_alloc);
  Result<void> done;
  CHECK(done);
  CHECK_NOTHROW(done.value());
  done = Failure{ErrorKind::other, ""};  // an error even without a text
  CHECK_FALSE(done);
  CHECK_THROWS_AS(done.value(), Error);
}

TEST_CASE("try: same results as the throwing functions when loading, quantizing, running and saving") {
  const TemporaryFile file("model.octet"), numbers("calibration.json");
  const Model model = float_model();
  const Tensor<float> x = image();
  REQUIRE(try_save(model, file.path));
  const Result<Model> loaded = try_load(file.path);
  REQUIRE(loaded);
  CHECK(fingerprint(*loaded) == fingerprint(model));
  const Result<Calibration> calibration = try_calibrate(*loaded, {x});
  REQUIRE(calibration);
  REQUIRE(try_save(*calibration, numbers.path));
  const Result<Calibration> again = try_load_calibration(numbers.path);
  REQUIRE(again);
  const Model expected = quantize<int8>(model, calibrate(model, {x}));
  for (const Calibration& c : {*calibration, *again})
    CHECK(fingerprint(try_quantize<int8>(*loaded, c).value()) == fingerprint(expected));
  CHECK(fingerprint(try_quantize<fp16>(*loaded).value()) == fingerprint(quantize<fp16>(model)));
  CHECK(fingerprint(try_quantize<dynamic_range>(*loaded, *again).value()) ==
        fingerprint(quantize<dynamic_range>(model, *calibration)));
  Result<Executor> run = try_make_executor(expected);
  REQUIRE(run);
  const Tensor<float> y = Executor(expected)(x);
  const Result<Tensor<float>> same = try_run(*run, x);
  REQUIRE(same);
  CHECK(largest_difference(*same, y) == 0);
  CHECK(try_plan(*run, {x.shape()}).value() == std::vector<Shape>{y.shape()});
  CHECK(try_run(*run, std::vector<AnyTensor>{AnyTensor(x)}).value()[0].shape() == y.shape());
}

TEST_CASE("try: every kind of error has the text of the exception") {
  Model model = float_model();
  const Result<Model> missing = try_load("/nowhere/model.onnx");
  CHECK(missing.error().kind == ErrorKind::format);
  CHECK(missing.error().text == message([] { load("/nowhere/model.onnx"); }));
  CHECK(try_save(model, "model.onnx").error().text == message([&] { save(model, "model.onnx"); }));
  CHECK(try_load_calibration("/nowhere/c.json").error().text == message([] { load_calibration("/nowhere/c.json"); }));

  ExecutorOptions negative;
  negative.threads = -1;
  CHECK(try_make_executor(model, negative).error().text == message([&] { Executor(model, negative); }));
  Executor run(model);
  const Tensor<float> small({1, 32, 32, 1});
  const Result<Tensor<float>> misfit = try_run(run, small);
  CHECK(misfit.error().kind == ErrorKind::shape);
  CHECK(misfit.error().text == message([&] { run(small); }));
  CHECK_FALSE(try_plan(run, {}));
  CHECK_FALSE(try_run(run, std::vector<AnyTensor>{}));

  Tensor<float> nan({1, 32, 32, 3});
  for (float& x : nan) x = std::numeric_limits<float>::quiet_NaN();
  const Result<Calibration> lost = try_calibrate(model, {nan});
  CHECK(lost.error().kind == ErrorKind::other);
  CHECK(lost.error().text == message([&] { calibrate(model, {nan}); }));
  CHECK(try_quantize<int8>(model, Calibration()).error().text ==
        message([&] { quantize<int8>(model, Calibration()); }));

  const auto raised = [&](auto error) {
    run.observe([=](const Value&, const TensorRef&) { throw error; });
    return try_run(run, image()).error();
  };
  CHECK(raised(std::bad_alloc()).kind == ErrorKind::memory);
  CHECK(raised(std::bad_alloc()).text == "out of memory");
  CHECK(raised(std::logic_error("an observer's")).text == "an observer's");
  CHECK(raised(1).text == "unknown");
  run.observe({});
  CHECK(try_run(run, image()));
}

TEST_CASE("try: damaged files give the texts of the exceptions") {
  const TemporaryFolder folder;
  const TemporaryFile saved("whole.octet");
  Random random(3);
  Random weights(4);
  save(small_model(weights), saved.path);
  const std::pair<const char*, Bytes> files[] = {
      {"a.onnx", onnx_file()}, {"a.tflite", tflite_file()}, {"a.octet", contents(saved.path)}};
  for (const auto& [name, whole] : files) {
    int bad = 0;
    const std::string path = folder.write(name, whole);
    REQUIRE(try_load(path));
    for (int i = 0; i < 300; ++i) {
      folder.write(name, damaged(whole, random));
      const Result<Model> model = try_load(path);
      CHECK(model.error().text == message([&] { load(path); }));
      if (model) continue;
      CHECK(model.error().kind == ErrorKind::format);
      CHECK(model.error().text.find(path) != std::string::npos);
      ++bad;
    }
    CHECK(bad > 100);
  }
}

TEST_CASE("try: models in memory") {
  const auto view = [](const Bytes& b) {
    return View<const std::uint8_t>(reinterpret_cast<const std::uint8_t*>(b.data()),
                                    {static_cast<std::int64_t>(b.size())});
  };
  const Bytes onnx = onnx_file(), tflite = tflite_file();
  CHECK(try_parse_onnx(view(onnx), "memory"));
  CHECK(try_parse_tflite(view(tflite), "memory"));
  CHECK(try_parse_onnx(view(tflite), "memory").error().text == message([&] { parse_onnx(view(tflite), "memory"); }));
  CHECK(try_parse_tflite(view(onnx), "memory").error().text == message([&] { parse_tflite(view(onnx), "memory"); }));
}

TEST_CASE("try: errors in tasks of several threads") {
  ThreadPool pool(4);
  const std::string text = message([&] {
    octet::detail::parallel_checked(pool, 100, [](std::int64_t task, int) {
      if (task % 7 == 3) octet::detail::fail("a task failed");
    });
  });
  CHECK(text == "a task failed");
}

TEST_CASE("calibration: names that are not UTF-8 are refused") {
  const TemporaryFile file("names.json");
  Calibration c;
  c.set_range(
      "a\xff"
      "b",
      {0, 1});
  CHECK(message([&] { save(c, file.path); }).find("UTF-8") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(file.path));
}

TEST_CASE("onnx: Equal with only one input is refused") {
  OnnxBuilder b;
  b.input("x", {-2, 4, 6, 6})
      .node("Shape", {"x"}, {"s"})
      .node("Equal", {"s"}, {"e"})
      .node("Cast", {"e"}, {"c"}, {{"to", 7}});
  b.node("Reshape", {"x", "c"}, {"y"});
  const Bytes file = b.output("y").bytes();
  const std::string text = message([&] {
    parse_onnx(View<const std::uint8_t>(reinterpret_cast<const std::uint8_t*>(file.data()),
                                        {static_cast<std::int64_t>(file.size())}),
               "memory");
  });
  CHECK(text.find("expected two inputs, found 1") != std::string::npos);
}

TEST_CASE("onnx: octet's own reader of protobuf, for builds without exceptions, reads as protozero does") {
  using octet::detail::onnx::wire::Reader;
  using octet::detail::onnx::wire::WireType;
  const Bytes whole = onnx_file();
  Random random(5);
  int damages = 0;
  for (int i = 0; i < 3000; ++i) {
    Bytes message = i == 0 ? whole : damaged(whole, random);
    if (i % 3 == 0 && i > 0)  // random bytes
      for (char& c : message) c = static_cast<char>(random.between(0, 255));
    const std::string own = read_by<Reader, WireType>(message);
    CHECK(own == read_by<protozero::pbf_reader, protozero::pbf_wire_type>(message));
    damages += own.find("damaged") != std::string::npos;
  }
  CHECK(damages > 1000);
  for (const char* numbers : {"\x08\x01", "\x08\x80", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                              "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x02", "\xc2\xa3\x09\x01", "\x0b",
                              "\x0d\x01\x02\x03\x04", "\x09\x01", "\x12\x05zzz"})
    CHECK(read_by<Reader, WireType>(numbers) == read_by<protozero::pbf_reader, protozero::pbf_wire_type>(numbers));
}
