#pragma once
#include "../node.hpp"

/// Nodes that compute with sizes of tensors. They are evaluated on import and add no nodes to the graph.
OCTET_BEGIN
namespace detail::onnx {

inline void sizes_result(NodeImport& n, Sizes s) {
  n.require(s.entries.size() <= Sizes::most, "computes ", s.entries.size(), " sizes, expected at most ", Sizes::most);
  n.result(sizes_operand(n.output_name(), std::move(s)));
}

/// The dimensions whose sizes Shape gives.
inline std::vector<int> shape_axes(const NodeImport& n) {
  const int rank = n.input(0).rank();
  const auto place = [&](const char* key, std::int64_t missing) {
    const std::int64_t i = n.integer(key, missing);
    return static_cast<int>(std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank));
  };
  std::vector<int> axes;
  for (int d = place("start", 0), end = place("end", rank); d < end; ++d) axes.push_back(d);
  return axes;
}

inline void import_shape(NodeImport& n) {
  const Operand& x = n.input(0);
  const Shape shape = x.shape();
  const Symbols symbols = n.builder.symbols(x);
  Sizes s;
  for (const int d : shape_axes(n)) {
    Size one;
    if (shape[d] != Shape::unknown) one.value = static_cast<double>(shape[d]);
    one.symbol = symbols[static_cast<std::size_t>(d)];
    s.entries.push_back(one);
  }
  sizes_result(n, std::move(s));
}

inline void import_size(NodeImport& n) {
  const Shape shape = n.input(0).shape();
  Sizes s;
  s.scalar = true;
  s.entries.push_back({});
  if (shape.known()) s.entries[0].value = static_cast<double>(shape.elements());
  sizes_result(n, std::move(s));
}

/// The sizes of all inputs, if all inputs are sizes and one of them is computed, or all are constant integers.
inline std::optional<std::vector<Sizes>> sizes_of_inputs(const NodeImport& n) {
  std::vector<Sizes> all;
  bool computed = false, integers = true;
  for (int i = 0; i < n.inputs(); ++i) {
    if (!n.has(i)) return {};
    const std::optional<Sizes> s = n.sizes(i);
    if (!s) return {};
    computed = computed || n.input(i).source->sizes;
    integers = integers && (s->dtype == DType::i64 || s->dtype == DType::i32);
    all.push_back(*s);
  }
  if (all.empty() || !(computed || integers)) return {};
  return all;
}

/// The entries of `from` at the indices `places`; negative ones count from the end.
inline Sizes picked(const NodeImport& n, const Sizes& from, const Sizes& places) {
  Sizes r;
  r.scalar = places.scalar;
  r.dtype = from.dtype;
  const auto size = static_cast<double>(from.entries.size());
  for (const Size& p : places.entries) {
    n.require(p.value >= -size && p.value < size, "index ", p.value, " is out of range for ", size, " sizes");
    r.entries.push_back(from.entries[static_cast<std::size_t>(p.value < 0 ? p.value + size : p.value)]);
  }
  return r;
}

/// starts, ends, axes and steps are inputs, or attributes before operator set 10.
inline Sizes sliced(NodeImport& n, std::vector<Sizes> in) {
  for (const char* key : {"starts", "ends", "axes"}) {
    const std::vector<std::int64_t> given = n.integers(key);
    if (n.inputs() > 1 || given.empty()) break;
    Sizes s;
    for (std::int64_t v : given) s.entries.push_back({static_cast<double>(v), 0});
    in.push_back(std::move(s));
  }
  n.require(in.size() >= 3, "expected starts and ends as inputs or attributes");
  const auto size = static_cast<std::int64_t>(in[0].entries.size());
  const auto number = [&](std::size_t i, std::int64_t missing) {
    if (i >= in.size()) return missing;
    n.require(in[i].entries.size() == 1 && in[i].known(),
              "expected one start, end, axis and step for a vector of sizes");
    return saturate_to<std::int64_t>(in[i].entries[0].value);
  };
  const std::int64_t axis = number(3, 0), step = number(4, 1);
  n.require((axis == 0 || axis == -1) && step != 0 && !in[0].scalar, "axis ", axis, " or step ", step, " is invalid");
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  const auto place = [&](std::int64_t i) { return std::clamp(i < 0 ? std::max(i, -size - 1) + size : i, low, high); };
  Sizes r;
  r.dtype = in[0].dtype;
  const std::int64_t end = place(number(2, size)), stride = std::clamp(step, -size - 1, size + 1);
  for (std::int64_t i = place(number(1, 0)); step > 0 ? i < end : i > end; i += stride)
    r.entries.push_back(in[0].entries[static_cast<std::size_t>(i)]);
  return r;
}

inline Sizes joined(const std::vector<Sizes>& in) {
  Sizes r = in[0];
  r.scalar = false;
  for (std::size_t i = 1; i < in.size() && r.entries.size() <= Sizes::most; ++i)
    r.entries.insert(r.entries.end(), in[i].entries.begin(), in[i].entries.end());
  return r;
}

template <class F>
Sizes each_size(Sizes s, F f) {
  for (Size& e : s.entries) {
    const double v = f(e.value);
    e = {v, v == e.value || !e.known() ? e.symbol : 0};
  }
  return s;
}

inline Sizes cast_sizes(Sizes s, DType to) {
  s.dtype = to;
  if (to == DType::boolean)
    return each_size(std::move(s), [](double v) { return v == v ? static_cast<double>(v != 0) : v; });
  return is_floating(to) ? s : each_size(std::move(s), [](double v) { return std::trunc(v); });
}

