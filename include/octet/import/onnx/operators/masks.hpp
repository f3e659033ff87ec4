#pragma once
#include "../../../core/rounded.hpp"
#include "alignment.hpp"
#include "plain.hpp"
#include "rows.hpp"

/// Tensors that depend on places, not only on elements: one-hot vectors, triangles, ranges.
OCTET_BEGIN
namespace detail::onnx {

/// start, start + 1, ... along the first of 1 + `after` dimensions.
inline int counting(NodeImport& n, const char* what, DType type, std::int64_t start, std::int64_t count, int after) {
  n.require(count >= 0 && count < (std::int64_t{1} << 40), "found the size ", count, ", expected at least 0");
  n.builder.spend(bytes(type, count));
  Shape shape{count};
  for (int d = 0; d < after; ++d) shape.push_back(1);
  return n.builder.add_constant(n.builder.derived(n.name() + "/" + what),
                                AnyTensor::make(type, shape, [&](std::byte* to) {
                                  for (std::int64_t i = 0; i < count; ++i)
                                    store_element(type, to, i, static_cast<double>(start + i));
                                }));
}

inline int whole_number(NodeImport& n, const char* what, std::int64_t x) {
  return n.builder.add_constant(n.builder.derived(n.name() + "/" + what), Tensor<std::int64_t>(Shape{}, {x}));
}

/// start, start + 1, ... below the limit, which are computed in each run (int64), along the first of 1 + `after`
/// dimensions.
inline int run_time_counting(NodeImport& n, const std::string& what, DType type, int start, int limit, int after) {
  const int one = whole_number(n, "one", 1);
  int v = n.step(what.c_str(), NumberRange(), {start, limit, one});
  if (type != DType::i64) v = n.step((what + " converted").c_str(), Convert(type), {v});
  std::vector<std::int64_t> axes;
  for (int d = 1; d <= after; ++d) axes.push_back(d);
  return after == 0 ? v : n.step((what + " aligned").c_str(), Unsqueeze(axes), {v});
}

/// Input i, a number that is computed in each run, as int64.
inline int run_time_number(NodeImport& n, int i) {
  const Operand& x = n.input(i);
  n.require(x.rank() == 0 || x.shape() == Shape{1}, "input ", i, " ('", x.name(), "'): expected one number, found ",
            "the shape ", x.shape());
  const int v = n.builder.value(x);
  return x.dtype() == DType::i64 ? v : n.step("number", Convert(DType::i64), {v});
}

/// Inputs: places, depth, [off, on]. Places count from the back if they are negative, and name nothing out of range.
inline void import_one_hot(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  const bool computed = is_run_time(n, 1);
  const std::vector<std::int64_t> depth = computed ? std::vector<std::int64_t>{0} : n.constant_integers(1);
  n.require(depth.size() == 1, "expected one depth, found ", depth.size());
  const Shape pair = n.input(2).shape();
  n.require(pair == Shape{2} || pair == Shape{Shape::unknown}, "expected the two values off and on, found ", pair);
  const int rank = x.rank() + 1, axis = normalize_axis(n.integer("axis", -1), rank), after = rank - 1 - axis;
  int v = n.builder.value(x, Order::identity(x.rank()));
  const bool compares = x.dtype() == DType::f32 || x.dtype() == DType::i32 || x.dtype() == DType::i64;
  if (!compares) v = n.step("integers", Convert(DType::i64), {v});
  const DType type = compares ? x.dtype() : DType::i64;
  v = n.step("rows", Unsqueeze({axis}), {v});
  int from_0, below_0;
  if (computed) {
    const int limit = run_time_number(n, 1), zero = whole_number(n, "zero", 0);
    const int start = n.step("start", Binary(BinaryKind::sub), {zero, limit});
    from_0 = run_time_counting(n, "from 0", type, zero, limit, after);
    below_0 = run_time_counting(n, "below 0", type, start, zero, after);
  } else {
    from_0 = counting(n, "from 0", type, 0, depth[0], after);
    below_0 = counting(n, "below 0", type, -depth[0], depth[0], after);
  }
  const int here = n.step("places", Binary(BinaryKind::equal), {v, from_0});
  const int back = n.step("from the back", Binary(BinaryKind::equal), {v, below_0});
  const int hot = n.step("hot", Binary(BinaryKind::max), {here, back});
  const int values = n.builder.value(n.input(2));
  const int off = n.step("off", Slice({0}, {1}, {0}), {values}), on = n.step("on", Slice({1}, {2}, {0}), {values});
  n.result(n.add(Where(), {hot, on, off}), Order::identity(rank));
}

/// 1 at the largest element along the axis, the first one of equal ones, else 0. In x's own order.
inline int hardmax(NodeImport& n, const Operand& x, int axis, bool last) {
  const int place = x.order.find(axis);
  const std::int64_t size = x.shape()[axis];
  n.require(size != 0, "axis ", axis, " of ", x.shape(), " has no elements");
  const int v = n.builder.value(x), at = n.step("largest", ArgMax(place, true), {v});
  const int after = x.rank() - 1 - place;
  int all;
  if (size > 0) {
    all = counting(n, "places", DType::i64, 0, size, after);
  } else {
    const int end = n.step("number of places", SizesOf({place}), {v});
    all = run_time_counting(n, "places", DType::i64, whole_number(n, "first", 0), end, after);
  }
  const int hot = n.step("hot", Binary(BinaryKind::equal), {at, all});
  return last ? n.add(Convert(x.dtype()), {hot}) : n.step("ones", Convert(x.dtype()), {hot});
}

/// Since operator set 13 along one axis; before that over all elements from an axis on.
inline void import_hardmax(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  const bool flattens = n.opset() < 13;
  const int axis = normalize_axis(n.integer("axis", flattens ? 1 : -1), x.rank());
  if (!flattens || axis == x.rank() - 1) return n.result(hardmax(n, x, axis, true), x.order);
  const Operand rows = rows_of(n, x, axis);
  result_of_rows(n, n.builder.operand(hardmax(n, rows, 1, false), rows.order, x.name()), x, axis);
}

inline int zero_of(NodeImport& n, DType type) {
  return n.builder.add_constant(n.builder.derived(n.name() + "/zero"),
                                AnyTensor::make(type, {}, [&](std::byte* to) { store_element(type, to, 0, 0); }));
}

/// Trilu of a diagonal that is computed in each run, or of sizes that the file leaves open.
inline void import_run_time_trilu(NodeImport& n, const Operand& x) {
  const int v = n.builder.value(x, Order::identity(x.rank())), from = whole_number(n, "first", 0);
  const auto places = [&](const std::string& what, int d, int after) {
    const std::int64_t size = x.shape()[d];
    if (size >= 0) return counting(n, what.c_str(), DType::i64, 0, size, after);
    const int end = n.step(("number of " + what).c_str(), SizesOf({d}), {v});
    return run_time_counting(n, what, DType::i64, from, end, after);
  };
  const int rows = places("rows", x.rank() - 2, 1), columns = places("columns", x.rank() - 1, 0);
  const int above = n.step("above", Binary(BinaryKind::sub), {columns, rows});
  const int k = n.has(1) ? run_time_number(n, 1) : from;
  const BinaryKind kind = n.flag("upper", true) ? BinaryKind::greater_or_equal : BinaryKind::less_or_equal;
  const int kept = n.step("kept", Binary(kind), {above, k});
  const int result = n.add(Where(), {kept, v, zero_of(n, x.dtype())});
  n.result(with_broadcast_symbols(n, result, {v}), Order::identity(x.rank()));
}

/// The elements on one side of a diagonal, else 0.
inline void import_trilu(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  n.require(x.rank() >= 2, "expected an input with at least 2 dimensions, found ", x.shape());
  const std::int64_t rows = x.shape()[x.rank() - 2], columns = x.shape()[x.rank() - 1];
  if (rows < 0 || columns < 0 || is_run_time(n, 1)) return import_run_time_trilu(n, x);
  const std::vector<std::int64_t> k = n.has(1) ? n.constant_integers(1) : std::vector<std::int64_t>{0};
  n.require(k.size() == 1, "expected one diagonal, found ", k.size());
  const bool upper = n.flag("upper", true);
  const std::int64_t shift = std::clamp<std::int64_t>(k[0], -rows - 1, columns + 1);
  n.builder.spend(bytes(DType::boolean, Shape{rows, columns}.elements()));
  AnyTensor mask = AnyTensor::make(DType::boolean, {rows, columns}, [&](std::byte* to) {
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      const std::int64_t above = i % columns - i / columns - shift;
      store_element(DType::boolean, to, i, (upper ? above >= 0 : above <= 0) ? 1 : 0);
    }
  });
  const int kept =
      broadcast_value(n, constant_operand(n.builder.derived(n.name() + "/kept"), std::move(mask)), x.order);
  const std::vector<int> in{kept, n.builder.value(x), zero_of(n, x.dtype())};
  n.result(with_broadcast_symbols(n, n.add(Where(), in), {in[1]}), x.order);
}

