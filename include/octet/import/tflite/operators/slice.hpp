#pragma once
#include "../operator_import.hpp"

/// Operators that select parts of a tensor.
OCTET_BEGIN
namespace detail::tflite {

constexpr std::int64_t to_the_end = std::numeric_limits<std::int64_t>::max();

/// Inputs 1 and 2: begins and sizes. A size of -1 means the rest.
inline void import_slice(OperatorImport& n) {
  const int x = n.value(0);
  const Shape in = n.graph_value(x).shape;
  const std::vector<std::int64_t> begin = n.integers(1, in.rank()), size = n.integers(2, in.rank());
  Slice op;
  for (int d = 0; d < in.rank(); ++d) {
    const std::int64_t b = begin[static_cast<std::size_t>(d)], s = size[static_cast<std::size_t>(d)];
    n.require(b >= 0 && s >= -1, "expected a begin >= 0 and a size >= -1, found ", b, " and ", s);
    if (b == 0 && (s == -1 || (d == 0 && s == 1 && in[d] == Shape::unknown)))
      continue;  // the whole dimension, or the whole batch
    n.require(in[d] == Shape::unknown || b + std::max<std::int64_t>(s, 0) <= in[d], "a slice with begin ", b,
              " and size ", s, " is out of range for ", in);
    op.starts.push_back(b);
    op.ends.push_back(s == -1 ? to_the_end : b + s);
    op.axes.push_back(d);
  }
  n.add(std::move(op), {x});
}

/// A STRIDED_SLICE with its masks applied.
struct StridedSlice {
  Slice slice;
  std::vector<std::int64_t> dropped,
      inserted;  // axes to remove from the slice's result; axes to insert into the final one

  StridedSlice(OperatorImport& n, Shape in) {  // a copy, since adding values to the graph invalidates references
    const std::vector<std::int64_t> begin = n.integers(1);
    const auto count = static_cast<int>(begin.size());
    std::vector<std::int64_t> end = n.integers(2, count), step = n.integers(3, count);
    n.require(count <= 2 * Shape::max_rank, "has ", count, " entries, expected at most ", 2 * Shape::max_rank);
    const auto bit = [&](int field, int i) { return (n.integer(field) >> i & 1) != 0; };
    int named = 0, ellipses = 0;  // entries that refer to one dimension of the input
    for (int i = 0; i < count; ++i) {
      if (bit(2, i))
        ++ellipses;
      else
        named += !bit(3, i);
    }
    n.require(ellipses <= 1 && named <= in.rank(), "cannot slice ", named, " dimensions of ", in);
    int d = 0, out = 0;
    for (int i = 0; i < count; ++i) {
      const auto k = static_cast<std::size_t>(i);
      if (bit(2, i)) {
        const int skipped = in.rank() - named;
        d += skipped;
        out += skipped;
        continue;
      }
      if (bit(3, i)) {
        inserted.push_back(out++);
        continue;
      }
      const bool shrink = bit(4, i);
      n.require(step[k] != 0 && step[k] > -to_the_end && (!shrink || step[k] > 0), "stride ", step[k],
                " is not supported");
      if (n.flag(5)) end[k] += begin[k];
      std::int64_t from = begin[k], to = end[k];
      if (shrink) {  // one element
        n.require(in[d] == Shape::unknown || (from >= -in[d] && from < in[d]), "element ", from,
                  " is out of range for ", in);
        to = from == -1 ? to_the_end : from + 1;
        dropped.push_back(d);
      } else {
        if (bit(0, i)) from = step[k] > 0 ? 0 : to_the_end;
        if (bit(1, i)) to = step[k] > 0 ? to_the_end : -to_the_end;
        // A batch that is declared as 1 can have any size: take all of it.
        if (d == 0 && in[d] == Shape::unknown && from == 0 && step[k] == 1 && to == 1) to = to_the_end;
        ++out;
      }
      if (shrink || from != 0 || to != to_the_end || step[k] != 1) {
        slice.starts.push_back(from);
        slice.ends.push_back(to);
        slice.steps.push_back(shrink ? 1 : step[k]);
        slice.axes.push_back(d);
      }
      ++d;
    }
  }
};

/// STRIDED_SLICE of sizes.
inline Sizes picked(const StridedSlice& s, const Sizes& from) {
  Sizes r;
  r.scalar = !s.dropped.empty();
  const auto n = static_cast<std::int64_t>(from.entries.size());
  const auto inside = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + n : i, 0, n); };
  const bool all = s.slice.starts.empty();
  const std::int64_t step = all ? 1 : s.slice.steps[0];
  require<FormatError>(step > 0 && s.inserted.empty(), "negative strides and new axes are not supported for sizes");
  for (std::int64_t i = all ? 0 : inside(s.slice.starts[0]); i < (all ? n : inside(s.slice.ends[0]));
       i += std::min(step, n))
    r.entries.push_back(from.entries[static_cast<std::size_t>(i)]);
  return r;
}

