#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/exported.hpp"
#include "support/files.hpp"
#include "support/onnx_builder.hpp"

// Files of other formats: the layout of images, and how they are resized and averaged.

using namespace octet;
using namespace testing;

TEST_CASE("export: an average of pixels inside the image is not clipped to the result's range before") {
  Graph g;
  AveragePool pool;
  pool.window = Window(3, 3);
  pool.window.padding = Window::Padding::same_upper;
  pool.include_padding = false;
  g.outputs = {g.add("mean", pool, {g.add_input("x", {1, 6, 6, 8})})};
  const Tensor<float> image = random_tensor({1, 6, 6, 8}, 7);
  const Model m = quantize<int8>(g, calibrate(g, {image}));
  CHECK(difference_through(m, Format::tflite, {AnyTensor(image)}).relative() < 0.02);
}

TEST_CASE("export: outputs of ONNX models keep the layout of their file") {
  // A shuffle of pixels as older exporters write it, and products of pixels as of attention.
  OnnxBuilder b;
  b.input("x", {1, 3, 6, 5})
      .initializer("w", random_tensor({8, 3, 1, 1}, 1))
      .initializer("v", random_tensor({8, 4}, 2));
  b.node("Conv", {"x", "w"}, {"c"});
  b.integers("blocks", {1, 2, 2, 2, 6, 5}).integers("large", {1, 2, 12, 10});
  b.node("Reshape", {"c", "blocks"}, {"r"})
      .node("Transpose", {"r"}, {"t"}, {{"perm", std::vector<std::int64_t>{0, 1, 4, 2, 5, 3}}});
  b.node("Reshape", {"t", "large"}, {"shuffled"});
  b.integers("rows", {1, 8, 30}).integers("image", {1, 4, 6, 5});
  b.node("Reshape", {"c", "rows"}, {"rows_first"})
      .node("Transpose", {"rows_first"}, {"pixels"}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
  b.node("MatMul", {"pixels", "v"}, {"p"})
      .node("Transpose", {"p"}, {"q"}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
  b.node("Reshape", {"q", "image"}, {"s"}).node("Sigmoid", {"s"}, {"attended"});
  for (const char* out : {"c", "shuffled", "attended"}) b.output(out);

  const std::vector<AnyTensor> in{AnyTensor(random_tensor({1, 3, 6, 5}, 3))};
  const std::vector<AnyTensor> expected = run_model(import_onnx(b), in);
  const Model m = import_onnx(b, false);
  CHECK(m.value(m.outputs[1]).shape == Shape{1, 12, 10, 2});
  const TemporaryFile file("layout.octet");
  save(m, file.path);
  for (const Model& from : {m, load(file.path)}) {
    const std::string bytes = write_onnx(from);
    const Model back = import_onnx(bytes);
    REQUIRE(back.outputs.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(back.value(back.outputs[i]).name == m.value(m.outputs[i]).name);
      CHECK(back.value(back.outputs[i]).shape == expected[i].shape());
    }
    CHECK(difference(run_model(back, in), expected).relative() < 1e-5);
    const Model again = import_onnx(bytes, false);
    CHECK(again.value(again.outputs[1]).shape == Shape{1, 12, 10, 2});
  }
}

TEST_CASE("export: inputs and outputs of ONNX models with channels last stay so") {
  OnnxBuilder b;
  b.input("x", {1, 6, 5, 3}).initializer("w", random_tensor({8, 3, 1, 1}, 1));
  b.initializer("mean", random_tensor({3}, 2));
  b.node("Sub", {"x", "mean"}, {"centered"});
  b.node("Transpose", {"centered"}, {"t"}, {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}});
  b.node("Conv", {"t", "w"}, {"c"});
  b.node("Transpose", {"c"}, {"y"}, {{"perm", std::vector<std::int64_t>{0, 2, 3, 1}}}).output("y");
  const std::vector<AnyTensor> in{AnyTensor(random_tensor({1, 6, 5, 3}, 3))};
  const std::vector<AnyTensor> expected = run_model(import_onnx(b), in);
  CHECK(expected[0].shape() == Shape{1, 6, 5, 8});
  for (bool keep_layout : {true, false}) {
    const Model m = import_onnx(b, keep_layout);
    for (const Model& from : {m, quantize<int8>(m, calibrate(m, {floats(in[0])}))}) {
      const Model back = import_onnx(write_onnx(from));
      CHECK(back.value(back.inputs[0]).shape == Shape{1, 6, 5, 3});
      CHECK(back.value(back.outputs[0]).shape == Shape{1, 6, 5, 8});
      CHECK(difference(run_model(back, in), expected).relative() < 0.05);
    }
  }
}

TEST_CASE("export: resizes that keep the aspect ratio") {
  for (ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic})
    for (AspectRatioPolicy policy : {AspectRatioPolicy::not_larger, AspectRatioPolicy::not_smaller})
      for (std::int64_t size : {7, 10}) {
        Graph g;
        Resize r;
        r.mode = mode;
        r.sizes = {0, 14, size, 0};
        r.keep_aspect_ratio_policy = policy;
        g.outputs = {g.add("resized", r, {g.add_input("x", {1, 7, 5, 4})})};
        CHECK(difference_through(g, Format::onnx, random_inputs(g, 1)).relative() < 1e-5);
        if (mode == ResizeMode::linear) {
          if (size == 10)
            CHECK(difference_through(g, Format::tflite, random_inputs(g, 1)).relative() < 1e-5);
          else if (policy == AspectRatioPolicy::not_smaller)
            CHECK(difference_through(g, Format::tflite, random_inputs(g, 1)).relative() < 1e-5);
        }
      }
  Graph g;
  Resize r;
  r.mode = ResizeMode::linear;
  r.sizes = {0, 10, 20, 0};  // by 10 / 7: 10 x 7
  r.keep_aspect_ratio_policy = AspectRatioPolicy::not_larger;
  g.outputs = {g.add("resized", r, {g.add_input("x", {1, 7, 5, 4})})};
  CHECK_THROWS_WITH_AS(write_tflite(g), doctest::Contains("layer 'resized'"), FormatError);
}

