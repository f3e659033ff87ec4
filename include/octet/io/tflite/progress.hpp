#pragma once
#include <optional>
#include <unordered_map>

#include "../../graph/graph.hpp"
#include "sizes.hpp"
#include "tensors.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// The graph as it grows, and what each tensor of the model became.
struct Progress {
  TensorReader tensors;
  Graph graph;
  std::vector<int> values;                  // of each tensor in the graph, or none
  std::vector<std::int64_t> half;           // constant of 16-bit floats that a tensor is the float form of, or -1
  std::vector<std::optional<Sizes>> sizes;  // of tensors that are computed from sizes
  std::unordered_map<std::string, std::size_t> names;  // and how many were called like it

  explicit Progress(TensorReader reader)
      : tensors(std::move(reader)),
        values(tensors.size(), Node::none),
        half(tensors.size(), -1),
        sizes(tensors.size()) {}

  /// The name, or one like it where it is taken.
  std::string unique(const std::string& name) {
    tensors.spend(name.size());
    std::string other = name;
    while (names.count(other)) other = name + "#" + std::to_string(++names[name]);
    names.emplace(other, 1);
    return other;
  }
  bool written(std::int64_t tensor) const {
    const auto t = static_cast<std::size_t>(tensors.checked(tensor));
    return values[t] != Node::none || half[t] >= 0 || sizes[t];
  }
};

}  // namespace detail::tflite
OCTET_END
