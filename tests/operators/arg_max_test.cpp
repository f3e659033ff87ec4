#include <octet/io/model_file.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/files.hpp"
#include "support/layer.hpp"
#include "support/onnx_builder.hpp"
#include "support/sorted.hpp"
#include "support/tflite_builder.hpp"

using namespace testing;

namespace {

/// Reference: the index along the axis, for each index of the other dimensions, by sorting all elements.
template <class T>
std::vector<std::int64_t> reference(const Tensor<T>& x, const ArgMax& op) {
  std::vector<std::int64_t> found;
  each_sorted_row(x, op.axis, op.smallest, [&](std::int64_t, std::int64_t, const auto& at, const auto& places) {
    std::size_t equal = 0;
    while (equal + 1 < places.size() && at(places[equal + 1]) == at(places[0])) ++equal;
    found.push_back(places[op.last ? equal : 0]);
  });
  return found;
}

std::vector<std::int64_t> places(const AnyTensor& t) {
  REQUIRE((t.dtype() == DType::i64 || t.dtype() == DType::i32));
  return octet::detail::to_integers(t);
}

template <class T>
void check(const Tensor<T>& x, const QuantParams& q = {}) {
  for (int axis = -x.shape().rank(); axis < x.shape().rank(); ++axis)
    for (int options = 0; options < 16; ++options) {
      ArgMax op(axis, options & 1, options & 2 ? DType::i32 : DType::i64);
      op.smallest = options & 4;
      op.last = options & 8;
      CAPTURE(axis);
      CAPTURE(options);
      const AnyTensor y = run_layer(op, {Operand(x, q)})[0];
      Shape s = x.shape();
      const int a = axis < 0 ? axis + s.rank() : axis;
      if (op.keep_dims)
        s[a] = 1;
      else
        s.erase(a);
      CHECK(y.shape() == s);
      CHECK(y.dtype() == op.to);
      CHECK(places(y) == reference(x, op));
    }
}

std::vector<std::int64_t> of_row(const std::vector<float>& row, bool smallest = false, bool last = false) {
  ArgMax op(0);
  op.smallest = smallest;
  op.last = last;
  return places(run_layer(op, {Tensor<float>({static_cast<std::int64_t>(row.size())}, row)})[0]);
}

Graph segmenter() {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 8, 8, 3});
  Convolution c;
  c.window = Window(1, 1);
  const int scores = g.add("scores", c, {x, g.add_constant("w", random_tensor({6, 1, 1, 3}, 5))});
  g.outputs = {g.add("classes", ArgMax(3, false), {scores})};
  return g;
}

const Node& arg_max_of(const Graph& g) {
  return *std::find_if(g.nodes.begin(), g.nodes.end(), [](const Node& n) { return as<ArgMax>(*n.op) != nullptr; });
}

}  // namespace

TEST_CASE("arg max: any axis, all types, the first or the last of equal elements") {
  const Shape shape{2, 3, 4, 5};
  check(random_tensor(shape, 1));
  check(Tensor<float>(shape, std::vector<float>(120, 1)));
  check(random_integers<std::uint8_t>(shape, 2, 0, 3));  // with ties
  check(random_integers<std::int8_t>(shape, 3, -2, 2));
  check(random_integers<std::int16_t>(shape, 4, -3, 3));
  check(random_integers<std::int64_t>(shape, 5, -3, 3));
  check(random_integers<std::uint64_t>({7}, 6, 0, 3));
  check(random_integers<std::int32_t>({3, 1}, 7, -3, 3));
  const Tensor<std::uint8_t> rows = random_integers<std::uint8_t>({70, 21}, 9, 0, 3);
  check(rows);
  Tensor<float> floats({70, 21});
  std::copy(rows.begin(), rows.end(), floats.begin());
  check(floats);
  Tensor<double> d({2, 2});
  d[0] = 1;
  d[1] = 1 + 1e-12;
  d[2] = -1;
  d[3] = -1 - 1e-12;
  check(d);
}

TEST_CASE("arg max: quantized tensors are compared by their codes") {
  check(random_integers<std::uint8_t>({2, 3, 4}, 8, 0, 255), {0.5f, 7});
  check(random_integers<std::int8_t>({2, 3, 4}, 9, -128, 127), {0.25f, -3});
}

TEST_CASE("arg max: NaN is beyond all numbers, including infinities") {
  CHECK(of_row({1, infinity, 2}) == std::vector<std::int64_t>{1});
  CHECK(of_row({1, -infinity, 2}, true) == std::vector<std::int64_t>{1});
  for (const bool smallest : {false, true}) {
    CHECK(of_row({not_a_number, 1, infinity}, smallest) == std::vector<std::int64_t>{0});
    CHECK(of_row({1, not_a_number, infinity, not_a_number, -infinity}, smallest) == std::vector<std::int64_t>{1});
    CHECK(of_row({1, not_a_number, infinity, not_a_number, -infinity}, smallest, true) == std::vector<std::int64_t>{3});
  }
  CHECK(of_row({0.0f, -0.0f}) == std::vector<std::int64_t>{0});
}

TEST_CASE("arg max: errors") {
  CHECK(layer_error(ArgMax(1), Tensor<float>({2, 0})) ==
        "layer 'y' (ArgMax): axis 1 of [2, 0] is empty, expected at least one element");
  CHECK(layer_error(ArgMax(0, true, DType::f32), Tensor<float>({2})) ==
        "layer 'y' (ArgMax): expected an output of type int64 or int32, found float32");
  CHECK(layer_error(ArgMax(0), Tensor<fp16>({2})) == "layer 'y' (ArgMax): type float16 is not supported");
  CHECK(layer_error(ArgMax(0), Tensor<float>({3, 2})) == "");
  CHECK(layer_error(ArgMax(1), Tensor<float>({0, 2})) == "");
}

