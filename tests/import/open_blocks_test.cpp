#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

#include "support/exported.hpp"
#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"
#include "testing.hpp"

// Depth to space and space to depth of images whose height and width the file leaves open, as super-resolution has
// them.

using namespace testing;

namespace {

Tensor<float> identity(std::int64_t channels) {
  Tensor<float> w({channels, channels, 1, 1});
  for (std::int64_t i = 0; i < channels; ++i) w[i * channels + i] = 1;
  return w;
}

/// The operator between convolutions that keep their inputs; images are stored with channels last then.
Model blocks(const std::string& type, const Shape& x, std::int64_t channels, std::vector<OnnxAttribute> a) {
  OnnxBuilder b;
  b.input("x", {x.begin(), x.end()}).initializer("w", identity(channels)).node("Conv", {"x", "w"}, {"c"});
  a.push_back({"blocksize", 2});
  b.node(type.c_str(), {"c"}, {"moved"}, a);
  b.initializer("v", identity(type == "DepthToSpace" ? channels / 4 : channels * 4));
  return import_onnx(b.node("Conv", {"moved", "v"}, {"y"}).output("y"), false);
}

void check_open(const std::string& type, const Shape& sizes, const std::vector<OnnxAttribute>& a) {
  constexpr std::int64_t any = Shape::unknown;
  const Tensor<float> x = random_tensor({sizes[0], sizes[2], sizes[3], sizes[1]}, 1);
  const Tensor<float> expected = Executor(blocks(type, sizes, sizes[1], a))(x);
  for (const Shape& open :
       {Shape{any, sizes[1], any, any}, Shape{1, sizes[1], sizes[2], any}, Shape{1, sizes[1], any, sizes[3]}}) {
    CAPTURE(to_string(open));
    const Model m = blocks(type, open, sizes[1], a);
    CHECK(same_bytes(AnyTensor(Executor(m)(x)), AnyTensor(expected)));
    CHECK(difference_through(m, Format::onnx, {x}).worst == 0);
    const Model bytes = quantize<int8>(m, calibrate(m, {x}));
    CHECK(difference_through(bytes, Format::onnx, {x}).worst == 0);
  }
}

}  // namespace

TEST_CASE("open sizes: depth to space in both orders") {
  for (const char* mode : {"DCR", "CRD"}) {
    CAPTURE(std::string(mode));
    check_open("DepthToSpace", {1, 12, 3, 5}, {{"mode", mode}});
  }
}

TEST_CASE("open sizes: space to depth, of sizes that blocks divide") {
  check_open("SpaceToDepth", {1, 3, 6, 4}, {});
  const Model m = blocks("SpaceToDepth", {1, 3, Shape::unknown, Shape::unknown}, 3, {});
  CHECK(contains(message([&] { Executor(m).run({random_tensor({1, 5, 4, 3}, 1)}); }), "layer '"));
  CHECK(contains(message([&] { blocks("SpaceToDepth", {1, 3, 5, Shape::unknown}, 3, {}); }), "blocks of 2"));
}

TEST_CASE("open sizes: TFLite's depth to space and space to depth") {
  const auto model = [](const std::string& type, const Shape& in, const Shape& out, bool open) {
    tflite::ModelBuilder b;
    const int x = b.tensor("x", in), y = b.tensor("y", out);
    if (open) b.leave_open(x, {-1, -1, -1, static_cast<std::int32_t>(in[3])});
    b.op(type, {x}, {y}, {tflite::integer(0, 2)});
    const std::vector<std::uint8_t> file = b.finish({x}, {y});
    return parse_tflite(file, "test.tflite");
  };
  for (const char* type : {"DEPTH_TO_SPACE", "SPACE_TO_DEPTH"}) {
    const bool to_space = type[0] == 'D';
    const Shape in{1, 4, 6, 8}, out = to_space ? Shape{1, 8, 12, 2} : Shape{1, 2, 3, 32};
    const Tensor<float> x = random_tensor(in, 1), expected = Executor(model(type, in, out, false))(x);
    const Model open = model(type, in, out, true);
    CHECK(open.value(open.inputs[0]).shape == Shape{-1, -1, -1, 8});
    CHECK(expected.shape() == out);
    CHECK(same_bytes(AnyTensor(Executor(open)(x)), AnyTensor(expected)));
  }
}

TEST_CASE("open sizes: a reshape after a transposition copies the sizes that the file says") {
  const auto model = [](const std::vector<std::int64_t>& sizes) {
    OnnxBuilder b;
    b.input("x", sizes);
    b.node("Transpose", {"x"}, {"t"}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}})
        .integers("sizes", {0, 0, -1, 3});
    return import_onnx(b.node("Reshape", {"t", "sizes"}, {"y"}).output("y"));
  };
  const Tensor<float> x = random_tensor({2, 3, 4, 2, 3}, 1), expected = Executor(model({2, 3, 4, 2, 3}))(x);
  CHECK(expected.shape() == Shape{2, 4, 6, 3});
  CHECK(same_bytes(AnyTensor(Executor(model({-1, -1, -1, 2, 3}))(x)), AnyTensor(expected)));
}
