#pragma once
#include "../operators/all.hpp"
#include "table.hpp"

/// Descriptions of layers for tables and charts.
OCTET_BEGIN
namespace detail {

/// For example "3x3", or "3x3/2" with stride 2.
inline std::string window_text(const Window& w) {
  const auto text = [](const std::vector<std::int64_t>& sizes, bool all) {
    std::string t;
    const bool same = std::adjacent_find(sizes.begin(), sizes.end(), std::not_equal_to<>()) == sizes.end();
    for (std::size_t i = 0; i < (same && !all ? std::min<std::size_t>(1, sizes.size()) : sizes.size()); ++i)
      t += (i ? "x" : "") + std::to_string(sizes[i]);
    return t;
  };
  const std::string stride = text(w.strides, false);
  return text(w.kernel, true) + (stride == "1" ? "" : "/" + stride);
}

inline std::string unary_text(const Unary& u) {
  constexpr const char* names[] = {"Clip", "LeakyReLU", "Sigmoid", "HardSigmoid", "HardSwish", "SiLU",
                                   "Tanh", "ELU",       "GELU",    "Softplus",    "Exp",       "Log",
                                   "Sqrt", "Negate",    "Abs",     "Floor",       "Ceil",      "Round",
                                   "1/x",  "Erf",       "Sign",    "GELU (tanh)", "1/sqrt"};
  static_assert(std::size(names) == static_cast<std::size_t>(UnaryKind::last) + 1);
  if (u.kind == UnaryKind::clip && u.a == 0) {
    if (std::isinf(u.b)) return "ReLU";
    if (u.b == 6) return "ReLU6";
  }
  return names[static_cast<std::size_t>(u.kind)];
}

inline std::string binary_text(BinaryKind kind) {
  constexpr const char* names[] = {
      "Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "Less", "Less or equal", "Greater", "Greater or equal", "Equal"};
  static_assert(std::size(names) == static_cast<std::size_t>(BinaryKind::last) + 1);
  return names[static_cast<std::size_t>(kind)];
}

inline std::string reduce_text(ReduceKind kind) {
  constexpr const char* names[] = {"Mean", "Sum", "Max", "Min", "Product", "L2 norm"};
  static_assert(std::size(names) == static_cast<std::size_t>(ReduceKind::last) + 1);
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace detail

/// A short description of a layer: "Conv 3x3/2" (stride 2), "Depthwise 3x3", "ReLU6", "Add".
inline std::string layer_kind(const Graph& g, const Node& n) {
  using namespace detail;
  const Operator& op = *n.op;
  if (const auto* c = as<Convolution>(op)) {
    const bool depthwise = c->groups > 1 && g.value(n.inputs[1]).shape[0] == c->groups;
    const std::string groups = c->groups > 1 && !depthwise ? " g" + std::to_string(c->groups) : "";
    return (depthwise ? "Depthwise " : "Conv ") + window_text(c->window) + groups;
  }
  if (const auto* p = as<MaxPool>(op)) return "MaxPool " + window_text(p->window);
  if (const auto* p = as<AveragePool>(op)) return "AvgPool " + window_text(p->window);
  if (const auto* u = as<Unary>(op)) return unary_text(*u);
  if (const auto* b = as<Binary>(op)) return binary_text(b->kind);
  if (const auto* r = as<Reduce>(op)) return reduce_text(r->kind);
  if (as<FullyConnected>(op)) return "Dense";
  if (as<BatchNormalization>(op)) return "BatchNorm";
  return op.type();
}

/// Names for a table: the first of the names that TensorFlow joins with ';', without the leading folders (up to '/')
/// that all names with a '/' share.
inline std::vector<std::string> short_names(std::vector<std::string> names) {
  std::string shared;
  bool first = true;
  for (std::string& n : names) {
    n = n.substr(0, n.find(';'));
    const std::string folder = n.substr(0, n.rfind('/') + 1);  // npos + 1 is 0
    if (folder.empty()) continue;
    if (first) shared = folder;
    first = false;
    const std::size_t most = std::min(shared.size(), folder.size());
    const auto same = std::mismatch(shared.begin(), shared.begin() + static_cast<std::ptrdiff_t>(most), folder.begin());
    shared.erase(same.first, shared.end());
    shared.erase(shared.rfind('/') + 1);
  }
  for (std::string& n : names)
    if (n.compare(0, shared.size(), shared) == 0) n.erase(0, shared.size());
  return names;
}

OCTET_END
