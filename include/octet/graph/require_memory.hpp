#pragma once
#include "../core/any_tensor.hpp"
#include "graph.hpp"

/// Errors for sizes that the system cannot give, before tables for them are filled: that would take long, and end in an
/// error that names no layer.
OCTET_BEGIN
namespace detail {

/// Smaller blocks are not tried.
constexpr std::size_t large_block = std::size_t{1} << 30;

/// Throws Error if a result that is larger than the inputs together cannot be allocated.
inline void require_memory(const Node& n, const std::vector<TensorRef>& inputs, const std::vector<TensorRef>& outputs) {
  std::size_t given = 0;
  for (const TensorRef& t : inputs)
    if (t.dtype != DType::none) given += t.size_bytes();
  for (const TensorRef& t : outputs)
    require(t.size_bytes() <= std::max(given, large_block) || AlignedBytes::available(t.size_bytes()), "layer '",
            n.name, "' (", n.op->type(), "): cannot allocate ", t.size_bytes(), " bytes for a result of the shape ",
            t.shape);
}

/// Throws Error if the tables of a layer cannot be allocated: `each` bytes for each of so many places.
inline void require_tables(const std::string& layer, std::int64_t places, std::size_t each) {
  const std::size_t size = static_cast<std::size_t>(places) * each;
  require(size <= large_block || AlignedBytes::available(size), "layer '", layer, "': cannot allocate ", size,
          " bytes for tables of ", places, " places");
}

}  // namespace detail
OCTET_END
