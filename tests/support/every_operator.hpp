#pragma once
#include <functional>
#include <octet/operators/all.hpp>

#include "testing.hpp"

/// A small network for each operator: a convolution, the operator, a layer with weights.
namespace testing::every_operator {

/// Adds the operator after an image [N, 6, 6, 8] (of positive numbers, if required). Its result is the input of a last
/// layer.
struct Case {
  std::string name;
  std::function<int(Graph&, int)> add;
  bool positive = false;
  double int8_db = 15;  // well below the actual values, but above those with a wrong scale
};

inline int constant(Graph& g, const Shape& shape, unsigned seed, float low = -1, float high = 1) {
  return g.add_constant("c" + std::to_string(seed), random_tensor(shape, seed, low, high));
}

inline int convolution(Graph& g, const std::string& name, int in, std::int64_t out, std::int64_t size, unsigned seed,
                       std::int64_t groups = 1, const ActivationRange& range = {}) {
  Convolution c;
  c.window = Window(size, size, 1, size / 2);
  c.groups = groups;
  c.activation = range;
  const std::int64_t channels = g.value(in).shape.back() / groups;
  const int w = g.add_constant(name + ".weight", random_tensor({out, size, size, channels}, seed)),
            b = g.add_constant(name + ".bias", random_tensor({out}, seed + 1));
  return g.add(name, c, {in, w, b});
}

template <class Op>
Case of(std::string name, Op op, bool positive = false, double db = 15) {
  return {std::move(name), [op](Graph& g, int v) { return g.add("op", op, {v}); }, positive, db};
}

inline std::vector<Case> unary_cases() {
  std::vector<Case> all;
  for (int k = 0; k <= static_cast<int>(UnaryKind::last); ++k) {
    const auto kind = static_cast<UnaryKind>(k);
    const bool positive =
        kind == UnaryKind::log || kind == UnaryKind::sqrt || kind == UnaryKind::reciprocal || kind == UnaryKind::rsqrt;
    const bool steps = kind == UnaryKind::floor || kind == UnaryKind::ceil || kind == UnaryKind::round ||
                       kind == UnaryKind::sign;  // small errors of the input can become large
    // Functions that are not defined everywhere, or that grow fast, read a limited range.
    const bool circle = kind == UnaryKind::asin || kind == UnaryKind::acos || kind == UnaryKind::atanh;
    const bool steep = kind == UnaryKind::tan || kind == UnaryKind::sinh || kind == UnaryKind::cosh;
    if (circle || steep || kind == UnaryKind::acosh) {
      const ActivationRange limits = circle  ? ActivationRange{-0.9, 0.9}
                                     : steep ? ActivationRange{-1.2, 1.2}
                                             : ActivationRange{1.1, 6};
      all.push_back({"Unary " + std::to_string(k), [=](Graph& g, int v) {
                       const int limited = g.add("limited", Unary(UnaryKind::clip, limits.low, limits.high), {v});
                       return g.add("op", Unary(kind), {limited});
                     }});
      continue;
    }
    const double a = kind == UnaryKind::clip ? -1 : kind == UnaryKind::elu ? 1 : 0.2;
    all.push_back(of("Unary " + std::to_string(k), Unary(kind, a, kind == UnaryKind::clip ? 1 : 0.5), positive,
                     steps                    ? 5
                     : kind == UnaryKind::exp ? 8
                                              : 15));
  }
  return all;
}

inline std::vector<Case> binary_cases() {
  std::vector<Case> all;
  for (int k = 0; k <= static_cast<int>(BinaryKind::last); ++k) {
    const auto kind = static_cast<BinaryKind>(k);
    const auto numbers = [](Graph& g, int v) {
      return g.value(v).dtype == DType::boolean ? g.add("number", Convert(DType::f32), {v}) : v;
    };
    // Rounding decides whether two computed numbers are equal, and where a remainder jumps.
    const bool jumps = kind == BinaryKind::floor_mod || kind == BinaryKind::remainder || kind == BinaryKind::equal;
    const bool steps = is_comparison(kind) || kind == BinaryKind::floor_div;
    const double db = jumps ? -1e9 : steps ? 6 : kind == BinaryKind::pow ? 8 : 15;
    const std::string name = "Binary " + std::to_string(k);
    all.push_back({name + " by a number",
                   [=](Graph& g, int v) {
                     return numbers(g, g.add("op", Binary(kind), {v, constant(g, {1}, 31, 1.3f, 1.4f)}));
                   },
                   true, db});
    all.push_back({name + " by channel",
                   [=](Graph& g, int v) {
                     return numbers(g, g.add("op", Binary(kind), {v, constant(g, {8}, 32, 0.5f, 2)}));
                   },
                   true, db});
    all.push_back({name + " of two branches",
                   [=](Graph& g, int v) {
                     // Limits of its own: equal numbers of two scales may differ as codes, which decides comparisons.
                     const int other = convolution(g, "branch", v, 8, 1, 33, 1, {0.7, 2});
                     return numbers(g, g.add("op", Binary(kind), {v, other}));
                   },
                   true, db});
  }
  return all;
}

inline std::vector<Case> image_cases() {
  std::vector<Case> all;
  AveragePool average;
  average.window = Window(2, 2, 2);
  all.push_back(of("AveragePool", average));
  all.push_back(of("Unary clip of nothing", Unary(UnaryKind::clip, -1000, 1000)));
  all.push_back(of("Unary clip of crossed limits", Unary(UnaryKind::clip, 0.5, -0.5)));
  MaxPool most;
  most.window = Window(3, 3, 2, 1);
  all.push_back(of("MaxPool", most));
  most.indices = true;
  all.push_back(of("MaxPool with indices", most));
  all.push_back(
      {"MaxPool with indices that are read",
       [most](Graph& g, int v) {
         const int y = g.add("op", most, {v});
         const int at = g.add("number", Convert(DType::f32), {g.nodes.back().outputs[1]});
         const int small = g.add("small", Binary(BinaryKind::mul), {at, constant(g, {1}, 41, 1e-3f, 1.1e-3f)});
         return g.add("both", Concat(3), {y, small});
       },
       false, 8});
  all.push_back({"BatchNormalization", [](Graph& g, int v) {
                   const int mid = g.add("between", Unary(UnaryKind::tanh), {v});
                   return g.add("op", BatchNormalization(),
                                {mid, constant(g, {8}, 42, 0.5f, 2), constant(g, {8}, 43), constant(g, {8}, 44),
                                 constant(g, {8}, 45, 0.5f, 2)});
                 }});
  all.push_back(
      {"Concat", [](Graph& g, int v) {
         return g.add("op", Concat(3), {v, convolution(g, "branch", v, 4, 1, 46), constant(g, {4, 6, 6, 2}, 47)});
       }});
  all.push_back({"Convolution by group", [](Graph& g, int v) { return convolution(g, "op", v, 12, 3, 48, 4); }});
  all.push_back({"Convolution by channel", [](Graph& g, int v) { return convolution(g, "op", v, 8, 3, 49, 8); }});
  all.push_back({"Convolution by channel between ReLU6", [](Graph& g, int v) {
                   const int wide = convolution(g, "wide", v, 16, 1, 50, 1, {0, 6});
                   return convolution(g, "op", wide, 16, 3, 51, 16, {0, 6});
                 }});
  all.push_back(
      {"Sum within a convolution", [](Graph& g, int v) {
         const int sum = g.add("sum", Binary(BinaryKind::add, {0, 6}), {convolution(g, "op", v, 8, 1, 52), v});
         return convolution(g, "pointwise", convolution(g, "depthwise", sum, 8, 3, 53, 8, {0, 6}), 8, 1, 54);
       }});
  TransposedConvolution transposed;
  transposed.window = Window(2, 2, 2);
  all.push_back({"TransposedConvolution", [transposed](Graph& g, int v) {
                   return g.add("op", transposed, {v, constant(g, {5, 2, 2, 8}, 55), constant(g, {5}, 56)});
                 }});
  all.push_back(of("Dropout", Dropout()));
  all.push_back({"FullyConnected", [](Graph& g, int v) {
                   return g.add("op", FullyConnected(), {v, constant(g, {6, 8}, 57), constant(g, {6}, 58)});
                 }});
  all.push_back({"MatMul", [](Graph& g, int v) { return g.add("op", MatMul(), {v, constant(g, {8, 7}, 59)}); }});
  all.push_back({"MatMul of two branches",
                 [](Graph& g, int v) {
                   return g.add("op", MatMul(), {g.add("turned", Transpose({0, 1, 3, 2}), {v}), v});
                 },
                 false, 8});
  all.push_back(of("LocalResponseNormalization", LocalResponseNormalization()));
  all.push_back({"PRelu", [](Graph& g, int v) { return g.add("op", PRelu(), {v, constant(g, {8}, 60, 0.1f, 0.5f)}); }});
  all.push_back({"PRelu by a number", [](Graph& g, int v) {
                   return g.add("op", PRelu(), {v, g.add_constant("slope", Tensor<float>(Shape{}, {0.3f}))});
                 }});
  for (ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic}) {
    Resize r;
    r.mode = mode;
    r.scales = {1, 2, 2, 1};
    all.push_back(of("Resize " + std::to_string(static_cast<int>(mode)), r));
  }
  Softmax softmax;
  all.push_back(of("Softmax", softmax));
  softmax.log = true;
  all.push_back(of("logarithm of Softmax", softmax));
  all.push_back({"Where",
                 [](Graph& g, int v) {
                   const int more = g.add("more", Binary(BinaryKind::greater), {v, constant(g, {1}, 61, 0.5f, 0.6f)});
                   return g.add("op", Where(), {more, v, convolution(g, "branch", v, 8, 1, 62)});
                 },
                 false, 3});
  return all;
}