inline void import_strided_slice(OperatorImport& n) {
  if (n.is_sizes(0)) {
    const Sizes from = n.sizes(0);
    return n.result(picked(StridedSlice(n, {static_cast<std::int64_t>(from.entries.size())}), from));
  }
  const int x = n.value(0);
  StridedSlice s(n, n.graph_value(x).shape);
  const bool drops = !s.dropped.empty(), inserts = !s.inserted.empty();
  int v = x;
  if (!drops && !inserts) {
    n.add(std::move(s.slice), {v});
    return;
  }
  v = n.step("slice", std::move(s.slice), {v});
  if (drops && inserts) v = n.step("squeezed", Squeeze(s.dropped), {v});
  if (inserts)
    n.add(Unsqueeze(s.inserted), {v});
  else
    n.add(Squeeze(s.dropped), {v});
}

inline void import_equal_split(OperatorImport& n, int x, std::int64_t given_axis) {
  const Shape in = n.graph_value(x).shape;
  Split op;
  op.axis = normalize_axis(given_axis, in.rank());
  op.parts = n.outputs();
  const std::int64_t size = in[static_cast<int>(op.axis)];
  n.require(size == Shape::unknown || size % op.parts == 0, in, " cannot be split into ", op.parts,
            " equal parts along axis ", op.axis);
  n.add(std::move(op), {x}, 0, n.outputs());
}

/// Input 0: the axis.
inline void import_split(OperatorImport& n) { import_equal_split(n, n.value(1), n.integers(0, 1)[0]); }

/// Inputs: tensor, sizes (one of which may be -1: the rest), axis.
inline void import_split_with_sizes(OperatorImport& n) {
  const int x = n.value(0);
  const Shape in = n.graph_value(x).shape;
  Split op;
  op.axis = normalize_axis(n.integers(2, 1)[0], in.rank());
  op.sizes = n.integers(1, n.outputs());
  std::int64_t rest = in[static_cast<int>(op.axis)];
  std::int64_t* open = nullptr;
  for (std::int64_t& s : op.sizes) {
    n.require(s >= -1 && s <= (std::int64_t{1} << 31), "a part has the size ", s, ", expected -1 to 2^31");
    if (s >= 0) {
      rest -= s;
      continue;
    }
    n.require(!open, "more than one part has the size -1");
    open = &s;
  }
  if (open) {
    n.require(rest >= 0, "the parts are larger than ", in);
    *open = rest;
  }
  n.add(std::move(op), {x}, 0, n.outputs());
}

/// Places of their own for each element of the first dimensions, along the one that follows them.
inline void import_batched_gather(OperatorImport& n) {
  const int x = n.value(0), places = n.value(1);
  const int rank = n.graph_value(places).shape.rank();
  const std::int64_t given = n.integer(1), batch = given < 0 ? given + rank : given;
  const int axis = normalize_axis(n.integer(0), n.graph_value(x).shape.rank());
  n.require(batch == axis && batch <= rank, "has ", given, " batch dimensions and the axis ", axis,
            ", expected the axis after them");
  n.spend_on(places);
  const int rows = n.step("rows", Unsqueeze({rank}), {places});
  n.add(octet::GatherND(batch), {x, rows});
}

inline void import_gather(OperatorImport& n) {
  if (n.integer(1) != 0) return import_batched_gather(n);
  if (n.is_sizes(0)) {
    const Sizes from = n.sizes(0);
    const Sizes places = n.sizes(1);
    Sizes r;
    r.scalar = places.scalar;
    for (std::int64_t i : n.integers(1)) {
      n.require(i >= 0 && i < static_cast<std::int64_t>(from.entries.size()), "index ", i, " is out of range for ",
                from.entries.size(), " sizes");
      r.entries.push_back(from.entries[static_cast<std::size_t>(i)]);
    }
    return n.result(std::move(r));
  }
  const int x = n.value(0), indices = n.value(1);
  n.spend_on(indices);
  n.add(octet::Gather(n.integer(0)), {x, indices});
}

}  // namespace detail::tflite
OCTET_END
