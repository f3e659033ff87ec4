#pragma once
#include "../../../operators/cumulative_sum.hpp"
#include "../../../operators/shape/gather_elements.hpp"
#include "../../../operators/shape/reverse_sequence.hpp"
#include "elementwise.hpp"
#include "movement.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// Constant places count from the front.
inline int positive_places(NodeExport& n) {
  const Value& places = n.input(GatherND::places);
  if (!places.is_constant()) return n.in(GatherND::places);
  const Shape& in = n.input(GatherND::data).shape;
  const std::int64_t columns = places.shape[places.shape.rank() - 1];
  AnyTensor positive = AnyTensor::make(places.dtype, places.shape, [&](std::byte* to) {
    for (std::int64_t i = 0, count = places.constant.size(); i < count; ++i) {
      const double at = load_element(places.dtype, places.constant.data(), i);
      const std::int64_t size = in[static_cast<int>(i % columns)];
      n.require(at >= 0 || size != Shape::unknown, "has the index ", at,
                " into a dimension of unknown size, which TFLite does not have");
      store_element(places.dtype, to, i, at < 0 ? at + static_cast<double>(size) : at);
    }
  });
  return n.tensors().constant(places.name, std::move(positive));
}

inline void export_gather_nd(NodeExport& n) {
  const auto& g = static_cast<const GatherND&>(n.op());
  n.require(g.batch_dims == 0, "has ", g.batch_dims, " batch dimensions, which TFLite does not have");
  n.operate("GATHER_ND", 1, 1, {n.in_like_output(0), positive_places(n)}, {n.out()}, Options(83));
}

/// LiteRT has it for int16 and uint8, not for int8.
inline void export_reverse_sequence(NodeExport& n) {
  const auto& r = static_cast<const ReverseSequence&>(n.op());
  const int lengths = n.in(ReverseSequence::lengths);
  Options o(87);
  o.integer(0, normalize_axis(r.axis, n.rank())).integer(1, normalize_axis(r.batch_axis, n.rank()));
  in_float(n, [&](int x, int y) { n.tensors().operate("REVERSE_SEQUENCE", 1, {x, lengths}, {y}, o); });
}

inline void export_cumulative_sum(NodeExport& n) {
  const auto& s = static_cast<const CumulativeSum&>(n.op());
  const int axis = n.integers("axis", {normalize_axis(s.axis, n.rank())}, true);
  n.operate("CUMSUM", 1, 1, {n.in(0), axis}, {n.out()},
            Options(102).byte(0, s.exclusive ? 1 : 0).byte(1, s.reverse ? 1 : 0));
}

}  // namespace detail::tflite
OCTET_END
