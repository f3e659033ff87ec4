#pragma once
#include "../passes/lower.hpp"
#include "weights.hpp"

OCTET_BEGIN
namespace detail {

/// Which values of an optimized float graph become integers, and where each of them has its scale and zero point from:
/// the one rule that quantize<int8> and quantization-aware training go by.
class IntegerPlacement {
 public:
  struct Options {
    std::vector<std::string> keep_float;  // names of layers, * for any text
    bool integer_input = false, integer_output = false;
  };
  enum class Source : std::uint8_t {
    none,      // it has none: a float, a parameter
    measured,  // its own range
    fixed,     // the operator's IntegerForm
    constant,  // its elements, which are known
    same       // those of another value, see root()
  };

  IntegerPlacement(const Graph& g, const Options& options)
      : g_(g), options_(options), links_(g), integer_(g.values.size(), false), origins_(g.values.size()) {
    for (const std::string& p : options.keep_float) require_used(p, g, "kept float");
    decide();
    for (int v : g_.inputs)
      if (is_integer(v)) origins_[at(v)].source = Source::measured;
    for (const Node& n : g_.nodes)
      if (is_integer(n)) choose_sources(n);
    share_with_concat();
  }

  bool is_integer(int v) const { return integer_[at(v)]; }
  /// Whether the layer computes in integers. Results that are no real numbers (indices) stay as they are.
  bool is_integer(const Node& n) const { return is_integer(n.outputs[0]); }
  Source source(int v) const { return origins_[at(v)].source; }
  /// The value whose scale and zero point v has: itself, or another one.
  int root(int v) const {
    while (source(v) == Source::same) v = origins_[at(v)].other;
    return v;
  }
  const Links& links() const noexcept { return links_; }

 private:
  using Output = IntegerForm::Output;
  struct Origin {
    Source source = Source::none;
    int other = Node::none;
  };
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  /// Which values are integers: results of layers that have an integer form and are not to be kept float, and what
  /// is computed from integers without a scale of its own.
  void decide() {
    for (int v : g_.inputs) {
      const auto& users = links_.users(v);
      integer_[at(v)] = g_.value(v).dtype == DType::f32 &&
                        (options_.integer_input || std::any_of(users.begin(), users.end(), [&](int n) {
                           return form_of(g_.nodes[at(n)]).output != Output::none;
                         }));
    }
    for (const Node& n : g_.nodes) {
      const IntegerForm form = form_of(n);
      bool possible = form.output != Output::none && g_.value(n.outputs[0]).dtype == DType::f32;
      for (std::size_t i = 0; possible && i < n.inputs.size(); ++i) {
        const int v = n.inputs[i], k = static_cast<int>(i);
        if (v == Node::none) continue;
        if (k == form.weights || k == form.bias)
          possible = g_.value(v).is_constant() && is_floating(g_.value(v).dtype);
        else
          possible = g_.value(v).dtype == DType::f32 && (form.output != Output::as_input || is_integer(v));
      }
      if (form.weights >= 0) possible = possible && has_float_weights(g_, n);
      for (int v : n.outputs) integer_[at(v)] = possible && g_.value(v).dtype == DType::f32;
    }
  }

  IntegerForm form_of(const Node& n) const {
    return kept(options_.keep_float, g_, n) ? IntegerForm{} : n.op->integer_form();
  }

  /// The last layer of a float model adds up in integers and gives float at once, where it can.
  bool gives_float(const Node& n) const {
    const int out = n.outputs[0];
    return !options_.integer_output && g_.is_output(out) && links_.users(out).empty() &&
           n.op->traits().products == Traits::Products::all && !has_residual(n);
  }

  void choose_sources(const Node& n) {
    for (std::size_t i = 0; i < n.inputs.size(); ++i) {  // constants that are data, and float values entering
      const int v = n.inputs[i];
      if (v == Node::none || source(v) != Source::none || g_.value(v).dtype != DType::f32 || is_parameter(g_, n, i))
        continue;
      origins_[at(v)].source = g_.value(v).is_constant() ? Source::constant : Source::measured;
    }
    const IntegerForm form = n.op->integer_form();
    for (int v : n.outputs) {
      Origin& out = origins_[at(v)];
      if (!is_integer(v)) continue;
      if (form.output == Output::fixed)
        out.source = Source::fixed;
      else if (form.output == Output::as_input && !form.rescales)
        out = {Source::same, n.inputs[0]};
      else if (form.output == Output::as_input ||
               !gives_float(n))  // means cover less of the range than what they average
        out.source = Source::measured;
    }
  }

  /// What only a concat reads is computed in the concat's scale at once: one rounding instead of two.
  void share_with_concat() {
    for (std::size_t i = g_.nodes.size(); i-- > 0;) {
      const Node& n = g_.nodes[i];
      if (!n.op->traits().joins || !is_integer(n)) continue;
      for (int v : n.inputs) {
        const int p = links_.producer(v);
        if (p == Node::none || !links_.used_once(v) || !is_integer(v)) continue;
        if (g_.nodes[at(p)].op->integer_form().output == Output::measured)
          origins_[at(v)] = {Source::same, n.outputs[0]};
      }
    }
  }

  const Graph& g_;
  const Options options_;
  Links links_;
  std::vector<bool> integer_;
  std::vector<Origin> origins_;
};

}  // namespace detail
OCTET_END
