#pragma once
#include "../../../operators/pooling/average_pool.hpp"
#include "../../../operators/pooling/max_pool.hpp"
#include "weights.hpp"
#include "window.hpp"

OCTET_BEGIN
namespace detail::onnx {

inline void export_max_pool(NodeExport& n) {
  const auto& p = static_cast<const MaxPool&>(n.op());
  Attributes a = window_attributes(n, p.window);
  if (p.window.ceil_mode) a.integer("ceil_mode", 1);
  if (p.indices && p.columns_first) a.integer("storage_order", 1);
  n.whole_node("MaxPool", {n.real(0, n.images())},
               std::vector<Order>(static_cast<std::size_t>(n.outputs()), n.images()), a);
}

inline void export_average_pool(NodeExport& n) {
  const auto& p = static_cast<const AveragePool&>(n.op());
  Attributes a = window_attributes(n, p.window, p.window.dilated());
  if (p.window.ceil_mode) a.integer("ceil_mode", 1);
  if (p.include_padding) a.integer("count_include_pad", 1);
  // ONNX Runtime's pool of integers has no dilations, and counts what is beyond the padding.
  const bool in_float = p.window.dilated() || (p.include_padding && p.window.ceil_mode);
  const std::string x = n.real(0, n.images());
  n.node("AveragePool", {in_float ? kept_float(n, x) : x}, n.images(), a);
}

}  // namespace detail::onnx
OCTET_END