TEST_CASE("export: ONNX files resize by scales that give the sizes, and with cubic the last two dimensions") {
  Graph g;
  Resize r;
  r.mode = ResizeMode::cubic;
  r.scales = {1, 1.5, 2, 1};
  const int cubic = g.add("cubic", r, {g.add("image", Reshape({1, 6, 5, 4}), {g.add_input("rows", {1, 30, 4})})});
  r = Resize();
  r.mode = ResizeMode::linear;
  r.sizes = {1, 15, 6, 4};
  const int linear = g.add("linear", r, {g.add_input("x", {1, 7, 6, 4})});
  g.outputs = {cubic, linear};
  const std::string file = write_onnx(g);
  const float scales[] = {1, 1, 1.5f, 2};
  CHECK(file.find(std::string(reinterpret_cast<const char*>(scales), sizeof(scales))) != std::string::npos);
  const Model back = parsed(file, Format::onnx);
  for (const Node& n : back.nodes)
    if (const auto* resize = as<Resize>(*n.op); resize && resize->mode == ResizeMode::linear)
      CHECK(*std::max_element(resize->scales.begin(), resize->scales.end()) * 7 >= 15);
  CHECK(count<Resize>(back) == 2);
}

TEST_CASE("export: TFLite files select the same nearest pixels, or are refused") {
  int same = 0, refused = 0;
  for (CoordinateMode mode :
       {CoordinateMode::half_pixel, CoordinateMode::half_pixel_symmetric, CoordinateMode::pytorch_half_pixel,
        CoordinateMode::align_corners, CoordinateMode::asymmetric})
    for (NearestMode rounding :
         {NearestMode::round_prefer_floor, NearestMode::round_prefer_ceil, NearestMode::floor, NearestMode::ceil})
      for (const auto& [from, to] :
           {std::pair(4, 8), std::pair(4, 6), std::pair(7, 15), std::pair(6, 3), std::pair(21, 12)})
        for (bool single : {false, true}) {
          Graph g;
          Resize r;
          r.coordinate_transformation_mode = mode;
          r.nearest_mode = rounding;
          r.float_coordinates = single;
          r.sizes = {1, to, 5, 3};
          g.outputs = {g.add("resize", r, {g.add_input("x", {1, from, 5, 3})})};
          std::string file;
          try {
            file = write_tflite(g);
          } catch (const FormatError& e) {
            CHECK(std::string(e.what()).find("'resize'") != std::string::npos);
            ++refused;
            continue;
          }
          const std::vector<AnyTensor> in = random_inputs(g, 1);
          CHECK(difference(run_model(parsed(file, Format::tflite), in), run_model(g, in)).different == 0);
          ++same;
        }
  CHECK(same > 50);
  CHECK(refused > 20);
}

TEST_CASE("export: an input that is quantized in each run before a convolution of integers keeps its layout") {
  Graph g;
  const int x = g.add_input("x", {1, 3, 6, 5});  // [N, C, H, W]
  g.add("codes", DynamicQuantizeLinear(), {x});
  const std::vector<int> codes = g.nodes.back().outputs;
  ConvInteger c;
  c.window = Window(3, 3);
  const int w = g.add_constant("w", random_integers<std::int8_t>({4, 3, 3, 3}, 1, -127, 127));
  const int sums = g.add("sums", c, {g.add("turned", Transpose({0, 2, 3, 1}), {codes[0]}), w, codes[2]});
  const int unit = g.add_constant("unit", Tensor<float>({1}, {0.01f}));
  const int scale = g.add("scale", Binary(BinaryKind::mul), {codes[1], unit});
  const int y = g.add("y", Binary(BinaryKind::mul), {g.add("real", Convert(DType::f32), {sums}), scale});
  g.outputs = {g.add("mean", Reduce(ReduceKind::mean, {1, 2}, true), {y})};
  const Model written = import_onnx(write_onnx(g), true);
  CHECK(written.value(written.inputs[0]).shape == Shape{1, 3, 6, 5});
}
