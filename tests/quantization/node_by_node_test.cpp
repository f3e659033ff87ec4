#include <octet/models/builder.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/quantization/node_by_node.hpp>

#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

constexpr int images = 6;

/// Wide tensors first, narrow ones later: of 8 x 8 x 16, 8 x 8 x 4, 8 x 8 x 16, 4 x 4 x 8 and 4 x 4 x 4 elements.
Model net() {
  detail::NetworkBuilder b("net", 8, 3, 3);
  b.conv("a", 16, 3, 1, 1).conv("b", 4, 1, 1, 0).conv("c", 16, 1, 1, 0).conv("d", 8, 3, 2, 1).conv("e", 4, 1, 1, 0);
  return b.finish();
}

struct Seen {
  std::vector<std::int64_t> running;             // at each node
  std::vector<std::vector<Tensor<float>>> read;  // by each node, of each image
  std::map<std::string, int> runs;               // of each node
};

Seen walk(const Graph& g, const std::vector<Tensor<float>>& inputs, std::int64_t budget) {
  Seen seen;
  detail::NodeByNode nodes(g, inputs, {}, budget, [&](const Node& n, int v, Tensor<float>&) {
    if (v == n.outputs[0]) ++seen.runs[n.name];
  });
  for (std::size_t n = 0; n < g.nodes.size(); ++n) {
    seen.running.push_back(nodes.running(n));
    seen.read.emplace_back();
    nodes.inspect(n, [&](std::int64_t image, const detail::NodeByNode::Tensors& t) {
      CHECK(image == static_cast<std::int64_t>(seen.read[n].size()));
      seen.read[n].push_back(detail::to_float(t.at(g.nodes[n].inputs[0]).ref()));
    });
    nodes.add(n);
  }
  return seen;
}

}  // namespace

TEST_CASE("node by node: each node runs once for each image, whatever the memory") {
  const OptimizedModel g = optimize(net());
  std::vector<Tensor<float>> inputs;
  for (unsigned i = 0; i < images; ++i) inputs.push_back(random_tensor({1, 8, 8, 3}, i + 1));
  const Seen all = walk(g, inputs, std::int64_t{1} << 30);
  CHECK(all.running == std::vector<std::int64_t>(g.nodes.size(), images));
  constexpr std::int64_t wide = 4 * 8 * 8 * 16, narrow = 4 * 4 * 4 * 8;
  for (const std::int64_t budget : {std::int64_t{0}, 2 * wide + 100, 5 * wide, 6 * wide - 1}) {
    CAPTURE(budget);
    const Seen some = walk(g, inputs, budget);
    for (const auto& entry : some.runs) {
      CAPTURE(entry.first);
      CHECK(entry.second <= images);
    }
    const std::int64_t first = std::max<std::int64_t>(1, budget / wide);
    const std::int64_t last = std::max<std::int64_t>(1, std::min<std::int64_t>(images, budget / narrow));
    CHECK(some.running == std::vector<std::int64_t>{first, first, first, first, last});
    CHECK(some.runs.at("a") == last);
    CHECK(some.runs.at("c") == last);
    for (std::size_t n = 0; n < some.read.size(); ++n) {
      CAPTURE(n);
      REQUIRE(static_cast<std::int64_t>(some.read[n].size()) == some.running[n]);
      for (std::size_t i = 0; i < some.read[n].size(); ++i)
        CHECK(std::equal(some.read[n][i].begin(), some.read[n][i].end(), all.read[n][i].begin(), all.read[n][i].end()));
    }
  }
}
