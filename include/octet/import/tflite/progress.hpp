#pragma once
#include <optional>
#include <unordered_map>

#include "../../graph/graph.hpp"
#include "sizes.hpp"
#include "tensors.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// A value that SPACE_TO_BATCH_ND made of `source`.
struct SpaceToBatch {
  int source = Node::none;
  std::vector<std::int64_t> block, before, after;
};

/// The graph under construction, and the imported form of each tensor of the model.
struct Progress {
  TensorReader tensors;
  Graph graph;
  std::vector<int> values;                  // value of the graph for each tensor, or none
  std::vector<std::int64_t> half;           // for each tensor: the 16-bit float constant it is converted from, or -1
  std::vector<std::optional<Sizes>> sizes;  // of tensors that are computed from sizes
  std::unordered_map<int, SpaceToBatch> batches;       // by value of the graph
  std::unordered_map<std::string, std::size_t> names;  // base names, and how often each was used

  explicit Progress(TensorReader reader)
      : tensors(std::move(reader)),
        values(tensors.size(), Node::none),
        half(tensors.size(), -1),
        sizes(tensors.size()) {}

  /// The name, with a suffix if it is already in use.
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
