#pragma once
#include "../../../operators/concat.hpp"
#include "../../../operators/resize/resize.hpp"
#include "../../../operators/shape/gather.hpp"
#include "../../../operators/shape/pad.hpp"
#include "../../../operators/shape/slice.hpp"
#include "../node_export.hpp"

/// Operators that move elements.
OCTET_BEGIN
namespace detail::onnx {

/// A list with one entry for each stored dimension, as one for the dimensions of the file.
template <class T>
std::vector<T> file_entries(const std::vector<T>& stored, const Order& o) {
  std::vector<T> r = stored;
  for (int i = 0; i < o.rank(); ++i) r[static_cast<std::size_t>(o[i])] = stored[static_cast<std::size_t>(i)];
  return r;
}

inline void export_concat(NodeExport& n) {
  const auto& c = static_cast<const Concat&>(n.op());
  const Order o = n.common_order();
  std::vector<std::string> in;
  for (int i = 0; i < n.inputs(); ++i) in.push_back(n.real(i, o));
  n.node("Concat", in, o, Attributes().integer("axis", o[normalize_axis(c.axis, o.rank())]));
}

inline void export_slice(NodeExport& n) {
  const auto& s = static_cast<const Slice&>(n.op());
  const Order o = n.order();
  std::vector<std::int64_t> axes, steps = s.steps;
  for (std::size_t i = 0; i < s.starts.size(); ++i)
    axes.push_back(o[normalize_axis(s.axes.empty() ? static_cast<std::int64_t>(i) : s.axes[i], o.rank())]);
  if (steps.empty()) steps.assign(s.starts.size(), 1);
  n.node("Slice",
         {n.real(0, o), n.integers("starts", s.starts), n.integers("ends", s.ends), n.integers("axes", axes),
          n.integers("steps", steps)},
         o);
}

inline void export_split(NodeExport& n) {
  const auto& s = static_cast<const Split&>(n.op());
  const Order o = n.order();
  const int axis = normalize_axis(s.axis, o.rank());
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < n.outputs(); ++i) sizes.push_back(n.output(i).shape[axis]);
  const bool known = std::find(sizes.begin(), sizes.end(), Shape::unknown) == sizes.end();
  std::vector<std::string> in{n.real(0, o)};
  if (known) in.push_back(n.integers("sizes", sizes));
  n.require(known || n.tensors().file().opset() < 18,
            "splits a dimension of unknown size: set the size of the model's input");
  n.whole_node("Split", in, std::vector<Order>(static_cast<std::size_t>(n.outputs()), o),
               Attributes().integer("axis", o[axis]));
}

/// Pads codes, which ONNX Runtime would do in float between a DequantizeLinear and a QuantizeLinear.
inline void pad_codes(NodeExport& n, const Pad& p, const std::string& pads, const Attributes& a, const Order& o) {
  TensorExport& t = n.tensors();
  const DType type = t.file_type(n.id(0));
  std::vector<std::string> in{t.tensor(n.id(0), o), pads};
  if (p.mode == PadMode::constant)
    in.push_back(t.file().add_constant(n.name() + "/value", AnyTensor::make(type, Shape{}, [&](std::byte* to) {
                                         store_element(type, to, 0, code_of(p.value, t.file_params(n.id(0))));
                                       })));
  const std::string out = n.result_name(n.out_id(), o);
  t.node(n.name(), "Pad", in, out, a);
  n.written(0, out, o);
}

/// `pads`: the tensor of the pads, in the order o.
inline void write_pad(NodeExport& n, const Pad& p, const std::string& pads, const Order& o) {
  const char* const modes[] = {"constant", "reflect", "edge", "wrap", nullptr};
  const char* const mode = modes[static_cast<int>(p.mode)];
  n.require(mode,
            "pads symmetrically, with repeated borders, which ONNX cannot say: the nearest modes are reflect and "
            "edge");
  const Attributes a = Attributes().text("mode", mode);
  if (n.tensors().has_codes(n.id(0)) && n.tensors().options().onnx == OnnxForm::unsigned_codes)
    return pad_codes(n, p, pads, a, o);
  std::vector<std::string> in{n.real(0, o), pads};
  if (p.mode == PadMode::constant && p.value != 0) {
    n.require(n.input(0).is_quantized() || n.input(0).dtype == DType::f32, "pads ", name(n.input(0).dtype),
              " with a number other than 0, which octet does not write");
    in.push_back(n.scalar("value", p.value));
  }
  n.node("Pad", in, o, a);
}

inline void export_pad(NodeExport& n) {
  const auto& p = static_cast<const Pad&>(n.op());
  const Order o = n.order();
  std::vector<std::int64_t> pads = file_entries(p.before, o), after = file_entries(p.after, o);
  pads.insert(pads.end(), after.begin(), after.end());
  write_pad(n, p, n.integers("pads", pads), o);
}

inline void export_gather(NodeExport& n) {
  const auto& g = static_cast<const octet::Gather&>(n.op());
  n.node("Gather", {n.real(0, Order::identity(n.rank())), n.real(1, Order::identity(n.rank(1)))},
         Order::identity(n.output().shape.rank()), Attributes().integer("axis", normalize_axis(g.axis, n.rank())));
}