/// 1 on a diagonal of a matrix of the input's shape.
inline void import_eye_like(NodeImport& n) {
  const Operand& x = n.input(0);
  const Shape s = x.shape();
  n.require(x.rank() == 2 && s.known(), "expected a matrix of known size, found ", s);
  const DType type = n.has_attribute("dtype") ? element_type(n.integer("dtype")) : x.dtype();
  const std::int64_t k = n.integer("k");
  n.builder.spend(bytes(type, s.elements()));
  n.result(constant_operand(n.output_name(), AnyTensor::make(type, s, [&](std::byte* to) {
                              for (std::int64_t i = 0; i < s.elements(); ++i)
                                store_element(type, to, i, i % s[1] - i / s[1] == k ? 1 : 0);
                            })));
}

/// start, start + delta, ... below the limit (above it for a negative delta).
inline void import_range(NodeImport& n) {
  std::array<double, 3> p{};
  const DType type = n.input(0).dtype();
  if (is_run_time(n, 0) || is_run_time(n, 1) || is_run_time(n, 2)) {
    std::vector<int> in;
    for (int i = 0; i < 3; ++i) in.push_back(n.builder.value(n.input(i)));
    return n.result(n.add(NumberRange(), in), Order::identity(1));
  }
  for (int i = 0; i < 3; ++i) {
    const AnyTensor t = n.constant(i);
    n.require(t.size() == 1 && t.dtype() == type, "expected three numbers of one type");
    p[static_cast<std::size_t>(i)] = load_element(type, t.data(), 0);
  }
  n.builder.spend(bytes(type, range_length(p[0], p[1], p[2])));
  n.result(constant_operand(n.output_name(), number_range(type, p[0], p[1], p[2])));
}

}  // namespace detail::onnx
OCTET_END
