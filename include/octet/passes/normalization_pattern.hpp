#pragma once
#include <cmath>

#include "../operators/moment_normalization.hpp"
#include "../operators/reduce.hpp"
#include "elementwise.hpp"

OCTET_BEGIN
namespace detail {

/// A normalization that is written as several operators.
struct NormalizationPattern {
  std::vector<int> members;  // the nodes, the last one included
  int last = Node::none;     // the node that writes the result
  MomentNormalization op;
  std::vector<int> inputs;  // of op: values
};

/// Finds normalizations: (x - mean) / sqrt(variance + epsilon), optionally times constants, and plus constants.
class NormalizationSearch {
 public:
  NormalizationSearch(const Graph& g, const Links& links) : g_(g), links_(links) {}

  /// The pattern whose division by the standard deviation is node n.
  std::optional<NormalizationPattern> find(std::size_t n) {
    p_ = {};
    if (!g_.nodes[n].op || !deviation(static_cast<int>(n))) return {};
    p_.inputs.resize(3, Node::none);
    extend(BinaryKind::mul, MomentNormalization::scale);
    extend(BinaryKind::add, MomentNormalization::shift);
    while (p_.inputs.back() == Node::none) p_.inputs.pop_back();
    if (!only_inside()) return {};
    return p_;
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  const Node& node(int n) const { return g_.nodes[at(n)]; }
  bool is(int v, double number) const { return number_of(v) && std::abs(*number_of(v) - number) < 1e-6; }
  std::optional<double> number_of(int v) const {
    const AnyTensor& c = g_.value(v).constant;
    if (!c || c.dtype() != DType::f32 || c.size() != 1) return {};
    return static_cast<double>(c.view<float>()[0]);
  }

  /// Takes node n, a function without activation.
  bool take(int n) {
    if (n == Node::none || !node(n).op) return false;
    const auto* b = as<Binary>(*node(n).op);
    if (b && !b->activation.none()) return false;
    if (std::find(p_.members.begin(), p_.members.end(), n) == p_.members.end()) p_.members.push_back(n);
    return true;
  }
  /// The inputs of the node that computes v, which is taken; empty if it is another function.
  template <class Kind>
  std::vector<int> inputs_of(int v, Kind kind) {
    return computed_by(g_, links_, v, kind) && take(links_.producer(v)) ? node(links_.producer(v)).inputs
                                                                        : std::vector<int>();
  }

  /// Whether n divides x less its mean by the standard deviation.
  bool deviation(int n) {
    const Binary *div = elementwise(node(n), BinaryKind::div), *mul = elementwise(node(n), BinaryKind::mul);
    if (!(div || mul) || g_.value(node(n).outputs[0]).dtype != DType::f32) return false;
    for (std::size_t k = 0; k < (div ? 1 : 2); ++k) {
      p_ = {};
      p_.last = n;
      if (!take(n)) {  // an activation: nothing follows
        p_.members = {n};
        p_.op.activation = (div ? div : mul)->activation;
      }
      const int sum = div ? root(node(n).inputs[1], 0.5) : inverse_root(node(n).inputs[1 - k]);
      if (sum != Node::none && variance(sum, node(n).inputs[k])) return true;
    }
    return false;
  }
  /// What v is the root, or power, of; or none.
  int root(int v, double power) {
    if (power == 0.5)
      if (const auto in = inputs_of(v, UnaryKind::sqrt); !in.empty()) return in[0];
    if (power == -0.5)
      if (const auto in = inputs_of(v, UnaryKind::rsqrt); !in.empty()) return in[0];
    if (!computed_by(g_, links_, v, BinaryKind::pow) || !is(node(links_.producer(v)).inputs[1], power))
      return Node::none;
    const auto in = inputs_of(v, BinaryKind::pow);
    return in.empty() ? Node::none : in[0];
  }
  /// What v is 1 / sqrt of; or none.
  int inverse_root(int v) {
    if (const int sum = root(v, -0.5); sum != Node::none) return sum;
    if (const auto in = inputs_of(v, UnaryKind::reciprocal); !in.empty()) return root(in[0], 0.5);
    if (!computed_by(g_, links_, v, BinaryKind::div) || !is(node(links_.producer(v)).inputs[0], 1)) return Node::none;
    const auto in = inputs_of(v, BinaryKind::div);
    return in.empty() ? Node::none : root(in[1], 0.5);
  }
  /// Whether `sum` is epsilon plus the mean square of x less its mean, as d is.
  bool variance(int sum, int d) {
    const auto terms = inputs_of(sum, BinaryKind::add);
    if (terms.size() != 2) return false;
    const std::size_t k = number_of(terms[0]) ? 1 : 0;
    const auto epsilon = number_of(terms[1 - k]);
    if (!epsilon || !(*epsilon >= 0)) return false;
    p_.op.epsilon = *epsilon;
    const int squares = mean_of(terms[k]);
    if (squares == Node::none) return false;
    int root_of_square = Node::none;
    if (const auto in = inputs_of(squares, BinaryKind::mul); in.size() == 2 && in[0] == in[1])
      root_of_square = in[0];
    else
      root_of_square = root(squares, 2);
    return root_of_square != Node::none && centered(root_of_square) && centered(d);
  }
  /// Whether v is x less its mean, for the same x and mean as before.
  bool centered(int v) {
    const auto in = inputs_of(v, BinaryKind::sub);
    if (in.size() != 2 || mean_of(in[1]) != in[0] || g_.value(in[0]).is_constant()) return false;
    if (p_.inputs.empty()) p_.inputs = {in[0]};
    return p_.inputs[0] == in[0] && g_.value(in[0]).dtype == DType::f32;
  }
  /// What v is the mean of, over the axes of the pattern, with dimensions of size 1; or none.
  int mean_of(int v) {
    const auto* r = links_.produced_by<Reduce>(v);
    if (!r || r->kind != ReduceKind::mean || !r->keep_dims || r->axes.empty() || !take(links_.producer(v)))
      return Node::none;
    const int in = node(links_.producer(v)).inputs[0], rank = g_.value(in).shape.rank();
    std::vector<std::int64_t> axes;
    for (const std::int64_t a : r->axes) axes.push_back(normalize_axis(a, rank));
    std::sort(axes.begin(), axes.end());
    if (!MomentNormalization::supports(axes, rank) || (!p_.op.axes.empty() && axes != p_.op.axes)) return Node::none;
    p_.op.axes = axes;
    return in;
  }

  /// Takes the product, or sum, with constants that follows, if it is the only reader.
  void extend(BinaryKind kind, std::size_t operand) {
    const int v = node(p_.last).outputs[0];
    if (!p_.op.activation.none() || !links_.used_once(v)) return;
    const int next = links_.users(v)[0];
    const Binary* b = elementwise(node(next), kind);
    if (!b) return;
    const int other = node(next).inputs[node(next).inputs[0] == v ? 1 : 0];
    if (!fits(other)) return;
    p_.members.push_back(next);
    p_.last = next;
    p_.inputs[operand] = other;
    p_.op.activation = b->activation;
  }
  /// Whether v is a constant that does not change the shape of x, and is the same for each mean.
  bool fits(int v) const {
    const Value &c = g_.value(v), &x = g_.value(p_.inputs[0]);
    const int more = x.shape.rank() - c.shape.rank(),
              first = MomentNormalization::first_scaled(p_.op.axes, x.shape.rank());
    if (!c.is_constant() || c.dtype != DType::f32 || more < 0) return false;
    for (int d = 0; d < c.shape.rank(); ++d)
      if (c.shape[d] != 1 && (d + more < first || c.shape[d] != x.shape[d + more])) return false;
    return true;
  }

  /// Whether only members read what members other than the last one write.
  bool only_inside() const {
    for (const int m : p_.members)
      for (const int v : node(m).outputs) {
        if (m == p_.last) continue;
        if (links_.is_output(v)) return false;
        for (const int user : links_.users(v))
          if (std::find(p_.members.begin(), p_.members.end(), user) == p_.members.end()) return false;
      }
    return true;
  }

  const Graph& g_;
  const Links& links_;
  NormalizationPattern p_;
};

}  // namespace detail
OCTET_END
