#pragma once
#include "../../../operators/arg_max.hpp"
#include "../../../operators/concat.hpp"
#include "../../../operators/reduce.hpp"
#include "../../../operators/shape/gather.hpp"
#include "../../../operators/shape/pad.hpp"
#include "../../../operators/shape/slice.hpp"
#include "../../../operators/shape/transpose.hpp"
#include "../../../operators/soft_non_max_suppression.hpp"
#include "../../../operators/top_k.hpp"
#include "elementwise.hpp"

/// Operators that move, select or reduce elements.
OCTET_BEGIN
namespace detail::tflite {

/// Reshape, Flatten, Squeeze and Unsqueeze.
inline void export_reshape(NodeExport& n) { n.tensors().reshape(n.in_like_output(0), n.out()); }

inline void export_transpose(NodeExport& n) {
  const auto& t = static_cast<const Transpose&>(n.op());
  std::vector<std::int64_t> perm = t.perm;
  for (int i = n.rank(); t.perm.empty() && i > 0; --i) perm.push_back(i - 1);
  n.operate("TRANSPOSE", 1, 2, {n.in_like_output(0), n.integers("perm", perm)}, {n.out()}, Options(26));
}

/// All inputs get the scale of the result.
inline void export_concat(NodeExport& n) {
  const auto& c = static_cast<const Concat&>(n.op());
  std::vector<int> in;
  for (int i = 0; i < n.inputs(); ++i) in.push_back(n.in_like_output(i));
  n.operate("CONCATENATION", 1, 2, in, {n.out()},
            Options(10).integer(0, normalize_axis(c.axis, n.output().shape.rank())));
}

inline void export_slice(NodeExport& n) {
  const auto& s = static_cast<const Slice&>(n.op());
  const auto rank = static_cast<std::size_t>(n.rank());
  std::vector<std::int64_t> begin(rank, 0), end(rank, 0), step(rank, 1);
  int begin_mask = (1 << rank) - 1, end_mask = begin_mask;
  constexpr std::int64_t far = std::numeric_limits<std::int32_t>::max();
  for (std::size_t i = 0; i < s.starts.size(); ++i) {
    const int axis = normalize_axis(s.axes.empty() ? static_cast<std::int64_t>(i) : s.axes[i], n.rank());
    const auto d = static_cast<std::size_t>(axis);
    const std::int64_t size = n.input(0).shape[axis], by = s.steps.empty() ? 1 : s.steps[i];
    begin[d] = s.starts[i];
    end[d] = s.ends[i];
    step[d] = by;
    begin_mask &= ~(1 << axis);
    const bool whole = by > 0 ? s.ends[i] >= far || (size >= 0 && s.ends[i] >= size)
                              : s.ends[i] <= -far || (size >= 0 && s.ends[i] < -size);
    if (!whole) end_mask &= ~(1 << axis);
    if (begin[d] >= far) begin_mask |= 1 << axis;
  }
  n.operate("STRIDED_SLICE", 1, 2,
            {n.in_like_output(0), n.integers("begin", begin), n.integers("end", end), n.integers("strides", step)},
            {n.out()}, Options(32).integer(0, begin_mask).integer(1, end_mask));
}

inline void export_split(NodeExport& n) {
  const auto& s = static_cast<const Split&>(n.op());
  const int axis = normalize_axis(s.axis, n.rank());
  std::vector<std::int64_t> sizes;
  std::vector<int> out;
  for (int i = 0; i < n.outputs(); ++i) {
    sizes.push_back(n.output(i).shape[axis]);
    out.push_back(n.out(i));
  }
  const bool equal = std::adjacent_find(sizes.begin(), sizes.end(), std::not_equal_to<>()) == sizes.end();
  const int at = n.integers("axis", {axis}, true);
  if (equal) return n.operate("SPLIT", 1, 2, {at, n.in(0)}, out, Options(35).integer(0, n.outputs()));
  n.require(std::find(sizes.begin(), sizes.end(), Shape::unknown) == sizes.end(),
            "splits a dimension of unknown size into unequal parts: set the size of the model's input");
  n.operate("SPLIT_V", 1, 2, {n.in(0), n.integers("sizes", sizes), at}, out, Options(79).integer(0, n.outputs()));
}

inline void export_pad(NodeExport& n) {
  const auto& p = static_cast<const Pad&>(n.op());
  Tensor<std::int32_t> sizes = Tensor<std::int32_t>::uninitialized({n.rank(), 2});
  for (int d = 0; d < n.rank(); ++d) {
    const std::int64_t b = p.before[static_cast<std::size_t>(d)], a = p.after[static_cast<std::size_t>(d)];
    n.require(b >= 0 && a >= 0, "removes elements, which TFLite's PAD does not: use a slice");
    sizes[2 * d] = static_cast<std::int32_t>(b);
    sizes[2 * d + 1] = static_cast<std::int32_t>(a);
  }
  TensorExport& t = n.tensors();
  const int x = n.in_like_output(0), paddings = t.constant(n.name() + "/paddings", std::move(sizes));
  if (p.mode == PadMode::reflect || p.mode == PadMode::symmetric)
    return n.operate("MIRROR_PAD", 1, 2, {x, paddings}, {n.out()},
                     Options(77).byte(0, p.mode == PadMode::symmetric ? 1 : 0));
  n.require(p.mode == PadMode::constant, "repeats borders, which TFLite does not have: the nearest mode is symmetric");
  if (p.value == 0) return n.operate("PAD", 1, 2, {x, paddings}, {n.out()}, Options(22));
  const QuantParams q = t.file_params(n.out_id());
  const AnyTensor value = AnyTensor::make(t.file_type(n.out_id()), {}, [&](std::byte* to) {
    const IntegerRange r = n.has_codes() ? integer_range(n.code_type()) : IntegerRange{0, 0};
    const double code = n.has_codes()
                            ? std::clamp(code_of(p.value, q), static_cast<double>(r.low), static_cast<double>(r.high))
                            : p.value;
    store_element(t.file_type(n.out_id()), to, 0, code);
  });
  n.operate("PADV2", 1, 2, {x, paddings, t.constant(n.name() + "/value", value, q)}, {n.out()}, Options(43));
}

/// Constant indices count from the front.
inline int gather_indices(NodeExport& n, int axis) {
  const Value& places = n.input(octet::Gather::places);
  if (!places.is_constant()) return n.in(octet::Gather::places);
  const std::int64_t size = n.input(octet::Gather::data).shape[axis];
  AnyTensor positive = AnyTensor::make(places.dtype, places.shape, [&](std::byte* to) {
    for (std::int64_t i = 0, count = places.constant.size(); i < count; ++i) {
      const double at = load_element(places.dtype, places.constant.data(), i);
      n.require(at >= 0 || size != Shape::unknown, "has the index ", at,
                " into a dimension of unknown size, which TFLite "
                "does not have");
      store_element(places.dtype, to, i, at < 0 ? at + static_cast<double>(size) : at);
    }
  });
  return n.tensors().constant(places.name, std::move(positive));
}

inline void export_gather(NodeExport& n) {
  const auto& g = static_cast<const octet::Gather&>(n.op());
  const int axis = normalize_axis(g.axis, n.rank());
  n.operate("GATHER", 1, 2, {n.in_like_output(0), gather_indices(n, axis)}, {n.out()}, Options(23).integer(0, axis));
}

inline void export_expand(NodeExport& n) {
  const Shape& s = n.output().shape;
  n.require(s.known(), "expands to an unknown size: set the sizes of the model's inputs");
  n.operate("BROADCAST_TO", 2, 2, {n.in_like_output(0), n.integers("sizes", {s.begin(), s.end()})}, {n.out()});
}

inline void export_reduce(NodeExport& n) {
  const auto& r = static_cast<const Reduce&>(n.op());
  std::vector<std::int64_t> axes;
  for (std::int64_t a : r.axes) axes.push_back(normalize_axis(a, n.rank()));
  for (int d = 0; r.axes.empty() && d < n.rank(); ++d) axes.push_back(d);
  std::sort(axes.begin(), axes.end());
  static constexpr const char* types[] = {"MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", nullptr};
  const char* const type = types[static_cast<int>(r.kind)];
  n.require(type, "is the root of a sum of squares, which TFLite does not have");
  const bool copies = r.kind == ReduceKind::max || r.kind == ReduceKind::min;
  const bool spatial = n.rank() == 4 && axes == std::vector<std::int64_t>{1, 2};
  const Options options = Options(27).byte(0, r.keep_dims ? 1 : 0);
  if (n.has_codes() && !copies && !(r.kind == ReduceKind::mean && spatial)) {  // runtimes round these twice
    const int at = n.integers("axes", axes);
    return in_float(n, [&](int x, int y) { n.tensors().operate(type, 1, {x, at}, {y}, options); });
  }
  n.operate(type, 1, 2, {copies ? n.in_like_output(0) : n.in(0), n.integers("axes", axes)}, {n.out()}, options);
}

inline void export_arg_max(NodeExport& n) {
  const auto& a = static_cast<const ArgMax&>(n.op());
  n.require(!a.last, "selects the last of equal elements, which TFLite does not have");
  n.require(!n.input(0).quant.per_channel(), "compares a tensor with a scale for each channel");
  const int axis = normalize_axis(a.axis, n.rank());
  int to = n.out();
  Shape s = n.output().shape;
  if (a.keep_dims) {
    s.erase(axis);
    to = n.step("indices", n.output().dtype, s);
  }
  n.operate(a.smallest ? "ARG_MIN" : "ARG_MAX", 1, 2, {n.in(0), n.integers("axis", {axis}, true)}, {to},
            Options(a.smallest ? 57 : 40).byte(0, tensor_type(n.output().dtype)));
  if (!a.keep_dims) return;
  n.tensors().reshape(to, n.out());
}

inline void export_top_k(NodeExport& n) {
  const auto& k = static_cast<const TopK&>(n.op());
  n.require(!k.smallest && normalize_axis(k.axis, n.rank()) == n.rank() - 1,
            "selects the smallest elements, or along another dimension than the last, which TFLite does not have");
  const int indices = k.to == DType::i32 ? n.out(1) : n.step("indices", DType::i32, n.output(1).shape);
  n.operate("TOPK_V2", 1, 2, {n.in(0), n.integers("k", {k.k}, true)}, {n.out(), indices}, Options(34));
  if (k.to != DType::i32) n.operate("CAST", 1, 1, {indices}, {n.out(1)}, Options(37).byte(0, 2).byte(1, 4));
}

inline void export_non_max_suppression(NodeExport& n) {
  const auto& s = static_cast<const SoftNonMaxSuppression&>(n.op());
  const auto number = [&](const char* what, double x) {
    return n.tensors().constant(n.name() + "/" + what,
                                Tensor<float>(Shape{}, std::vector<float>{static_cast<float>(x)}));
  };
  n.require(s.gives_scores || s.sigma == 0, "decays scores without giving them, which TFLite does not have");
  std::vector<int> in{n.in(0), n.in(1), n.integers("most", {s.most}, true), number("iou threshold", s.iou_threshold),
                      number("score threshold", s.score_threshold)},
      out;
  if (s.gives_scores) in.push_back(number("sigma", s.sigma));
  for (int i = 0; i < n.outputs(); ++i) out.push_back(n.out(i));
  n.operate(s.gives_scores ? "NON_MAX_SUPPRESSION_V5" : "NON_MAX_SUPPRESSION_V4", 1, 2, in, out);
}

}  // namespace detail::tflite
OCTET_END
