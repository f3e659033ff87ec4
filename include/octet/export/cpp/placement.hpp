#pragma once
#include "../../runtime/memory_plan.hpp"
#include "../../runtime/share_memory.hpp"
#include "node_export.hpp"

OCTET_BEGIN
namespace detail::cpp {

/// Where a value is while the program runs.
struct Place {
  enum class Home : std::uint8_t { arena, constant, input, output };
  Home home = Home::arena;
  std::size_t at = 0;  // offset in the arena, or index of the input or output
  int root = 0;        // the value whose memory it shares: itself, unless it is a view or computed in place
};

struct Places {
  std::vector<Place> all;            // one per value
  std::vector<std::size_t> scratch;  // per layer: the offset of its scratch memory in the arena
  std::size_t arena_bytes = 0;
  const Place& operator[](int v) const { return all[at(all[at(v)].root)]; }
};

/// Plans the memory as the executor does, except that a view of a result is written to the caller's memory directly.
inline Places place_values(const Graph& g, const StoredValues& stored, const std::vector<LayerText>& layers) {
  using Home = Place::Home;
  constexpr std::size_t alignment = 16;
  const int end = static_cast<int>(layers.size());
  Places p;
  p.all.resize(g.values.size());
  std::vector<int> first_use(g.values.size(), end), last_use(g.values.size(), -1);
  std::vector<std::size_t> bytes(g.values.size());
  for (std::size_t v = 0; v < g.values.size(); ++v) {
    if (g.values[v].is_constant()) p.all[v].home = Home::constant;
    bytes[v] = g.values[v].is_constant() ? 0 : stored.bytes(static_cast<int>(v));
  }
  for (std::size_t i = g.inputs.size(); i-- > 0;) p.all[at(g.inputs[i])] = {Home::input, i, 0};
  for (std::size_t i = 0; i < g.outputs.size(); ++i) {
    Place& place = p.all[at(g.outputs[i])];
    if (place.home == Home::arena) place = {Home::output, i, 0};
    last_use[at(g.outputs[i])] = end;
  }
  for (int i = 0; i < end; ++i) {
    for (int v : g.nodes[at(i)].inputs)
      if (v != Node::none) last_use[at(v)] = std::max(last_use[at(v)], i);
    for (int v : g.nodes[at(i)].outputs) {
      first_use[at(v)] = i;
      last_use[at(v)] = std::max(last_use[at(v)], i);
    }
  }

  struct Facts {
    const LayerText& layer;
    bool is_view() const noexcept { return layer.is_view(); }
    bool can_overwrite(int i) const noexcept { return layer.can_overwrite_input(i); }
  };
  const std::vector<int> roots = share_memory(
      g, bytes, last_use, [&](int i) { return Facts{layers[at(i)]}; },
      [&](int v) { return p.all[at(v)].home == Home::arena; });
  for (std::size_t v = 0; v < roots.size(); ++v) p.all[v].root = roots[v];
  for (std::size_t i = 0; i < g.outputs.size(); ++i) {
    const int v = g.outputs[i], root = roots[at(v)];
    if (root != v && p.all[at(root)].home == Home::arena && bytes[at(root)] == bytes[at(v)])
      p.all[at(root)] = {Home::output, i, root};
  }
  std::vector<Lifetime> buffers;
  std::vector<int> owners;
  for (std::size_t v = 0; v < g.values.size(); ++v)
    if (p.all[v].root == static_cast<int>(v) && p.all[v].home == Home::arena && first_use[v] < end) {
      buffers.push_back({bytes[v], first_use[v], last_use[v]});
      owners.push_back(static_cast<int>(v));
    }
  for (int i = 0; i < end; ++i)
    if (const std::size_t scratch = layers[at(i)].scratch_bytes; scratch > 0) {
      buffers.push_back({scratch, i, i});
      owners.push_back(-1 - i);
    }
  const MemoryPlan plan = plan_memory(buffers, alignment);
  p.scratch.resize(layers.size());
  for (std::size_t b = 0; b < buffers.size(); ++b)
    (owners[b] < 0 ? p.scratch[at(-1 - owners[b])] : p.all[at(owners[b])].at) = plan.offsets[b];
  p.arena_bytes = plan.bytes;
  return p;
}

}  // namespace detail::cpp
OCTET_END
