#pragma once
#include "../operators/onnx_integer.hpp"
#include "../operators/onnx_quantize.hpp"
#include "../operators/shape/sizes_of.hpp"
#include "../passes/conversions.hpp"
#include "../passes/normalization_pattern.hpp"
#include "weights.hpp"

OCTET_BEGIN
namespace detail {

/// Whether a layer that is kept float takes the sums of an integer layer as floats, instead of its codes: a layer with
/// weights, or of several tensors, or one whose results no integer layer reads. Other functions of one tensor become
/// tables of its codes. `is_integer(layer)`: whether a layer is.
template <class IsInteger>
bool reads_sums(const Graph& g, const Links& links, const Node& n, const IsInteger& is_integer) {
  if (n.op->integer_form().compares) return false;  // codes as well
  const auto reads = [&](int v) { return v != Node::none && !g.value(v).is_constant(); };
  if (n.op->traits().products != Traits::Products::none || std::count_if(n.inputs.begin(), n.inputs.end(), reads) > 1)
    return true;
  return std::none_of(n.outputs.begin(), n.outputs.end(), [&](int v) {
    const std::vector<int>& users = links.users(v);
    return std::any_of(users.begin(), users.end(), is_integer);
  });
}

/// Whether the layer can write its sums of products as floats if its other tensors are integers.
inline bool can_give_float(const Node& n) {
  return n.op->traits().products == Traits::Products::all && !has_residual(n);
}

/// Decides which values of an optimized float graph become integers, and where each gets its scale and zero point from.
/// quantize<int8> and quantization-aware training both use it, so that they agree.
class IntegerPlacement {
 public:
  struct Options {
    std::vector<bool> keep_float;  // of each node
    bool integer_input = false, integer_output = false;
  };
  enum class Source : std::uint8_t {
    none,      // not quantized: a float activation or a parameter
    measured,  // by its measured range
    fixed,     // by the operator's IntegerForm
    constant,  // by its elements: it is a constant
    same       // as another value, see root()
  };

  IntegerPlacement(const Graph& g, const Options& options)
      : g_(g),
        options_(options),
        links_(g),
        integer_(g.values.size(), false),
        origins_(g.values.size()),
        in_float_(g.values.size(), false) {
    decide();
    for (int v : g_.inputs)
      if (is_integer(v)) origins_[at(v)].source = Source::measured;
    for (const Node& n : g_.nodes)
      if (is_integer(n)) choose_sources(n);
    share_with_concat();
  }

  bool is_integer(int v) const { return integer_[at(v)]; }
  /// Whether the layer computes in integers. Results that are not real numbers (indices) are unchanged.
  bool is_integer(const Node& n) const { return is_integer(n.outputs[0]); }
  /// Whether an integer layer reads floats, and only its result is rounded: the last one of a normalization.
  bool computes_in_float(const Node& n) const { return in_float_[at(n.outputs[0])]; }
  Source source(int v) const { return origins_[at(v)].source; }
  /// The value that determines the scale and zero point of v: v itself or another one.
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

  /// Decides which values are integers: results of layers that have an integer form and are not kept float, and results
  /// computed from integers that keep the scale of their input.
  void decide() {
    for (int v : g_.inputs) {
      const auto& users = links_.users(v);
      integer_[at(v)] = g_.value(v).dtype == DType::f32 &&
                        (options_.integer_input || std::any_of(users.begin(), users.end(), [&](int n) {
                           return form_of(g_.nodes[at(n)]).output != Output::none;
                         }));
    }
    const std::vector<bool> only_output = joins_of_outputs();
    std::vector<bool> relative = relative_layers();
    const std::vector<bool> exact = layers_of_exact_numbers();
    find_normalizations(relative);
    for (std::size_t node = 0; node < g_.nodes.size(); ++node) {
      const Node& n = g_.nodes[node];
      const IntegerForm form = form_of(n);
      const auto computed = [this](int v) { return v != Node::none && !g_.value(v).is_constant(); };
      bool possible = !only_output[node] && !relative[node] && !exact[node] &&
                      std::any_of(n.inputs.begin(), n.inputs.end(), computed);
      possible = possible && form.output != Output::none && g_.value(n.outputs[0]).dtype == DType::f32;
      for (std::size_t i = 0; possible && i < n.inputs.size(); ++i) {
        const int v = n.inputs[i], k = static_cast<int>(i);
        if (v == Node::none) continue;
        if (k == form.weights || k == form.bias)
          possible = g_.value(v).is_constant() && is_floating(g_.value(v).dtype);
        else if (!is_index(g_, n, i))
          possible = g_.value(v).dtype == DType::f32 && (form.output != Output::as_input || is_integer(v));
      }
      if (form.weights >= 0) possible = possible && has_float_weights(g_, n);
      for (int v : n.outputs) integer_[at(v)] = possible && g_.value(v).dtype == DType::f32;
    }
  }

