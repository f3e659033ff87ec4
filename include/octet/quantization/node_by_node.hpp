#pragma once
#include <functional>
#include <map>
#include <numeric>

#include "../kernels/half.hpp"
#include "../runtime/executor.hpp"
#include "quantize.hpp"

OCTET_BEGIN
namespace detail {

/// Runs a float model on several inputs, node by node: all of them through one node before the next. So a node can get
/// other constants, chosen by what it reads, before the nodes after it run. Each node runs once for each input. Tensors
/// that later nodes read are kept; while those of all inputs would take more than `budget` bytes, only the first inputs
/// are run. The others follow as soon as they can stay, each through all nodes that are done.
class NodeByNode {
 public:
  using Tensors = std::map<int, AnyTensor>;  // by value
  /// Changes the tensors that a node reads or has written, in place.
  using Round = std::function<void(const Node&, int value, Tensor<float>&)>;

  /// References must outlive the object. `round` may be empty.
  NodeByNode(const Graph& g, const std::vector<Tensor<float>>& images, const ExecutorOptions& options,
             std::int64_t budget, Round round = {})
      : g_(g), options_(options), round_(std::move(round)), last_use_(g.values.size(), 0) {
    for (std::size_t n = 0; n < g.nodes.size(); ++n)
      for (int v : g.nodes[n].inputs)
        if (v != Node::none) last_use_[static_cast<std::size_t>(v)] = n;
    for (const Tensor<float>& image : images) images_.push_back({{{g.inputs[0], image}}, 0});
    options_.optimize = false;
    count_running(images, budget);
  }

  /// How many images, from the first on, are run up to node `at`: at least one. It never falls from node to node.
  std::int64_t running(std::size_t at) const { return running_[at]; }

  /// Calls see(image, tensors) for the images that are run, where the tensors are those that node `at` reads. The nodes
  /// before it have to be done.
  template <class See>
  void inspect(std::size_t at, See see) {
    for (std::int64_t i = 0; i < running(at); ++i) {
      Image& image = images_[static_cast<std::size_t>(i)];
      for (; image.done < done_.size(); ++image.done) run(done_[image.done], image);
      see(i, image.tensors);
    }
    if (running(at) < static_cast<std::int64_t>(images_.size())) return;
    for (Done& d : done_) d.executor.reset();
  }

  /// Node `at` is done, after all those before it: it computes with these constants in place of those of the model.
  void add(std::size_t at, const std::map<int, AnyTensor>& constants = {}) {
    const Node& n = g_.nodes[at];
    Graph one;
    one.name = g_.name;
    std::vector<int> in;
    for (int v : n.inputs) {
      const auto found = constants.find(static_cast<int>(in.size()));
      if (found != constants.end())
        in.push_back(one.add_constant(concat("constant ", in.size()), found->second));
      else if (v == Node::none)
        in.push_back(Node::none);
      else if (g_.value(v).is_constant())
        in.push_back(one.add_constant(g_.value(v).name, g_.value(v).constant));
      else
        in.push_back(one.add_input(concat("input ", in.size()), g_.value(v).shape, g_.value(v).dtype));
    }
    Done p{&n, {}, nullptr};
    for (int v : n.inputs)
      if (v != Node::none && !g_.value(v).is_constant()) p.inputs.push_back(v);
    std::vector<std::string> names;
    for (int v : n.outputs) names.push_back(g_.value(v).name);
    const int first = one.add(n.name, n.op, in, names);
    for (std::size_t o = 0; o < names.size(); ++o) one.outputs.push_back(first + static_cast<int>(o));
    p.executor = std::make_unique<Executor>(one, options_);
    done_.push_back(std::move(p));
  }

 private:
  struct Image {
    Tensors tensors;   // that nodes from `done` on read
    std::size_t done;  // number of nodes that have run
  };
  struct Done {
    const Node* node;
    std::vector<int> inputs;
    std::unique_ptr<Executor> executor;  // empty if all images have run
  };

  /// The bytes of the tensors of an image that have to be kept before each node, or before a later one if there they
  /// are more. Without those whose size depends on the data.
  std::vector<std::int64_t> most_kept(const Shape& image) const {
    const std::vector<Shape> shapes = g_.infer_shapes({image});
    std::vector<std::int64_t> bytes(g_.nodes.size() + 1, 0);  // first the change before each node
    const auto keep = [&](int v, std::size_t from) {
      const Shape& s = shapes[static_cast<std::size_t>(v)];
      const std::size_t size_bytes = s.known() ? octet::bytes(g_.value(v).dtype, s.elements()) : 0;
      const auto size = static_cast<std::int64_t>(size_bytes);
      const std::size_t to = last_use_[static_cast<std::size_t>(v)] + 1;
      if (to <= from) return;
      bytes[from] += size;
      bytes[to] -= size;
    };
    keep(g_.inputs[0], 0);
    for (std::size_t n = 0; n < g_.nodes.size(); ++n)
      for (int v : g_.nodes[n].outputs) keep(v, n + 1);
    std::partial_sum(bytes.begin(), bytes.end(), bytes.begin());
    for (std::size_t n = g_.nodes.size(); n-- > 0;) bytes[n] = std::max(bytes[n], bytes[n + 1]);
    return bytes;
  }

  void count_running(const std::vector<Tensor<float>>& images, std::int64_t budget) {
    running_.assign(g_.nodes.size() + 1, 0);
    std::vector<std::int64_t> sum(running_.size(), 0), of_one;
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (i == 0 || images[i].shape() != images[i - 1].shape()) of_one = most_kept(images[i].shape());
      for (std::size_t n = 0; n < sum.size(); ++n) {
        sum[n] += of_one[n];
        if (i == 0 || sum[n] <= budget) running_[n] = static_cast<std::int64_t>(i + 1);
      }
    }
  }

  /// Runs the next node of an image, and drops what no later one reads.
  void run(const Done& d, Image& image) const {
    std::vector<AnyTensor> in;
    for (int v : d.inputs) in.push_back(rounded_tensor(*d.node, v, image.tensors.at(v)));
    const std::vector<AnyTensor> out = d.executor->run(in);
    for (std::size_t o = 0; o < out.size(); ++o) {
      const int v = d.node->outputs[o];
      image.tensors[v] = rounded_tensor(*d.node, v, out[o]);
    }
    for (auto entry = image.tensors.begin(); entry != image.tensors.end();)
      entry = last_use_[static_cast<std::size_t>(entry->first)] <= image.done ? image.tensors.erase(entry)
                                                                              : std::next(entry);
  }
  AnyTensor rounded_tensor(const Node& n, int v, const AnyTensor& x) const {
    if (!round_ || x.dtype() != DType::f32) return x;
    Tensor<float> copy = to_float(x.ref());
    round_(n, v, copy);
    return copy;
  }

  const Graph& g_;
  ExecutorOptions options_;
  const Round round_;
  std::vector<std::size_t> last_use_;  // of each value
  std::vector<std::int64_t> running_;  // before each node
  std::vector<Image> images_;
  std::vector<Done> done_;  // the nodes that are done
};

}  // namespace detail
OCTET_END