inline std::vector<Case> shape_cases() {
  std::vector<Case> all;
  Split split;
  split.axis = 3;
  split.sizes = {3, 5};
  all.push_back({"Split", [split](Graph& g, int v) {
                   g.add("op", split, {v});
                   const std::vector<int> parts = g.nodes.back().outputs;
                   return g.add("both", Concat(3), {parts[0], convolution(g, "branch", parts[1], 4, 1, 71)});
                 }});
  split.sizes.clear();
  split.parts = 4;
  all.push_back({"Split, whose last part alone is used", [split](Graph& g, int v) {
                   g.add("op", split, {v});
                   return g.nodes.back().outputs[3];
                 }});
  all.push_back({"Split of an image that goes out as well", [split](Graph& g, int v) {
                   g.add("op", split, {v});
                   const std::vector<int> parts = g.nodes.back().outputs;
                   g.outputs.push_back(parts[2]);
                   return g.add("sum", Binary(BinaryKind::add), {parts[2], parts[1]});
                 }});
  for (PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::edge, PadMode::wrap, PadMode::symmetric})
    all.push_back(of("Pad " + std::to_string(static_cast<int>(mode)), Pad(mode, {0, 1, 2, 0}, {0, 0, 1, 0}, 0.5)));
  all.push_back(of("Slice", Slice({1, 0}, {5, 8}, {1, 3}, {2, 3})));
  all.push_back(of("Transpose", Transpose({0, 2, 1, 3})));
  all.push_back(of("Identity", Identity()));
  all.push_back(of("Reshape", Reshape({0, 4, 9, 8})));
  all.push_back(of("Flatten", Flatten()));
  all.push_back({"Squeeze",
                 [](Graph& g, int v) { return g.add("op", Squeeze({1}), {g.add("row", Slice({0}, {1}, {1}), {v})}); }});
  all.push_back({"Unsqueeze", [](Graph& g, int v) {
                   return g.add("op", Unsqueeze({1}), {g.add("flat", Reshape({4, 36, 8}), {v})});
                 }});
  all.push_back({"Gather", [](Graph& g, int v) {
                   return g.add("op", Gather(3), {v, g.add_constant("at", Tensor<std::int64_t>({4}, {5, 0, -1, 5}))});
                 }});
  all.push_back({"GatherElements", [](Graph& g, int v) {
                   const int at = g.add_constant("at", random_integers<std::int64_t>({4, 6, 6, 3}, 76, -8, 7));
                   return g.add("op", GatherElements(3), {v, at});
                 }});
  all.push_back({"GatherND", [](Graph& g, int v) {
                   const int at = g.add_constant("at", random_integers<std::int32_t>({4, 5, 2}, 77, -4, 3));
                   return g.add("op", GatherND(), {v, at});
                 }});
  all.push_back({"ScatterElements", [](Graph& g, int v) {
                   const int at = g.add_constant("at", random_integers<std::int64_t>({4, 6, 6, 3}, 78, -8, 7));
                   return g.add("op", ScatterElements(3), {v, at, convolution(g, "branch", v, 3, 1, 79)});
                 }});
  all.push_back({"ScatterND", [](Graph& g, int v) {
                   const int at = g.add_constant("at", Tensor<std::int64_t>({4, 1}, {3, 0, 0, -2}));
                   return g.add("op", ScatterND(ScatterKind::max), {v, at, convolution(g, "branch", v, 8, 1, 80)});
                 }});
  all.push_back({"ReverseSequence", [](Graph& g, int v) {
                   const int lengths = g.add_constant("lengths", Tensor<std::int64_t>({4}, {1, 3, 6, 0}));
                   return g.add("op", ReverseSequence(1, 0), {v, lengths});
                 }});
  for (const GridPadding padding : {GridPadding::zeros, GridPadding::reflection})
    all.push_back({"GridSample " + std::to_string(static_cast<int>(padding)), [padding](Graph& g, int v) {
                     GridSample op;
                     op.padding = padding;
                     return g.add("op", op, {v, constant(g, {4, 5, 7, 2}, 81, -1.3f, 1.3f)});
                   }});
  all.push_back({"Unpool",
                 [](Graph& g, int v) {
                   MaxPool pool;
                   Unpool op;
                   pool.window = op.window = Window(2, 2, 2);
                   pool.indices = true;
                   g.add("pool", pool, {v});
                   const std::vector<int> pooled = g.nodes.back().outputs;
                   return g.add("op", op, {pooled[0], pooled[1]});
                 },
                 false, 8});
  for (const RecurrentKind kind : {RecurrentKind::lstm, RecurrentKind::gru_linear_first})
    all.push_back({"Recurrent " + std::to_string(static_cast<int>(kind)),
                   [kind](Graph& g, int v) {
                     const std::int64_t gates = kind == RecurrentKind::lstm ? 4 : 3, units = gates == 4 ? 3 : 4;
                     const int x = convolution(g, "products", v, 12, 1, 82);
                     const int sequence = g.add("sequence", Reshape({24, 6, 12}), {x});
                     return g.add("op", Recurrent(kind, gates == 3),
                                  {sequence, constant(g, {units, 12}, 83), constant(g, {12}, 84)});
                   },
                   false, 8});
  all.push_back(of("CumulativeSum", CumulativeSum(3, true, true)));
  all.push_back({"Expand", [](Graph& g, int v) {
                   return g.add("op", Expand({4, 6, 6, 8}), {g.add("one", Slice({0}, {1}, {1}), {v})});
                 }});
  for (ReduceKind kind : {ReduceKind::mean, ReduceKind::sum, ReduceKind::max, ReduceKind::min, ReduceKind::l2})
    for (const std::vector<std::int64_t>& axes : {std::vector<std::int64_t>{1, 2}, std::vector<std::int64_t>{3}})
      all.push_back(of("Reduce " + std::to_string(static_cast<int>(kind)) + " of " + std::to_string(axes.size()),
                       Reduce(kind, axes, true)));
  all.push_back(of("Reduce without its dimensions", Reduce(ReduceKind::mean, {1, 2}, false)));
  all.push_back({"QuantizeLinear",
                 [](Graph& g, int v) {
                   const int s = g.add_constant("s", Tensor<float>(Shape{}, {0.051f})),
                             z = g.add_constant("z", Tensor<std::uint8_t>(Shape{}, {128}));
                   return g.add("back", DequantizeLinear(), {g.add("op", QuantizeLinear(), {v, s, z}), s, z});
                 },
                 false, 8});
  all.push_back({"DynamicQuantizeLinear", [](Graph& g, int v) {
                   g.add("op", DynamicQuantizeLinear(), {v});
                   const std::vector<int> q = g.nodes.back().outputs;
                   return g.add("back", DequantizeLinear(), {q[0], q[1], q[2]});
                 }});
  all.push_back(
      {"MatMulInteger", [](Graph& g, int v) {
         g.add("bytes", DynamicQuantizeLinear(), {v});
         const std::vector<int> q = g.nodes.back().outputs;
         const int w = g.add_constant("w", random_integers<std::int8_t>({8, 5}, 72, -127, 127));
         const int sums = g.add("op", MatMulInteger(), {q[0], w, q[2]});
         const int scaled = g.add("scaled", Binary(BinaryKind::mul), {g.add("f", Convert(DType::f32), {sums}), q[1]});
         return g.add("small", Binary(BinaryKind::mul), {scaled, constant(g, {1}, 73, 0.01f, 0.011f)});
       }});
  all.push_back({"ArgMax",
                 [](Graph& g, int v) { return g.add("places", Convert(DType::f32), {g.add("op", ArgMax(3), {v})}); },
                 false, 8});
  all.push_back(of("TopK", TopK(3, 3)));
  all.push_back({"NumberRange", [](Graph& g, int v) {
                   const auto number = [&](const char* name, float x) {
                     return g.add_constant(name, Tensor<float>(Shape{}, {x}));
                   };
                   const int r = g.add("op", NumberRange(), {number("from", 1), number("to", 3), number("by", 0.25f)});
                   const int row = g.add("row", Unsqueeze({0}), {g.add("eight", Slice({0}, {8}), {r})});
                   return g.add("more", Binary(BinaryKind::add),
                                {v, g.add("in row", Parametrized(Reshape(), "target", {1, 8}),
                                          {row, g.add_constant("sizes", Tensor<std::int64_t>({2}, {1, -1}))})});
                 }});
  all.push_back({"SizesOf", [](Graph& g, int v) {
                   const int sizes = g.add("numbers", Convert(DType::f32), {g.add("op", SizesOf({3, 1}), {v})});
                   return g.add("row", Unsqueeze({0}), {sizes});
                 }});
  all.push_back({"NonZero",
                 [](Graph& g, int v) {
                   const int numbers = g.add("numbers", Convert(DType::f32), {g.add("op", NonZero(true), {v})});
                   return g.add("images", Reshape({-1, 1, 1, 4}), {numbers});
                 },
                 true});
  all.push_back({"Compress", [](Graph& g, int v) {
                   const AnyTensor kept = AnyTensor::make(DType::boolean, {6}, [](std::byte* to) {
                     for (int i : {0, 1, 2, 4}) to[i] = std::byte{1};
                   });
                   return g.add("op", Compress(1), {v, g.add_constant("kept", kept)});
                 }});
  all.push_back({"NonMaxSuppression", [](Graph& g, int v) {
                   NonMaxSuppression nms;
                   nms.max_per_class = 3;
                   nms.iou_threshold = 1;
                   const int boxes = g.add("boxes", Reshape({0, -1, 4}), {v}),
                             mean = g.add("mean", Reduce(ReduceKind::mean, {2}, false), {boxes}),
                             scores = g.add("scores", Unsqueeze({1}), {mean}),
                             selected = g.add("op", nms, {boxes, scores}),
                             image = g.add("image", Reshape({-1}), {g.add("first", Slice({0}, {1}, {1}), {selected})});
                   return g.add("picked", octet::Gather(0), {v, image});
                 }});
  all.push_back({"ArgMaxPool and MaxUnpool",
                 [](Graph& g, int v) {
                   ArgMaxPool pool;
                   pool.window = Window(2, 2, 2);
                   pool.window.padding = Window::Padding::valid;
                   MaxUnpool unpool;
                   unpool.window = pool.window;
                   g.add("op", pool, {v});
                   const std::vector<int> pooled = g.nodes.back().outputs;
                   return g.add("unpooled", unpool, {pooled[0], pooled[1]});
                 },
                 false, 8});
  all.push_back({"DetectionPostProcess", [](Graph& g, int v) {
                   DetectionPostProcess op;
                   op.classes = 8;
                   op.max_detections = 4;
                   op.iou_threshold = 1;
                   op.score_threshold = -100;
                   const int boxes = constant(g, {4, 36, 4}, 74), anchors = constant(g, {36, 4}, 75, 0.1f, 1);
                   g.add("op", op, {boxes, g.add("scores", Reshape({4, 36, 8}), {v}), anchors});
                   return g.add("row", Unsqueeze({1}), {g.nodes.back().outputs[2]});
                 }});
  all.push_back({"SoftNonMaxSuppression", [](Graph& g, int v) {
                   SoftNonMaxSuppression op;
                   op.most = 6;
                   op.iou_threshold = 0.5;
                   op.sigma = 0.5;
                   op.gives_scores = true;
                   const int boxes = constant(g, {1152, 4}, 76, 0, 1);
                   g.add("op", op, {boxes, g.add("scores", Reshape({1152}), {v})});
                   return g.add("row", Unsqueeze({0}), {g.nodes.back().outputs[1]});
                 }});
  all.push_back({"Convert there and back", [](Graph& g, int v) {
                   return g.add("back", Convert(DType::f32), {g.add("op", Convert(DType::f16), {v})});
                 }});
  return all;
}

