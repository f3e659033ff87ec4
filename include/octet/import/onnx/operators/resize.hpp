#pragma once
#include <numeric>

#include "plain.hpp"
#include "run_time.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The index in `words` of a text attribute, as an enumerator.
template <class E, std::size_t N>
E word(const NodeImport& n, const char* key, const char* missing, const char* const (&words)[N]) {
  const std::string given = n.text(key, missing);
  for (std::size_t i = 0; i < N; ++i)
    if (given == words[i]) return static_cast<E>(i);
  n.fail(key, " '", given, "' is not supported");
}

/// Converts a list with one entry for each of `axes` to one with an entry for each stored dimension.
template <class T>
std::vector<T> spread(const NodeImport& n, const Operand& x, const std::vector<int>& axes, const std::vector<T>& given,
                      std::size_t offset, T missing) {
  std::vector<T> all(static_cast<std::size_t>(x.rank()), missing);
  n.require(given.size() >= offset + axes.size(), "expected ", offset + axes.size(), " numbers, found ", given.size());
  for (std::size_t i = 0; i < axes.size(); ++i)
    all[static_cast<std::size_t>(x.order.find(axes[i]))] = given[offset + i];
  return all;
}

inline std::vector<double> constant_doubles(NodeImport& n, int i) {
  const std::vector<float> v = n.constant_reals(i);
  return {v.begin(), v.end()};
}

/// Resizes to sizes (input 3) or by scales that are known in each run.
inline void import_run_time_resize(NodeImport& n, Resize op, int i, const std::vector<int>& axes) {
  const Operand& x = n.input(0);
  n.require(op.coordinate_transformation_mode != CoordinateMode::tf_crop_and_resize, "input ", i, " ('",
            n.input(i).name(), "') has to be constant, or computed from sizes");
  require_numbers(n, i, axes.size());
  const bool sizes = i == 3, stretch = op.keep_aspect_ratio_policy == AspectRatioPolicy::stretch;
  Shape result = x.source->shape;
  for (std::size_t k = 0; k < axes.size(); ++k)
    result[x.order.find(axes[k])] = sizes && stretch ? known_sizes(n, i, true)[static_cast<int>(k)] : Shape::unknown;
  const int numbers = stored_numbers(n, i, x, axes, 0, sizes ? 0 : 1, sizes ? "sizes" : "scales");
  add_parametrized(n, Parametrized(std::move(op), sizes ? "sizes" : "scales", result), x, x.order, {numbers}, x.order);
}

/// Resize, or Upsample before operator set 10, whose scales were an attribute before operator set 9.
inline void import_resize(NodeImport& n) {
  const Operand& x = n.input(0);
  const bool upsample = n.opset() < 11;
  std::vector<int> axes;
  for (std::int64_t a : n.integers("axes")) axes.push_back(normalize_axis(a, x.rank()));
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(x.rank()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  Resize op;
  op.mode = word<ResizeMode>(n, "mode", "nearest", {"nearest", "linear", "cubic"});
  op.coordinate_transformation_mode =
      word<CoordinateMode>(n, "coordinate_transformation_mode", upsample ? "asymmetric" : "half_pixel",
                           {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                            "tf_crop_and_resize"});
  op.nearest_mode = word<NearestMode>(n, "nearest_mode", upsample ? "floor" : "round_prefer_floor",
                                      {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
  op.keep_aspect_ratio_policy =
      word<AspectRatioPolicy>(n, "keep_aspect_ratio_policy", "stretch", {"stretch", "not_larger", "not_smaller"});
  op.extrapolation_value = n.real("extrapolation_value");
  op.cubic_coeff_a = n.real("cubic_coeff_a", -0.75);
  op.antialias = n.flag("antialias");
  op.float_coordinates = !n.builder.onnx_reference;
  op.exclude_outside = n.flag("exclude_outside");

  const int scales = upsample ? 1 : 2, sizes = 3;
  const auto given = [&](int i) { return n.has(i) && n.input(i).shape() != Shape{0}; };
  if (n.has_attribute("scales")) {
    const std::vector<float> s = n.reals("scales");
    op.scales = spread(n, x, axes, std::vector<double>(s.begin(), s.end()), 0, 1.0);
  } else if (!upsample && given(sizes)) {
    const Symbols symbols = n.builder.symbols(x);
    const std::optional<Sizes> wanted = n.sizes(sizes);
    if (!wanted) return import_run_time_resize(n, std::move(op), sizes, axes);
    std::vector<std::int64_t> all;
    for (std::size_t i = 0; i < wanted->entries.size() && i < axes.size(); ++i) {
      const Size& s = wanted->entries[i];
      const int d = axes[i];
      const bool kept = (s.symbol != 0 && s.symbol == symbols[static_cast<std::size_t>(d)]) ||
                        (d == 0 && s.value == static_cast<double>(x.shape()[0]));
      if (!kept && !s.known() && is_run_time(n, sizes)) return import_run_time_resize(n, std::move(op), sizes, axes);
      n.require(kept || (s.known() && s.value >= 1 && s.value < 1e12), "size ", i,
                " of the result is unknown or not positive");
      all.push_back(kept ? 0 : static_cast<std::int64_t>(s.value));
    }
    op.sizes = spread(n, x, axes, all, 0, std::int64_t{0});
  } else if (is_run_time(n, scales)) {
    return import_run_time_resize(n, std::move(op), scales, axes);
  } else {
    op.scales = spread(n, x, axes, constant_doubles(n, scales), 0, 1.0);
  }
  if (op.coordinate_transformation_mode == CoordinateMode::tf_crop_and_resize) {
    const std::vector<double> roi = constant_doubles(n, 1);
    op.roi = spread(n, x, axes, roi, 0, 0.0);
    const std::vector<double> ends = spread(n, x, axes, roi, axes.size(), 1.0);
    op.roi.insert(op.roi.end(), ends.begin(), ends.end());
  }
  unsigned keeps = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.rank()); ++i)
    if (op.scales.empty() ? op.sizes[i] == 0 : op.scales[i] == 1) keeps |= 1u << i;
  n.result(n.add(std::move(op), {n.builder.value(x)}, static_cast<Keeps>(keeps)), x.order);
}

}  // namespace detail::onnx
OCTET_END
