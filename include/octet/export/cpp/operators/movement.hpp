#pragma once
#include "../../../core/affine.hpp"
#include "../../../operators/concat.hpp"
#include "../../../operators/resize/resize.hpp"
#include "../../../operators/shape/pad.hpp"
#include "run_on_codes.hpp"

/// Layers that move elements.
OCTET_BEGIN
namespace detail::cpp {

inline void export_view(NodeExport& n) {
  n.require(n.stored().same(n.id(0), n.out_id()), "input and output have to be of one type and scale");
  n.set_view();
}

/// The tables that bring codes of the inputs to the output's scale, by the executor's own step.
inline std::vector<std::uint8_t> concat_tables(NodeExport& n, int axis) {
  const int flip = n.stored().shift(n.out_id()) != 0 ? 128 : 0;
  Shape part, all;
  for (int d = 0; d < n.rank(); ++d) {
    part.push_back(d == axis ? 256 : 1);
    all.push_back(d == axis ? 256 * n.inputs() : 1);
  }
  std::vector<std::byte> codes(256), results(256 * static_cast<std::size_t>(n.inputs()));
  for (int q = 0; q < 256; ++q) codes[static_cast<std::size_t>(q)] = static_cast<std::byte>(q ^ flip);
  const std::vector<TensorRef> in(static_cast<std::size_t>(n.inputs()), {n.output().dtype, part, codes.data()});
  run_layer(n, n.context(), in, {TensorRef{n.output().dtype, all, results.data()}});
  std::vector<std::uint8_t> tables;
  for (std::byte b : results) tables.push_back(static_cast<std::uint8_t>(std::to_integer<int>(b) ^ flip));
  return tables;
}

inline void export_concat(NodeExport& n) {
  const bool floats = n.output().dtype == DType::f32;
  n.require_movable(n.out_id());
  for (int i = 0; i < n.inputs(); ++i) {
    n.require_movable(n.id(i));
    n.require(!n.input(i).is_constant() || !floats, "C++ source has no form of it with constants in float");
  }
  const Shape& y = n.output().shape;
  const int axis = normalize_axis(static_cast<const Concat&>(n.op()).axis, y.rank());
  const std::vector<std::uint8_t> tables = floats ? std::vector<std::uint8_t>{} : concat_tables(n, axis);
  std::int64_t first = 0;
  for (int i = 0; i < n.inputs(); ++i) {
    const std::int64_t part = n.input(i).shape.product(axis, y.rank());
    const std::string rows = listed({n.in(i), n.out() + " + " + literal(first), literal(y.product(0, axis)),
                                     literal(part), literal(y.product(axis, y.rank()))});
    first += part;
    if (part == 0) continue;
    if (n.input(i).quant == n.output().quant) {
      n.use("copy_rows");
      n.call("copy_rows(" + rows + ")");
      continue;
    }
    n.use("lookup_rows");
    const auto begin = tables.begin() + 256 * i;
    const std::string table = n.code_array("table_" + std::to_string(i), n.stored().code(), {begin, begin + 256});
    n.call("lookup_rows(" + table + ", " + rows + ")");
  }
}

constexpr std::int32_t outside = -(1 << 30);  // as in the kernel

/// `offsets`: for each dimension of an output, and each index, where the element is in the input; `outside` for `fill`.
inline void call_indexed_copy(NodeExport& n, int output, std::vector<std::vector<std::int32_t>> offsets,
                              std::int32_t fill) {
  std::int32_t start = 0;  // from dimensions of size 1
  bool inside = true;
  std::vector<std::vector<std::int32_t>> moving;
  for (std::vector<std::int32_t>& o : offsets) {
    if (o.size() != 1) {
      moving.push_back(std::move(o));
    } else {
      inside = inside && o[0] != outside;
      start += inside ? o[0] : 0;
    }
  }
  n.require(moving.size() <= 4, "C++ source has no form of it for ", moving.size(), " dimensions");
  while (moving.size() < 4) moving.insert(moving.begin(), std::vector<std::int32_t>{0});
  for (std::int32_t& o : moving[0]) o = !inside || o == outside ? outside : o + start;
  std::vector<std::string> sizes, names;
  const std::string suffix = output == 0 ? "" : "_" + std::to_string(output);
  for (std::size_t d = 0; d < 4; ++d) {
    sizes.push_back(std::to_string(moving[d].size()));
    names.push_back(n.array("offsets_" + std::to_string(d) + suffix, moving[d]));
  }
  n.use("indexed_copy");
  const std::string shape =
      n.structure("IndexedCopy", {"{" + listed(sizes) + "}", "{" + listed(names) + "}", literal(fill)}, suffix);
  n.call("indexed_copy(" + listed({shape, n.in(), n.out(output)}) + ")");
}

/// Slices, transpositions, enlargement by repetition and the like: the executor's step moves numbers, which say where
/// each element comes from.
inline void export_moved(NodeExport& n) {
  n.require_movable(n.id(0));
  Graph numbers;  // the layer for int32 instead of codes
  numbers.rounding = n.graph().rounding;
  Node node = n.node();
  const auto copied = [&](int v, bool number) {
    Value value = n.graph().value(v);
    if (number) value.dtype = DType::i32, value.quant = {};
    return numbers.add_value(std::move(value));
  };
  std::vector<TensorRef> in, out;
  std::vector<std::int32_t> source(static_cast<std::size_t>(n.elements(n.id(0))));
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<std::int32_t>(i);
  for (int i = 0; i < n.inputs(); ++i) {
    n.require(i == 0 || (n.has(i) && n.input(i).is_constant()), "C++ source needs constant parameters");
    node.inputs[at(i)] = copied(n.id(i), i == 0);
    in.push_back(i == 0 ? TensorRef{DType::i32, n.input(0).shape, reinterpret_cast<std::byte*>(source.data())}
                        : n.input(i).constant.ref());
  }
  std::vector<std::vector<std::int32_t>> results;
  for (int i = 0; i < n.outputs(); ++i) {
    n.require_movable(n.out_id(i));
    n.require(n.stored().same(n.id(0), n.out_id(i)), "input and output have to share one scale");
    node.outputs[at(i)] = copied(n.out_id(i), true);
    results.emplace_back(static_cast<std::size_t>(n.elements(n.out_id(i))));
  }
  for (int i = 0; i < n.outputs(); ++i)
    out.push_back({DType::i32, n.output(i).shape, reinterpret_cast<std::byte*>(results[at(i)].data())});
  run_layer(n, PrepareContext(numbers, node, detail::kernels()), in, out);
  for (int i = 0; i < n.outputs(); ++i) {
    const std::vector<std::int32_t>& r = results[at(i)];
    if (r.empty()) continue;
    const Shape& y = n.output(i).shape;
    std::vector<std::vector<std::int32_t>> offsets;
    for (int d = 0; d < y.rank(); ++d) {
      offsets.emplace_back();
      for (std::int64_t k = 0; k < y[d]; ++k)
        offsets.back().push_back(r[static_cast<std::size_t>(k * y.product(d + 1, y.rank()))] - r[0]);
    }
    for (std::size_t k = 0; k < r.size(); ++k) {
      std::int32_t sum = r[0];
      for (int d = 0; d < y.rank(); ++d)
        sum +=
            offsets[at(d)][static_cast<std::size_t>(static_cast<std::int64_t>(k) / y.product(d + 1, y.rank()) % y[d])];
      n.require(sum == r[k], "C++ source has no form of it");
    }
    offsets.insert(offsets.begin(), std::vector<std::int32_t>{r[0]});
    call_indexed_copy(n, i, std::move(offsets), 0);
  }
}

inline void export_resize(NodeExport& n) {
  n.require(static_cast<const Resize&>(n.op()).mode == ResizeMode::nearest,
            "C++ source has no form of it that interpolates, only the nearest pixel");
  export_moved(n);
}

inline void export_pad(NodeExport& n) {
  const auto& op = static_cast<const Pad&>(n.op());
  if (op.mode != PadMode::constant) return export_moved(n);
  n.require_codes(n.id(0));
  n.require_codes(n.out_id());
  n.require(n.stored().same(n.id(0), n.out_id()), "input and output have to share one scale");
  const Shape &x = n.input(0).shape, &y = n.output().shape;
  std::vector<std::vector<std::int32_t>> offsets;
  for (int d = 0; d < x.rank(); ++d) {
    offsets.emplace_back();
    for (std::int64_t k = 0; k < y[d]; ++k) {
      const std::int64_t i = k - op.before[at(d)];
      offsets.back().push_back(i < 0 || i >= x[d] ? outside
                                                  : static_cast<std::int32_t>(i * x.product(d + 1, x.rank())));
    }
  }
  std::byte code{};
  store_element(n.input(0).dtype, &code, 0, code_of(op.value, n.input(0).quant));
  call_indexed_copy(n, 0, std::move(offsets),
                    static_cast<std::int32_t>(load_element(n.input(0).dtype, &code, 0)) + n.stored().shift(n.id(0)));
}

}  // namespace detail::cpp
OCTET_END
