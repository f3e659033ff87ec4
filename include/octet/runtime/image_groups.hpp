#pragma once
#include <algorithm>
#include <vector>

#include "../graph/graph.hpp"

OCTET_BEGIN
namespace detail {

/// Bytes that layers read and write.
struct LayerTraffic {
  std::size_t most = 0;     // of one layer, without constants; 0 if images (elements of the first dimension) depend on
                            // each other
  std::size_t all = 0;      // of all layers, likewise
  std::size_t weights = 0;  // of all constants
};

/// `shapes`: of all values, for several images.
inline LayerTraffic layer_traffic(const Graph& g, const std::vector<Shape>& shapes, std::int64_t images) {
  LayerTraffic t;
  std::vector<bool> weighed(g.values.size());
  for (const Node& n : g.nodes) {
    if (!n.op->by_image(g.shape_context(n, &shapes))) return {};
    std::size_t sum = 0;
    for (const std::vector<int>* list : {&n.inputs, &n.outputs})
      for (int v : *list) {
        if (v == Node::none) continue;
        const auto i = static_cast<std::size_t>(v);
        const Value& value = g.values[i];
        if (value.is_constant()) {
          if (!weighed[i]) t.weights += value.constant.size_bytes();
          weighed[i] = true;
          continue;
        }
        if (shapes[i].empty() || shapes[i][0] != images || value.quant.per_channel()) return {};
        sum += TensorRef{value.dtype, shapes[i], nullptr}.size_bytes();
      }
    t.most = std::max(t.most, sum);
    t.all += sum;
  }
  return t;
}

/// Whether the shapes of all results are the same for another number of images, but for that number.
inline bool same_but_images(const Graph& g, std::vector<Shape> inputs, std::vector<Shape> expected,
                            std::int64_t images) {
  for (Shape& s : inputs) s[0] = images;
  for (std::size_t v = 0; v < g.values.size(); ++v)
    if (!g.values[v].is_constant() && !expected[v].empty()) expected[v][0] = images;
  return g.infer_shapes(inputs) == expected;
}

/// In how many equal groups, one after another, the images of a batch should be computed, so that the cache holds what
/// layers read and write. 1 if the results of an image depend on other images, or if reading the weights again for each
/// group takes more than that saves.
inline std::int64_t image_groups(const Graph& g, const std::vector<Shape>& inputs, std::size_t cache = 1 << 20) {
  const std::int64_t images = inputs.empty() || inputs[0].empty() ? 1 : inputs[0][0];
  if (images < 2) return 1;
  for (const Shape& s : inputs)
    if (s.empty() || s[0] != images) return 1;
  for (int v : g.outputs)
    if (g.value(v).is_constant()) return 1;
  const std::vector<Shape> shapes = g.infer_shapes(inputs);
  const LayerTraffic t = layer_traffic(g, shapes, images);
  std::int64_t groups = 1;
  while (groups < images && (images % groups != 0 || t.most / static_cast<std::size_t>(groups) > cache)) ++groups;
  const bool pays = t.all > static_cast<std::size_t>(groups - 1) * t.weights;
  return groups > 1 && pays && same_but_images(g, inputs, shapes, images / groups) ? groups : 1;
}

}  // namespace detail
OCTET_END
