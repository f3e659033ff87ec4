#pragma once
#include <map>

#include "../../operators/convolution/convolution.hpp"
#include "../../operators/convolution/transposed_convolution.hpp"
#include "../../operators/pooling/average_pool.hpp"
#include "../../operators/pooling/max_pool.hpp"
#include "../../operators/shape/views.hpp"
#include "../../passes/rewrite.hpp"

/// Layers over rows [N, W, C], which TFLite does not have: they become layers over images with a height of 1.
OCTET_BEGIN
namespace detail::tflite {

inline void add_height(std::vector<std::int64_t>& sizes, std::int64_t height) {
  if (!sizes.empty()) sizes.insert(sizes.begin(), height);
}

inline void add_height(Window& w) {
  add_height(w.kernel, 1);
  add_height(w.strides, 1);
  add_height(w.dilations, 1);
  add_height(w.pads_before, 0);
  add_height(w.pads_after, 0);
}

/// The same operator with a window of height 1, if it is an Op over rows; else null.
template <class Op>
OperatorPtr image_form_of(const Operator& op) {
  const Op* rows = as<Op>(op);
  if (!rows || rows->window.rank() != 1) return nullptr;
  Op r = *rows;
  add_height(r.window);
  if constexpr (std::is_same_v<Op, TransposedConvolution>) {
    add_height(r.output_padding, 0);
    add_height(r.output_size, 1);
  }
  return make_operator(std::move(r));
}

inline OperatorPtr image_form(const Operator& op) {
  for (const auto form : {image_form_of<Convolution>, image_form_of<TransposedConvolution>, image_form_of<MaxPool>,
                          image_form_of<AveragePool>})
    if (OperatorPtr r = form(op)) return r;
  return nullptr;
}

inline Graph rows_as_images(Graph g) {
  std::vector<Node> nodes = std::move(g.nodes);
  g.nodes.clear();
  std::map<int, int> images;  // of rows
  const auto twin = [&](int v) {
    Value t = g.value(v);
    t.name += "/image";
    t.shape.insert(1, 1);
    if (t.quant.axis > 0) ++t.quant.axis;
    if (t.is_constant()) t.constant = t.constant.reshaped(t.shape);
    return g.add_value(std::move(t));
  };
  const auto image_of = [&](int v) {
    if (const auto known = images.find(v); known != images.end()) return known->second;
    const int image = twin(v);
    images.emplace(v, image);
    if (!g.value(v).is_constant())
      g.nodes.push_back({g.value(image).name, make_operator(Unsqueeze({1})), {v}, {image}});
    return image;
  };
  for (Node& n : nodes) {
    const OperatorPtr op = n.outputs.size() == 1 ? image_form(*n.op) : nullptr;
    if (op) {
      for (int& v : n.inputs)
        if (v != Node::none && g.value(v).shape.rank() == 3) v = image_of(v);
      const int rows = n.outputs[0], image = twin(rows);
      images.emplace(rows, image);
      g.nodes.push_back({n.name, op, n.inputs, {image}});
      n = {n.name + "/rows", make_operator(Squeeze({1})), {image}, {rows}};
    }
    g.nodes.push_back(std::move(n));
  }
  g.remove_unused();
  return g;
}

}  // namespace detail::tflite
OCTET_END