/// Compares sizes. An unknown size differs from every negative number; other comparisons with it are unknown.
inline Sizes equal_sizes(const std::vector<Sizes>& in) {
  Sizes r = combine(in[0], in[1], std::numeric_limits<double>::quiet_NaN(), [](double a, double b) { return a == b; });
  for (std::size_t i = 0; i < r.entries.size(); ++i)
    for (const Sizes& s : in)
      if (s.entries[s.entries.size() == 1 ? 0 : i].value < 0 && !r.entries[i].known()) r.entries[i].value = 0;
  r.dtype = DType::boolean;
  return r;
}

/// Another comparison of sizes, or a function of two conditions.
template <class F>
Sizes compared(const NodeImport& n, const std::vector<Sizes>& in, F f) {
  n.require(in.size() == 2, "expected two inputs, found ", in.size());
  Sizes r = combine(in[0], in[1], std::numeric_limits<double>::quiet_NaN(), f);
  r.dtype = DType::boolean;
  return r;
}

inline Sizes chosen(const std::vector<Sizes>& in) {
  Sizes r;
  r.dtype = in[1].dtype;
  r.scalar = in[0].scalar && in[1].scalar && in[2].scalar;
  std::size_t n = 1;
  for (const Sizes& s : in) n = s.entries.size() != 1 ? s.entries.size() : n;
  const auto entry = [&](std::size_t k, std::size_t i) { return in[k].entries[in[k].entries.size() == 1 ? 0 : i]; };
  for (const Sizes& s : in)
    require<FormatError>(s.entries.size() == 1 || s.entries.size() == n, "vectors of ", s.entries.size(), " and ", n,
                         " sizes cannot be broadcast");
  for (std::size_t i = 0; i < n; ++i) {
    const Size c = entry(0, i);
    r.entries.push_back(!c.known() ? Size{} : c.value != 0 ? entry(1, i) : entry(2, i));
  }
  return r;
}

inline Sizes product_of(const Sizes& s, bool keep) {
  Sizes r;
  r.scalar = !keep;
  r.dtype = s.dtype;
  Size p{1, 0};
  for (const Size& e : s.entries) p.value *= e.value;
  r.entries.push_back(s.entries.size() == 1 ? s.entries[0] : p);
  return r;
}

/// Evaluates the node if it only computes with sizes. Returns whether it did.
inline bool import_on_sizes(NodeImport& n) {
  const auto all = sizes_of_inputs(n);
  if (!all) return false;
  const std::vector<Sizes>& in = *all;
  const std::string_view type = n.type();
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto two = [&](double neutral, auto f) {
    n.require(in.size() == 2, "expected two inputs, found ", in.size());
    sizes_result(n, combine(in[0], in[1], neutral, f));
    return true;
  };
  const auto one = [&](Sizes s) {
    sizes_result(n, std::move(s));
    return true;
  };
  if (type == "Add") return two(0, [](double a, double b) { return a + b; });
  if (type == "Sub") return two(0, [](double a, double b) { return a - b; });
  if (type == "Mul") return two(1, [](double a, double b) { return a * b; });
  if (type == "Div") return two(1, [](double a, double b) { return b == 0 ? 0 : a / b; });
  if (type == "Min") return two(none, [](double a, double b) { return std::min(a, b); });
  if (type == "Max") return two(none, [](double a, double b) { return std::max(a, b); });
  if (type == "Mod" && !n.flag("fmod"))
    return two(none, [](double a, double b) { return b == 0 ? 0 : a - b * std::floor(a / b); });
  if (type == "Equal") {
    n.require(in.size() == 2, "expected two inputs, found ", in.size());
    return one(equal_sizes(in));
  }
  if (type == "Less") return one(compared(n, in, [](double a, double b) { return a < b; }));
  if (type == "LessOrEqual") return one(compared(n, in, [](double a, double b) { return a <= b; }));
  if (type == "Greater") return one(compared(n, in, [](double a, double b) { return a > b; }));
  if (type == "GreaterOrEqual") return one(compared(n, in, [](double a, double b) { return a >= b; }));
  if (type == "And") return one(compared(n, in, [](double a, double b) { return a != 0 && b != 0; }));
  if (type == "Or") return one(compared(n, in, [](double a, double b) { return a != 0 || b != 0; }));
  if (type == "Not") return one(each_size(in[0], [](double v) { return v == v ? static_cast<double>(v == 0) : v; }));
  if (type == "Where" && in.size() == 3) return one(chosen(in));
  if (type == "Floor") return one(each_size(in[0], [](double v) { return std::floor(v); }));
  if (type == "Ceil") return one(each_size(in[0], [](double v) { return std::ceil(v); }));
  if (type == "Cast") return one(cast_sizes(in[0], element_type(n.integer("to"))));
  if (type == "Concat") return one(joined(in));
  if (type == "Gather" && in.size() == 2 && !in[0].scalar) return one(picked(n, in[0], in[1]));
  if (type == "Slice") return one(sliced(n, in));
  if (type == "ReduceProd") return one(product_of(in[0], n.flag("keepdims", true)));
  const bool reshapes = type == "Squeeze" || type == "Unsqueeze" || type == "Reshape";
  if (!reshapes) return false;
  Sizes s = in[0];
  const bool single = s.entries.size() == 1;
  if (type == "Squeeze") s.scalar = single;
  if (type == "Unsqueeze") {
    if (!s.scalar) return false;
    s.scalar = false;
  }
  if (type == "Reshape") {
    if (in.size() != 2 || in[1].entries.size() > 1) return false;
    s.scalar = in[1].entries.empty() && single;
  }
  return one(std::move(s));
}

}  // namespace detail::onnx
OCTET_END