TEST_CASE("arg max: compares codes in an int8 model, also after loading") {
  const Graph g = segmenter();
  const Tensor<float> x = random_tensor({2, 8, 8, 3}, 6);
  const Model q = quantize<int8>(g, calibrate(g, {x}));
  const Executor lowered(q);
  const Graph& run = lowered.graph();
  CHECK(run.value(arg_max_of(run).inputs[0]).dtype == DType::u8);
  const std::vector<std::int64_t> expected = places(Executor(g).run({AnyTensor(x)})[0]);
  const AnyTensor found = Executor(q).run({AnyTensor(x)})[0];
  CHECK(found.dtype() == DType::i64);
  CHECK(found.shape() == Shape{2, 8, 8});
  std::size_t same = 0;
  const std::vector<std::int64_t> classes = places(found);
  for (std::size_t i = 0; i < classes.size(); ++i) same += classes[i] == expected[i];
  CHECK(same >= classes.size() * 95 / 100);

  const TemporaryFile file("arg_max.octet");
  save(q, file.path);
  CHECK(same_bytes(Executor(load_octet(file.path)).run({AnyTensor(x)})[0], found));
}

TEST_CASE("arg max: from ONNX, with the file's order of dimensions") {
  const Tensor<float> x = random_tensor({1, 4, 5, 6}, 10);
  for (const char* type : {"ArgMax", "ArgMin"})
    for (const int opset : {11, 12, 13})
      for (const int axis : {-3, 0, 1, 3})
        for (const bool keep : {false, true})
          for (const bool keep_layout : {false, true}) {
            CAPTURE(axis);
            CAPTURE(keep_layout);
            std::vector<OnnxAttribute> attributes{{"axis", axis}, {"keepdims", static_cast<int>(keep)}};
            if (opset > 11) attributes.emplace_back("select_last_index", 1);
            OnnxBuilder b(opset);
            b.input("x", {1, 4, 5, 6}).node("GlobalMaxPool", {"x"}, {"g"}).node("Sub", {"x", "g"}, {"d"});
            b.node(type, {"d"}, {"y"}, attributes).node("Cast", {"y"}, {"f"}, {{"to", 1}}).output("y").output("f");
            ArgMax op(axis, keep);
            op.smallest = type[3] == 'M' && type[4] == 'i';
            op.last = opset > 11;
            Tensor<float> d = x, stored = x;
            for (std::int64_t c = 0; c < 4; ++c) {
              const float top = *std::max_element(x.data() + c * 30, x.data() + c * 30 + 30);
              for (std::int64_t p = 0; p < 30; ++p) d[c * 30 + p] = x[c * 30 + p] - top;
            }
            if (!keep_layout) {
              stored = Tensor<float>(Shape{1, 5, 6, 4});
              for (std::int64_t c = 0; c < 4; ++c)
                for (std::int64_t p = 0; p < 30; ++p) stored[p * 4 + c] = x[c * 30 + p];
            }
            const AnyTensor y = run_plain(import_onnx(b, keep_layout), {AnyTensor(stored)})[0];
            Shape shape = x.shape();
            shape[axis < 0 ? axis + 4 : axis] = 1;
            if (!keep) shape.erase(axis < 0 ? axis + 4 : axis);
            std::vector<std::int64_t> found = places(y), expected = reference(d, op);
            if (!keep_layout && keep) {  // image outputs have the stored layout
              std::vector<std::int64_t> moved;
              for (std::int64_t p = 0; p < shape[2] * shape[3]; ++p)
                for (std::int64_t c = 0; c < shape[1]; ++c)
                  moved.push_back(expected[static_cast<std::size_t>(c * shape[2] * shape[3] + p)]);
              expected = moved;
              shape = {shape[0], shape[2], shape[3], shape[1]};
            }
            CHECK(y.shape() == shape);
            CHECK(found == expected);
          }
}

TEST_CASE("arg max: from TFLite, float and quantized") {
  const Tensor<float> x = random_tensor({1, 3, 4, 5}, 11);
  const Tensor<std::int8_t> q = random_integers<std::int8_t>({1, 3, 4, 5}, 12, -4, 4);
  for (const char* type : {"ARG_MAX", "ARG_MIN"})
    for (const int axis : {-1, 1, 2})
      for (const DType to : {DType::i64, DType::i32})
        for (const bool quantized : {false, true}) {
          tflite::ModelBuilder b;
          const QuantParams scale = quantized ? QuantParams{0.1f, 3} : QuantParams{};
          const int in = b.tensor("x", {1, 3, 4, 5}, quantized ? DType::i8 : DType::f32, scale);
          const int y = b.tensor("y", {}, to);
          const int at = b.constant("axis", Tensor<std::int32_t>(Shape{}, std::vector<std::int32_t>{axis}));
          b.op(type, {in, at}, {y}, {tflite::byte(0, to == DType::i64 ? 4 : 2)});
          const Model m = tflite::parse(b.finish({in}, {y}));
          ArgMax op(axis, false, to);
          op.smallest = type[5] == 'I';
          const AnyTensor found = tflite::outputs(m, {quantized ? AnyTensor(q) : AnyTensor(x)})[0];
          CHECK(found.dtype() == to);
          CHECK(places(found) == (quantized ? reference(q, op) : reference(x, op)));
          CHECK(m.nodes.size() == 1);
        }
}