/// Operators with parameters that are computed from the sizes [N, 6, 6, 8] of the image.
inline std::vector<Case> computed_cases() {
  constexpr std::int64_t any = Shape::unknown;
  const auto vector = [](Graph& g, const char* name, const std::vector<std::int64_t>& x) {
    return g.add_constant(name, Tensor<std::int64_t>({static_cast<std::int64_t>(x.size())}, x));
  };
  const auto images = [](const Graph& g, int v) { return Shape{any, any, any, g.value(v).shape[3]}; };
  const auto sizes = [](Graph& g, int v, const std::vector<std::int64_t>& axes) {
    return g.add("sizes", SizesOf(axes), {v});
  };
  const auto scaled = [=](Graph& g, int v, const std::vector<float>& by) {  // sizes that are computed as numbers
    const auto count = static_cast<std::int64_t>(by.size());
    const int real = g.add("real sizes", Convert(DType::f32), {sizes(g, v, {0, 1, 2, 3})}),
              more = g.add("scaled", Binary(BinaryKind::mul), {real, g.add_constant("by", Tensor<float>({count}, by))});
    return g.add("scaled sizes", Convert(DType::i64), {more});
  };
  std::vector<Case> all;
  all.push_back(
      {"Parametrized Reshape", [=](Graph& g, int v) {
         const int rows = g.add("rows", Parametrized(Reshape(), "target", {any, g.value(v).shape[3]}),
                                {v, vector(g, "rows of", {-1, 8})});
         return g.add("op", Parametrized(Reshape(), "target", images(g, v)), {rows, sizes(g, v, {0, 1, 2, 3})});
       }});
  all.push_back({"Parametrized Expand", [=](Graph& g, int v) {
                   const int ones = g.add("op", Parametrized(Expand(), "shape", images(g, v)),
                                          {constant(g, {1, 6, 8}, 81), sizes(g, v, {0, 1, 2, 3})});
                   return g.add("sum", Binary(BinaryKind::add), {v, ones});
                 }});
  all.push_back({"Parametrized Slice", [=](Graph& g, int v) {
                   const int ends = g.add("ends", Binary(BinaryKind::sub), {sizes(g, v, {2, 1}), vector(g, "1", {1})});
                   return g.add("op", Parametrized(Slice({}, {}, {2, 1}), "starts,ends", images(g, v)),
                                {v, vector(g, "starts", {1, 2}), ends});
                 }});
  for (const ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic})
    all.push_back({"Parametrized Resize " + std::to_string(static_cast<int>(mode)), [=](Graph& g, int v) {
                     Resize r;
                     r.float_coordinates = true;  // as in ONNX files
                     r.mode = mode;
                     r.coordinate_transformation_mode = CoordinateMode::half_pixel;
                     return g.add("op", Parametrized(r, "sizes", images(g, v)), {v, scaled(g, v, {1, 2, 1.5, 1})});
                   }});
  all.push_back({"Parametrized Resize by scales", [=](Graph& g, int v) {
                   Resize r;
                   r.coordinate_transformation_mode = CoordinateMode::asymmetric;
                   r.nearest_mode = NearestMode::floor;
                   const int from = g.add("from", Convert(DType::f32), {sizes(g, v, {0, 1, 2, 3})}),
                             to = g.add("to", Convert(DType::f32), {scaled(g, v, {1, 1.5, 2, 1})}),
                             scales = g.add("scales", Binary(BinaryKind::div), {to, from});
                   return g.add("op", Parametrized(r, "scales", images(g, v)), {v, scales});
                 }});
  for (const PadMode mode : {PadMode::constant, PadMode::edge})
    all.push_back(
        {"Parametrized Pad " + std::to_string(static_cast<int>(mode)), [=](Graph& g, int v) {
           const int missing = g.add("missing", Binary(BinaryKind::sub),
                                     {vector(g, "wanted", {4, 8, 7, 8}), sizes(g, v, {0, 1, 2, 3})}),
                     before = g.add("rows", Binary(BinaryKind::mul), {missing, vector(g, "1", {0, 1, 0, 0})}),
                     after = g.add("both", Binary(BinaryKind::mul), {missing, vector(g, "2", {0, 1, 1, 0})});
           return g.add("op", Parametrized(Pad(mode, {}, {}, 0.5), "before,after", images(g, v)), {v, before, after});
         }});
  all.push_back({"Parametrized TopK", [=](Graph& g, int v) {
                   const int k = g.add("k", Binary(BinaryKind::div), {sizes(g, v, {2}), vector(g, "2", {2})});
                   Parametrized op(TopK(1, 2), "k", images(g, v));
                   op.outputs = 2;
                   return g.add("op", op, {v, k});
                 }});
  return all;
}

inline std::vector<Case> cases() {
  std::vector<Case> all = unary_cases();
  for (auto list : {binary_cases(), image_cases(), shape_cases(), computed_cases()})
    all.insert(all.end(), list.begin(), list.end());
  return all;
}

/// convolution -> the operator -> a layer with weights.
inline Graph network(const Case& c, std::int64_t batch = 4) {
  Graph g;
  g.name = c.name;
  int v = g.add_input("x", {batch, 6, 6, 8});
  v = convolution(g, "first", v, 8, 3, 1, 1, c.positive ? ActivationRange{0.5, 6} : ActivationRange{});
  v = c.add(g, v);
  const Shape s = g.value(v).shape;
  int y;
  if (s.rank() == 4) {
    y = convolution(g, "last", v, 32, 1, 3);
  } else {
    y = g.add("last", FullyConnected(), {v, constant(g, {32, s.back()}, 4), constant(g, {32}, 5)});
  }
  g.outputs.insert(g.outputs.begin(), y);
  return g;
}

}  // namespace testing::every_operator
