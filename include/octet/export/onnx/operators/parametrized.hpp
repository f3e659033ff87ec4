#pragma once
#include "../../../operators/parametrized.hpp"
#include "../../../operators/shape/views.hpp"
#include "movement.hpp"
#include "reduce.hpp"

/// Operators with parameters that other layers compute.
OCTET_BEGIN
namespace detail::onnx {

/// The parameters of such an operator as tensors of the file.
class ParameterExport {
 public:
  explicit ParameterExport(NodeExport& n)
      : n_(n), p_(static_cast<const Parametrized&>(n.op())), names_(p_.parameter_names()) {}

  bool has(const std::string& name) const { return find(name) < names_.size(); }
  /// The vector of that name: the computed one, or the operator's own.
  std::string vector(const std::string& name, const std::vector<std::int64_t>& own) {
    if (!has(name)) return n_.integers(name.c_str(), own);
    ++used_;
    const int i = input(name);
    std::string t = n_.real(i, Order::identity(n_.rank(i)));
    if (n_.input(i).dtype == DType::i32)
      t = n_.step((name + " as int64").c_str(), "Cast", {t}, Attributes().integer("to", data_type_code(DType::i64)));
    if (n_.rank(i) == 0) t = n_.step((name + " as vector").c_str(), "Reshape", {t, n_.integers("one", {1})});
    return t;
  }
  /// The same, with an entry for each stored dimension, for the dimensions of the file.
  std::string entries(const std::string& name, const std::vector<std::int64_t>& own, const Order& o) {
    if (!has(name)) return n_.integers(name.c_str(), file_entries(own, o));
    const std::string stored = vector(name, own);
    if (o.is_identity()) return stored;
    std::vector<std::int64_t> places;
    for (int d = 0; d < o.rank(); ++d) places.push_back(d);
    return n_.step((name + " in order").c_str(), "Gather", {stored, n_.integers("order", file_entries(places, o))},
                   Attributes().integer("axis", 0));
  }
  /// To be called last: whether all parameters have been written.
  void require_written() const {
    n_.require(used_ == names_.size(), "computes the parameters '", p_.parameters, "' of ", p_.op->type(),
               ", which octet does not write");
  }
  /// The number of entries of a computed vector.
  std::int64_t length(const std::string& name) const {
    const Shape& s = n_.input(input(name)).shape;
    return s.rank() == 0 ? 1 : s[0];
  }

 private:
  std::size_t find(const std::string& name) const {
    return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  }
  int input(const std::string& name) const {
    return n_.inputs() - static_cast<int>(names_.size()) + static_cast<int>(find(name));
  }

  NodeExport& n_;
  const Parametrized& p_;
  std::vector<std::string> names_;
  std::size_t used_ = 0;
};

inline void export_computed_slice(NodeExport& n, ParameterExport& p, const Slice& s) {
  const Order o = n.order();
  const std::int64_t count = p.has("starts") ? p.length("starts") : static_cast<std::int64_t>(s.starts.size());
  n.require(count >= 0 && (s.axes.empty() || s.axes.size() == static_cast<std::size_t>(count)), "slices ", count,
            " axes, expected a known number of them");
  std::vector<std::int64_t> axes = s.axes;
  for (std::int64_t i = 0; s.axes.empty() && i < count; ++i) axes.push_back(i);
  for (std::int64_t& a : axes) a = o[normalize_axis(a, o.rank())];
  const std::string starts = p.vector("starts", s.starts), ends = p.vector("ends", s.ends),
                    steps = p.vector("steps", s.steps.empty() ? std::vector<std::int64_t>(axes.size(), 1) : s.steps);
  n.node("Slice", {n.real(0, o), starts, ends, n.integers("axes", axes), steps}, o);
}

inline void export_computed_pad(NodeExport& n, ParameterExport& p, const Pad& pad) {
  const Order o = n.order();
  const std::string before = p.entries("before", pad.before, o), after = p.entries("after", pad.after, o);
  write_pad(n, pad, n.step("pads", "Concat", {before, after}, Attributes().integer("axis", 0)), o);
}

/// The order of an image that is resized to computed sizes: for cubic one that ONNX Runtime has, if the shapes say
/// which two dimensions are resized.
inline Order computed_resize_order(NodeExport& n, const Resize& r) {
  const Shape &in = n.input(0).shape, &out = n.output().shape;
  std::vector<double> factors;
  for (int d = 0; d < in.rank() && out.rank() == in.rank(); ++d)
    factors.push_back(d == 0 || (in[d] == out[d] && in[d] != Shape::unknown) ? 1 : 2);
  const bool two = std::count(factors.begin(), factors.end(), 2.0) == 2;
  return r.mode == ResizeMode::cubic && two ? cubic_order(factors, n.order()) : n.order();
}

/// Sizes, of which 0 keeps that of the input; ONNX has no such. Or scales, which are numbers.
inline void export_computed_resize(NodeExport& n, ParameterExport& p, const Resize& r) {
  n.require(r.keep_aspect_ratio_policy == AspectRatioPolicy::stretch && r.roi.empty(),
            "computes sizes whose ratio is kept, or of a region, which octet does not write");
  const Order o = computed_resize_order(n, r);
  const std::string x = n.real(0, o);
  if (p.has("scales")) return write_resize(n, r, {x, "", p.entries("scales", {}, o)}, o);
  const std::string given = p.entries("sizes", r.sizes, o),
                    keep = n.step("keep", "Equal", {given, n.integers("zero", {0})}),
                    sizes = n.step("sizes", "Where", {keep, n.step("own sizes", "Shape", {x}), given});
  write_resize(n, r, {x, "", "", sizes}, o);
}

inline void export_parametrized(NodeExport& n) {
  const auto& op = *static_cast<const Parametrized&>(n.op()).op;
  const Order own = Order::identity(n.rank()), after = Order::identity(n.output().shape.rank());
  ParameterExport p(n);
  if (const auto* r = as<Reshape>(op))
    n.node("Reshape", {n.real(0, own), p.vector("target", r->target)}, after,
           r->allow_zero ? Attributes().integer("allowzero", 1) : Attributes());
  else if (const auto* e = as<Expand>(op))
    n.node("Expand", {n.real(0, own), p.vector("shape", e->shape)}, after);
  else if (const auto* s = as<Slice>(op))
    export_computed_slice(n, p, *s);
  else if (const auto* pad = as<Pad>(op))
    export_computed_pad(n, p, *pad);
  else if (const auto* resize = as<Resize>(op))
    export_computed_resize(n, p, *resize);
  else if (const auto* top = as<TopK>(op))
    write_top_k(n, *top, p.vector("k", {top->k}));
  else if (const auto* split = as<Split>(op))
    n.whole_node("Split", {n.real(0, n.order()), p.vector("sizes", split->sizes)},
                 std::vector<Order>(static_cast<std::size_t>(n.outputs()), n.order()),
                 Attributes().integer("axis", n.order()[normalize_axis(split->axis, n.rank())]));
  p.require_written();
}

}  // namespace detail::onnx
OCTET_END
