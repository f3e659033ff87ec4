#pragma once
#include "../graph/graph.hpp"
#include "../graph/step.hpp"
#include "memory_plan.hpp"
#include "share_memory.hpp"

OCTET_BEGIN
namespace detail {

/// The memory of each value of a graph while it runs.
struct Placement {
  enum class Home : std::uint8_t { arena, constant, input, output };  // the last two: the caller's memory
  struct Place {
    Home home = Home::arena;
    int root = 0;            // value whose memory it shares: itself, unless it is a view or computed in place
    std::size_t offset = 0;  // in the arena
  };
  std::vector<Place> places;  // one per value
  std::size_t scratch_offset = 0, arena_bytes = 0;

  const Place& operator[](int v) const {
    return places[static_cast<std::size_t>(places[static_cast<std::size_t>(v)].root)];
  }
};

/// Lets views and in-place results share the memory of their inputs and plans one arena for all other values. `bytes`:
/// the size of each value; `steps`: the prepared and planned steps of the nodes.
inline Placement place_values(const Graph& graph, const std::vector<const Step*>& steps,
                              const std::vector<std::size_t>& bytes, std::size_t scratch_bytes) {
  using Home = Placement::Home;
  const int end = static_cast<int>(steps.size());
  Placement p;
  p.places.resize(graph.values.size());
  std::vector<int> first_use(graph.values.size(), end), last_use(graph.values.size(), -1);
  for (std::size_t v = 0; v < graph.values.size(); ++v)
    if (graph.values[v].is_constant()) p.places[v].home = Home::constant;
  for (int v : graph.inputs) p.places[at(v)].home = Home::input;
  for (int v : graph.outputs) {
    if (p.places[at(v)].home == Home::arena) p.places[at(v)].home = Home::output;
    last_use[at(v)] = end;
  }
  for (int i = 0; i < end; ++i) {
    for (int v : graph.nodes[at(i)].inputs)
      if (v != Node::none) last_use[at(v)] = std::max(last_use[at(v)], i);
    for (int v : graph.nodes[at(i)].outputs) {
      first_use[at(v)] = i;
      last_use[at(v)] = std::max(last_use[at(v)], i);
    }
  }

  const std::vector<int> roots = share_memory(
      graph, bytes, last_use, [&](int i) -> const Step& { return *steps[at(i)]; },
      [&](int v) { return p.places[at(v)].home == Home::arena; });
  for (std::size_t v = 0; v < roots.size(); ++v) p.places[v].root = roots[v];

  std::vector<Lifetime> buffers{{scratch_bytes, 0, end}};
  std::vector<int> owners{Node::none};
  for (std::size_t v = 0; v < graph.values.size(); ++v)
    if (p.places[v].root == static_cast<int>(v) && p.places[v].home == Home::arena && first_use[v] < end) {
      buffers.push_back({bytes[v], first_use[v], last_use[v]});
      owners.push_back(static_cast<int>(v));
    }
  const MemoryPlan plan = plan_memory(buffers);
  for (std::size_t b = 1; b < buffers.size(); ++b) p.places[at(owners[b])].offset = plan.offsets[b];
  p.scratch_offset = plan.offsets[0];
  p.arena_bytes = plan.bytes;
  return p;
}

}  // namespace detail
OCTET_END
