#pragma once
#include "../node.hpp"
#include "../reshape_plan.hpp"
#include "run_time.hpp"

/// Reshape, Squeeze and Unsqueeze.
OCTET_BEGIN
namespace detail::onnx {

/// Computes the one unknown size from the others, and marks dimensions that do not change. Returns false if more than
/// one is unknown.
inline bool complete_targets(const NodeImport& n, const Shape& in, std::vector<Target>& out) {
  std::array<bool, Shape::max_rank> kept{};
  for (Target& t : out)
    if (t.from >= 0) {
      t.size = in[t.from];
      kept[static_cast<std::size_t>(t.from)] = true;
    }
  Shape rest, given;  // sizes on both sides, without those kept
  int unknown = -1;
  for (int d = 0; d < in.rank(); ++d) {
    if (kept[static_cast<std::size_t>(d)]) continue;
    if (in[d] == Shape::unknown)
      unknown = unknown == -1 ? d : -2;
    else
      rest.push_back(in[d]);
  }
  int open = -1;
  for (std::size_t j = 0; j < out.size(); ++j) {
    if (out[j].from >= 0) continue;
    if (out[j].size == Shape::unknown && open >= 0) return false;
    if (out[j].size == Shape::unknown)
      open = static_cast<int>(j);
    else
      given.push_back(out[j].size);
  }
  if (open >= 0) {
    Target& t = out[static_cast<std::size_t>(open)];
    const std::int64_t total = rest.elements(), known = given.elements();
    if (unknown == -1 && known > 0) {
      n.require(total % known == 0, "a tensor of shape ", in, " cannot be reshaped to the new shape");
      t.size = total / known;
    } else if (unknown >= 0 && total == known) {
      bool ordered = true;
      for (int j = 0; j < static_cast<int>(out.size()); ++j)
        if (const int from = out[static_cast<std::size_t>(j)].from; from >= 0)
          ordered = ordered && (from < unknown) == (j < open);
      if (ordered) t.from = unknown;
    }
  }
  // The first size is the batch size, which may vary even if the model has a constant.
  if (in.rank() > 0 && !out.empty() && out[0].from < 0 && out[0].size == in[0] && in[0] > 0) out[0].from = 0;
  return true;
}

/// Reshapes x with one view of its memory. Transposes it first only if its order requires that. Returns nothing if too
/// many sizes are unknown.
inline std::optional<Operand> try_reshaped(NodeImport& n, const Operand& x, std::vector<Target> out,
                                           const char* step = nullptr) {
  const Shape in = x.shape();
  if (!complete_targets(n, in, out)) return {};
  bool empty = false;
  for (std::int64_t d : in) empty = empty || d == 0;
  const bool same_type = x.source->sizes || x.source->constant.dtype() == x.dtype();
  if (x.is_constant() && same_type && !x.source->is_run_time()) {
    Shape shape;
    for (const Target& t : out) shape.push_back(t.size);
    return constant_operand(n.output_name(), n.builder.constant(x).reshaped(shape));
  }
  const ReshapePlan as_in_file{Order::identity(in.rank()), Order::identity(static_cast<int>(out.size()))};
  ReshapePlan plan = empty ? as_in_file : plan_reshape(in, x.order, out);
  Reshape op;
  op.allow_zero = empty;
  unsigned keeps = 0;
  const auto can_follow = [&] {
    op.target.clear();
    keeps = 0;
    int open = 0;
    for (int q = 0; q < plan.after.rank(); ++q) {
      const Target& t = out[static_cast<std::size_t>(plan.after[q])];
      const bool stays = !empty && t.from >= 0 && q < plan.before.rank() && plan.before[q] == t.from;
      if (stays) keeps |= 1u << q;
      if (!stays && t.size == Shape::unknown) ++open;
      op.target.push_back(stays ? 0 : t.size);
    }
    return open <= 1;
  };
  if (!can_follow()) {
    plan = as_in_file;
    if (!can_follow()) return {};
  }
  const std::vector<int> v{n.builder.value(x, plan.before)};
  const int y = step ? n.step(step, std::move(op), v, static_cast<Keeps>(keeps))
                     : n.add(std::move(op), v, static_cast<Keeps>(keeps));
  return n.builder.operand(y, plan.after, n.output_name());
}
inline Operand reshaped(NodeImport& n, const Operand& x, std::vector<Target> out, const char* step = nullptr) {
  const std::optional<Operand> y = try_reshaped(n, x, std::move(out), step);
  n.require(y.has_value(), "more than one size of the new shape is unknown (the tensor has shape ", x.shape(),
            "): ", Sizes::advice);
  return *y;
}

/// Reshapes to sizes that are known in each run.
inline void import_run_time_reshape(NodeImport& n) {
  const Operand& x = n.input(0);
  Reshape op;
  op.allow_zero = n.flag("allowzero");
  const Shape result = known_sizes(n, 1, !op.allow_zero);
  add_parametrized(n, Parametrized(std::move(op), "target", result), x, Order::identity(x.rank()),
                   {n.builder.value(n.input(1))}, Order::identity(result.rank()));
}

inline void import_reshape(NodeImport& n) {
  const Operand& x = n.input(0);
  std::optional<Sizes> sizes;
  if (n.has(1)) {
    sizes = n.sizes(1);
    if (!sizes) return import_run_time_reshape(n);
  } else {  // before operator set 5
    sizes.emplace();
    for (std::int64_t s : n.integers("shape")) sizes->entries.push_back({static_cast<double>(s), 0});
  }
  const Symbols symbols = n.builder.symbols(x);
  const bool allow_zero = n.flag("allowzero");
  std::vector<Target> out;
  int next = 0;  // dimensions that do not change stay in order
  for (const Size& s : sizes->entries) {
    Target t;
    for (int d = next; s.symbol != 0 && t.from < 0 && d < x.rank(); ++d)
      if (symbols[static_cast<std::size_t>(d)] == s.symbol) t.from = d;
    if (t.from < 0 && s.known()) {
      n.require(s.value >= -1 && s.value < 1e15, "the new shape has a size of ", s.value, ", expected at least -1");
      t.size = static_cast<std::int64_t>(s.value);
      if (t.size == 0 && !allow_zero) {
        t.from = static_cast<int>(out.size());
        n.require(t.from < x.rank() && t.from >= next, "the new shape has a size of 0 (keep) at index ", t.from,
                  ", which is not possible for ", x.shape());
      }
    }
    if (t.from >= 0) next = t.from + 1;
    out.push_back(t);
  }
  n.require(out.size() <= static_cast<std::size_t>(Shape::max_rank), "the new shape has ", out.size(),
            " dimensions, expected at most ", Shape::max_rank);
  if (const std::optional<Operand> y = try_reshaped(n, x, std::move(out))) return n.result(*y);
  n.require(is_run_time(n, 1), "more than one size of the new shape is unknown (the tensor has shape ", x.shape(),
            "): ", Sizes::advice);
  import_run_time_reshape(n);
}

/// Sets the symbols of the result: its dimension q is dimension from[q] of x, or new (-1).
inline void move_symbols(NodeImport& n, int out, const Symbols& in, const std::vector<int>& from) {
  Symbols s = n.builder.symbols(out);
  for (std::size_t q = 0; q < from.size(); ++q)
    if (from[q] >= 0) s[q] = in[static_cast<std::size_t>(from[q])];
  n.builder.set_symbols(out, s);
}

inline void import_squeeze(NodeImport& n) {
  const Operand& x = n.input(0);
  const Shape in = x.shape();
  std::array<bool, Shape::max_rank> gone{};
  const std::vector<std::int64_t> axes = n.integers("axes", 1);
  for (std::int64_t a : axes) {
    const int d = normalize_axis(a, x.rank());
    n.require(in[d] == 1 || in[d] == Shape::unknown, "expected a size of 1 for dimension ", d, " of ", in);
    gone[static_cast<std::size_t>(d)] = true;
  }
  if (axes.empty())
    for (int d = 0; d < x.rank(); ++d) gone[static_cast<std::size_t>(d)] = in[d] == 1;
  if (x.is_constant()) {
    std::vector<Target> kept;
    for (int d = 0; d < x.rank(); ++d)
      if (!gone[static_cast<std::size_t>(d)]) kept.push_back({in[d], d});
    return n.result(reshaped(n, x, kept));
  }
  Squeeze op;
  Order order = x.order;
  std::vector<int> from;
  for (int q = 0; q < x.rank(); ++q) {
    if (gone[static_cast<std::size_t>(x.order[q])])
      op.axes.push_back(q);
    else
      from.push_back(q);
  }
  for (int d = x.rank() - 1; d >= 0; --d)
    if (gone[static_cast<std::size_t>(d)]) order = order.without(d);
  const int v = n.builder.value(x);
  const int y = op.axes.empty() ? n.add(Identity(), {v}) : n.add(std::move(op), {v});
  move_symbols(n, y, n.builder.symbols(v), from);
  n.result(y, order);
}

inline void import_unsqueeze(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::vector<std::int64_t> axes = n.integers("axes", 1);
  n.require(axes.size() <= static_cast<std::size_t>(Shape::max_rank), "found ", axes.size(), " axes, expected at most ",
            Shape::max_rank);
  const int rank = x.rank() + static_cast<int>(axes.size());
  std::array<bool, Shape::max_rank> fresh{};
  for (std::int64_t a : axes) {
    const int d = normalize_axis(a, rank);
    n.require(d < Shape::max_rank && !fresh[static_cast<std::size_t>(d)], "axis ", a, " is invalid or duplicate");
    fresh[static_cast<std::size_t>(d)] = true;
  }
  std::vector<int> old;  // dimensions of the result that x already has
  std::vector<Target> target;
  for (int d = 0; d < rank; ++d) {
    if (!fresh[static_cast<std::size_t>(d)]) old.push_back(d);
    target.push_back(fresh[static_cast<std::size_t>(d)] ? Target{1, -1}
                                                        : Target{Shape::unknown, static_cast<int>(old.size()) - 1});
  }
  if (x.is_constant()) return n.result(reshaped(n, x, target));
  // A new dimension is stored after the one it follows.
  std::vector<int> stored, from;
  for (int q = 0; q < x.rank(); ++q) {
    stored.push_back(old[static_cast<std::size_t>(x.order[q])]);
    from.push_back(q);
  }
  for (int d = 0; d < rank; ++d) {
    if (!fresh[static_cast<std::size_t>(d)]) continue;
    const auto at = d == 0 ? 0 : std::find(stored.begin(), stored.end(), d - 1) - stored.begin() + 1;
    stored.insert(stored.begin() + at, d);
    from.insert(from.begin() + at, -1);
  }
  Unsqueeze op;
  Order order;
  for (std::size_t q = 0; q < stored.size(); ++q) {
    order.push_back(stored[q]);
    if (from[q] < 0) op.axes.push_back(static_cast<std::int64_t>(q));
  }
  const int v = n.builder.value(x);
  const int y = n.add(std::move(op), {v});
  move_symbols(n, y, n.builder.symbols(v), from);
  n.result(y, order);
}

}  // namespace detail::onnx
OCTET_END
