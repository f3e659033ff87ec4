#pragma once
#include "../kernels/dispatch.hpp"
#include "graph.hpp"
#include "lost_numbers.hpp"
#include "require_memory.hpp"

OCTET_BEGIN
namespace detail {

/// Computes a node whose inputs are all constant, on the threads of the pool. `lost`: see report_lost_number.
inline std::vector<AnyTensor> run_constant(const Graph& g, const Node& n, const std::vector<Shape>& shapes,
                                           ThreadPool& pool, LostNumbers* lost = nullptr) {
  std::vector<TensorRef> in, out;
  for (int v : n.inputs) in.push_back(v == Node::none ? TensorRef{} : g.value(v).constant.ref());
  for (std::size_t i = 0; i < shapes.size(); ++i) out.push_back({g.value(n.outputs[i]).dtype, shapes[i], nullptr});
  require_memory(n, in, out);
  std::vector<AnyTensor> results;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    results.push_back(AnyTensor::make(g.value(n.outputs[i]).dtype, shapes[i], [](std::byte*) {}));
    out[i] = results.back().ref();
  }
  PrepareOptions options;
  options.same_floats = true;
  const std::unique_ptr<Step> step = n.op->prepare(PrepareContext(g, n, kernels(), options));
  if (gives_nothing(out)) return results;
  AlignedBytes scratch(step->plan({in, out, pool.size()}));
  if (step->is_view())
    std::copy(in[0].data, in[0].data + in[0].size_bytes(), out[0].data);
  else
    step->run({in, out, scratch.data(), &pool, lost});
  return results;
}
/// On one thread.
inline std::vector<AnyTensor> run_constant(const Graph& g, const Node& n, const std::vector<Shape>& shapes,
                                           LostNumbers* lost = nullptr) {
  ThreadPool pool(1);
  return run_constant(g, n, shapes, pool, lost);
}

}  // namespace detail
OCTET_END