inline void export_expand(NodeExport& n) {
  const auto& e = static_cast<const Expand&>(n.op());
  n.node("Expand", {n.real(0, Order::identity(n.rank())), n.integers("sizes", e.shape)},
         Order::identity(n.output().shape.rank()));
}

/// The scale of each dimension. Of given sizes it is their ratio, which gives the sizes again.
inline std::vector<double> resize_scales(NodeExport& n, const Resize& r) {
  if (!r.scales.empty()) return r.scales;
  std::vector<double> scales;
  const Shape &in = n.input(0).shape, &out = n.output().shape;
  for (int i = 0; i < in.rank(); ++i) {
    const auto size = r.sizes[static_cast<std::size_t>(i)];
    if (size == 0 || in[i] == out[i]) {
      scales.push_back(1);
      continue;
    }
    n.require(in[i] > 0 && out[i] > 0,
              "resizes an image of unknown size to a given one: set the size of the model's input");
    float s = static_cast<float>(out[i]) / static_cast<float>(in[i]);
    // (Not less than the ratio, so that readers that multiply doubles find the size, too.)
    while (static_cast<double>(s) * static_cast<double>(in[i]) < static_cast<double>(out[i]))
      s = std::nextafter(s, 2 * s);
    scales.push_back(static_cast<double>(s));
  }
  return scales;
}

/// Stands for scales that are known when the model runs: a factor of 2 for the dimensions that change.
inline std::vector<double> resized_by_two(const Resize& r) {
  std::vector<double> factors;
  for (const std::int64_t size : r.sizes) factors.push_back(size == 0 ? 1 : 2);
  return factors;
}

/// An order for cubic, which ONNX Runtime has only for the last two of four dimensions: `own`, if these are resized
/// there.
inline Order cubic_order(const std::vector<double>& factors, const Order& own) {
  const std::vector<double> in_file = file_entries(factors, own);
  if (factors.size() != 4 || (in_file[0] == 1 && in_file[1] == 1)) return own;
  Order dims;  // of the file, those that are resized last
  for (const bool resized : {false, true})
    for (int i = 0; i < 4; ++i)
      if ((factors[static_cast<std::size_t>(i)] != 1) == resized) dims.push_back(i);
  return dims.inverse();
}

/// `in`: the image, in the order o, and what resizes it; `a`: more attributes.
inline void write_resize(NodeExport& n, const Resize& r, const std::vector<std::string>& in, const Order& o,
                         Attributes a = {}) {
  static constexpr const char* modes[] = {"nearest", "linear", "cubic"};
  static constexpr const char* coordinates[] = {"half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel",
                                                "align_corners", "asymmetric",           "tf_crop_and_resize"};
  static constexpr const char* nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  a.text("mode", modes[static_cast<int>(r.mode)]);
  a.text("coordinate_transformation_mode", coordinates[static_cast<int>(r.coordinate_transformation_mode)]);
  if (r.mode == ResizeMode::nearest) a.text("nearest_mode", nearest[static_cast<int>(r.nearest_mode)]);
  if (r.mode == ResizeMode::cubic) a.real("cubic_coeff_a", r.cubic_coeff_a);
  if (r.exclude_outside) a.integer("exclude_outside", 1);
  if (r.antialias) a.integer("antialias", 1);
  if (!r.roi.empty()) a.real("extrapolation_value", r.extrapolation_value);
  n.node("Resize", in, o, a);
}

inline void export_resize(NodeExport& n) {
  const auto& r = static_cast<const Resize&>(n.op());
  const std::vector<double> factors = keeps_aspect(r) ? resized_by_two(r) : resize_scales(n, r);
  const Order o = r.mode == ResizeMode::cubic ? cubic_order(factors, n.order()) : n.order();
  std::string roi;
  if (!r.roi.empty()) {
    const auto rank = static_cast<std::ptrdiff_t>(o.rank());
    std::vector<double> starts(r.roi.begin(), r.roi.begin() + rank), ends(r.roi.begin() + rank, r.roi.end());
    starts = file_entries(starts, o);
    ends = file_entries(ends, o);
    starts.insert(starts.end(), ends.begin(), ends.end());
    roi = n.tensors().reals(n.name() + "/roi", starts);
  }
  if (!keeps_aspect(r)) {
    const std::string scales = n.tensors().reals(n.name() + "/scales", file_entries(factors, o));
    return write_resize(n, r, {n.real(0, o), roi, scales}, o);
  }
  n.require(r.roi.empty(), "keeps the aspect ratio of a region of interest, which octet does not write");
  std::vector<std::int64_t> axes, sizes;
  for (int d = 0; d < o.rank(); ++d)
    if (const std::int64_t size = r.sizes[static_cast<std::size_t>(o.find(d))]) {
      axes.push_back(d);
      sizes.push_back(size);
    }
  const bool smaller = r.keep_aspect_ratio_policy == AspectRatioPolicy::not_larger;
  write_resize(
      n, r, {n.real(0, o), roi, "", n.integers("sizes", sizes)}, o,
      Attributes().integers("axes", axes).text("keep_aspect_ratio_policy", smaller ? "not_larger" : "not_smaller"));
}

}  // namespace detail::onnx
OCTET_END
