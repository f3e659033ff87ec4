#pragma once
#include "../../../core/aligned_bytes.hpp"
#include "../../../graph/lost_numbers.hpp"
#include "../../../graph/step.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::cpp {

/// Runs the executor's step of a layer on these tensors. Throws FormatError where the executor would report a lost
/// number.
inline void run_layer(NodeExport& n, const PrepareContext& c, const std::vector<TensorRef>& in,
                      const std::vector<TensorRef>& out) {
  const std::unique_ptr<Step> step = n.op().prepare(c);
  AlignedBytes scratch(step->plan({in, out, 1}));
  ThreadPool pool(1);
  LostNumbers lost;
  if (step->is_view()) {
    std::copy(in[0].data, in[0].data + in[0].size_bytes(), out[0].data);
    return;
  }
  step->run({in, out, scratch.data(), &pool, &lost});
  n.require(!lost.any(), "has no finite result for some input, which C++ source cannot report");
}

/// The table of a layer that computes each element from one code: bytes as stored, by bytes as stored. `input`: the one
/// that is not constant.
inline std::vector<std::uint8_t> code_table(NodeExport& n, int input) {
  Shape shape;
  for (int d = 0; d < std::max(n.rank(input), 1); ++d) shape.push_back(d + 1 == std::max(n.rank(input), 1) ? 256 : 1);
  std::vector<std::byte> codes(256), results(256);
  const int in_flip = n.stored().shift(n.id(input)) != 0 ? 128 : 0,
            out_flip = n.stored().shift(n.out_id()) != 0 ? 128 : 0;
  for (int q = 0; q < 256; ++q) codes[static_cast<std::size_t>(q)] = static_cast<std::byte>(q ^ in_flip);
  std::vector<TensorRef> in;
  for (int i = 0; i < n.inputs(); ++i)
    in.push_back(i == input ? TensorRef{n.input(i).dtype, shape, codes.data()} : n.input(i).constant.ref());
  run_layer(n, n.context(), in, {TensorRef{n.output().dtype, shape, results.data()}});
  std::vector<std::uint8_t> table;
  for (std::byte b : results) table.push_back(static_cast<std::uint8_t>(std::to_integer<int>(b) ^ out_flip));
  return table;
}

}  // namespace detail::cpp
OCTET_END