  /// Concats whose result is only a float output of the model, directly or moved. They stay float: parts of unlike
  /// ranges (boxes in pixels and scores) would share a scale for nothing.
  std::vector<bool> joins_of_outputs() const {
    std::vector<bool> joins(g_.nodes.size(), false), only(g_.values.size(), !options_.integer_output);
    for (std::size_t i = g_.nodes.size(); i-- > 0;) {
      const Node& n = g_.nodes[i];
      const bool result = std::all_of(n.outputs.begin(), n.outputs.end(), [&](int v) {
        return only[at(v)] && (links_.is_output(v) || !links_.users(v).empty());
      });
      joins[i] = result && n.op->traits().joins;
      const IntegerForm form = n.op->integer_form();
      const bool moves = form.output == Output::as_input && !form.rescales;
      for (int v : n.inputs)
        if (v != Node::none && !(result && (moves || joins[i]))) only[at(v)] = false;
    }
    return joins;
  }

  /// Layers that read numbers which are computed from the sizes of tensors, or from sums of integers and the scale of a
  /// tensor that is quantized in each run. They stay float: codes would round the sizes of what is computed with them,
  /// or round sums that are codes already, and their range is not that of other inputs.
  std::vector<bool> layers_of_exact_numbers() const {
    std::vector<bool> layers(g_.nodes.size(), false), values(g_.values.size(), false);
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      const Node& n = g_.nodes[i];
      bool sizes = false, others = false;
      for (int v : n.inputs) {
        if (v == Node::none || g_.value(v).is_constant()) continue;
        (values[at(v)] ? sizes : others) = true;
        layers[i] = layers[i] || (values[at(v)] && g_.value(v).dtype == DType::f32);
      }
      for (int v : n.outputs) values[at(v)] = is_exact(*n.op) || (sizes && !others);
    }
    return layers;
  }

  static bool is_exact(const Operator& op) {
    return as<SizesOf>(op) || as<DynamicQuantizeLinear>(op) || as<ConvInteger>(op) || as<MatMulInteger>(op);
  }

  /// Layers that stay float because small numbers need a small error: roots, logarithms and divisions by a computed
  /// tensor, and the layers that compute their inputs, back to one that combines several tensors or has weights. With
  /// codes, whose step is the same for all numbers, a variance can become 0 and a normalization NaN. Layers with
  /// weights keep their codes.
  std::vector<bool> relative_layers() const {
    std::vector<bool> layers(g_.nodes.size(), false), values(g_.values.size(), false);
    const auto is_computed = [&](int v) { return v != Node::none && !g_.value(v).is_constant(); };
    const auto mark = [&](int v) {
      if (is_computed(v)) values[at(v)] = true;
    };
    const auto reads = [&](const Node& n) {
      const int i = n.op->traits().relative;
      return i >= 0 && at(i) < n.inputs.size() && is_computed(n.inputs[at(i)]) ? n.inputs[at(i)] : Node::none;
    };
    for (std::size_t i = g_.nodes.size(); i-- > 0;) {
      const Node& n = g_.nodes[i];
      if (reads(n) != Node::none)
        for (int v : n.inputs) mark(v);
      layers[i] = n.op->integer_form().weights < 0 &&
                  std::any_of(n.outputs.begin(), n.outputs.end(), [&](int v) { return values[at(v)]; });
      if (!layers[i] || n.inputs.empty()) continue;
      const int first = n.inputs[0];
      if (std::all_of(n.inputs.begin(), n.inputs.end(), [&](int v) { return v == first || !is_computed(v); }))
        mark(first);
    }
    for (std::size_t i = 0; i < g_.nodes.size(); ++i)
      if (const int v = reads(g_.nodes[i]); v != Node::none)
        if (const int p = links_.producer(v); p != Node::none && layers[at(p)]) layers[i] = true;
    return layers;
  }

  /// Normalizations compute in float between codes: executors make one layer of each, which rounds only its result.
  void find_normalizations(std::vector<bool>& floating) {
    NormalizationSearch search(g_, links_);
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      const auto found = search.find(i);
      if (!found) continue;
      for (const int m : found->members) floating[at(m)] = true;
      const Node& last = g_.nodes[at(found->last)];
      if (form_of(last).output != Output::measured) continue;
      floating[at(found->last)] = false;
      in_float_[at(last.outputs[0])] = true;
    }
  }

  IntegerForm form_of(const Node& n) const {
    return options_.keep_float[static_cast<std::size_t>(&n - g_.nodes.data())] ? IntegerForm{} : n.op->integer_form();
  }

  /// Whether the layer dequantizes its integer sums to float itself, if its operator can: the last layer of a model
  /// with float outputs does, and one whose result only layers read that are kept float and take sums.
  bool gives_float(const Node& n) const {
    const int out = n.outputs[0];
    const std::vector<int>& users = links_.users(out);
    if (!can_give_float(n) || (links_.is_output(out) ? options_.integer_output : users.empty())) return false;
    const auto integer = [&](int u) { return is_integer(g_.nodes[at(u)]); };
    return std::all_of(users.begin(), users.end(), [&](int u) {
      return options_.keep_float[at(u)] && reads_sums(g_, links_, g_.nodes[at(u)], integer);
    });
  }

  void choose_sources(const Node& n) {
    for (std::size_t i = 0; !computes_in_float(n) && i < n.inputs.size(); ++i) {  // data constants and float inputs
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
      else if (form.output == Output::as_input || !gives_float(n))
        out.source = Source::measured;  // averages too: their range is narrower than that of their input
    }
  }

  /// Values that only a concat reads get the scale of its result, which avoids a second rounding.
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
  std::vector<bool> in_float_;  // of each value
};

}  // namespace detail
OCTET_END
