#pragma once
#include <optional>

#include "../core/element.hpp"
#include "../core/random.hpp"
#include "../files/checksum.hpp"
#include "../runtime/executor.hpp"
#include "graph_description.hpp"

/// A run of the model whose results are stored in the file, so that it can be repeated after loading.
OCTET_BEGIN
namespace detail {

struct SelfTest {
  std::vector<Shape> input_shapes;
  std::uint64_t seed = 1, input_hash = 0;
  double tolerance =
      0;  // relative to the largest output; 0 for integer models, whose results are the same on all machines
  std::vector<Shape> output_shapes;
  std::vector<std::vector<double>> outputs;  // the first elements of each output
};

/// Number of elements of each output that are stored.
constexpr std::int64_t self_test_elements = 2048;

/// Random inputs: floats in [-1, 1), bytes with all values, other integers 0 or 1.
inline std::vector<AnyTensor> self_test_inputs(const Graph& g, const std::vector<Shape>& shapes, std::uint64_t seed) {
  SplitMix random(seed);
  std::vector<AnyTensor> inputs;
  for (std::size_t i = 0; i < g.inputs.size(); ++i) {
    const DType t = g.value(g.inputs[i]).dtype;
    inputs.push_back(AnyTensor::make(t, shapes[i], [&](std::byte* to) {
      for (std::int64_t k = 0, n = shapes[i].elements(); k < n; ++k) {
        const std::uint64_t r = random();
        const double x = is_floating(t) ? static_cast<double>(r >> 40) / 8388608.0 - 1
                         : is_byte(t)   ? static_cast<double>(r >> 56) - (t == DType::i8 ? 128 : 0)
                                        : static_cast<double>(r >> 63);
        store_element(t, to, k, x);
      }
    }));
  }
  return inputs;
}

inline std::uint64_t hash_of(const std::vector<AnyTensor>& tensors) {
  Checksum sum;
  for (const AnyTensor& t : tensors) sum.add(t.data(), t.size_bytes());
  return sum.value();
}

/// Whether only conversions read computed floats.
inline bool computes_in_integers(const Graph& g) {
  return std::all_of(g.nodes.begin(), g.nodes.end(), [&](const Node& n) {
    return n.op->traits().converts || std::none_of(n.inputs.begin(), n.inputs.end(), [&](int v) {
             return v != Node::none && !g.value(v).is_constant() && is_floating(g.value(v).dtype);
           });
  });
}

/// Input shapes for the test: batch 1; other unknown sizes become `size`.
inline std::vector<Shape> self_test_shapes(const Graph& g, std::int64_t size) {
  std::vector<Shape> shapes;
  for (int v : g.inputs) {
    Shape s = g.value(v).shape;
    for (int d = 0; d < s.rank(); ++d)
      if (s[d] == Shape::unknown) s[d] = d == 0 ? 1 : size;
    shapes.push_back(s);
  }
  return shapes;
}

inline SelfTest run_self_test(Executor& executor, const std::vector<Shape>& shapes, std::uint64_t seed) {
  SelfTest t;
  t.input_shapes = shapes;
  t.seed = seed;
  t.tolerance = computes_in_integers(executor.graph()) ? 0 : 0.01;
  const std::vector<AnyTensor> inputs = self_test_inputs(executor.graph(), shapes, seed);
  t.input_hash = hash_of(inputs);
  for (const AnyTensor& y : executor.run(inputs)) {
    t.output_shapes.push_back(y.shape());
    t.outputs.emplace_back();
    for (std::int64_t i = 0; i < std::min(y.size(), self_test_elements); ++i)
      t.outputs.back().push_back(load_element(y.dtype(), y.data(), i));
  }
  return t;
}

/// A test of the model, or nullopt if it does not run with any of the sizes tried.
inline std::optional<SelfTest> make_self_test(const Model& model) {
  ExecutorOptions options;
  options.same_floats = true;  // so that every CPU writes the same file
#if OCTET_EXCEPTIONS
  for (std::int64_t size : {32, 64, 128, 224, 1}) try {
      Executor executor(model, options);
      return run_self_test(executor, self_test_shapes(model, size), 1);
    } catch (const Error&) {  // try the next size
    }
  return std::nullopt;
#else
  const bool known = std::all_of(model.inputs.begin(), model.inputs.end(), [&](int v) {
    const Shape& s = model.value(v).shape;
    return std::all_of(s.begin(), s.end(), [&](const std::int64_t& d) { return d >= 0 || &d == s.begin(); });
  });
  if (!known) return std::nullopt;
  Executor executor(model, options);
  return run_self_test(executor, self_test_shapes(model, 1), 1);
#endif
}

/// Runs the model and compares the results. Throws FormatError if they differ.
inline void check_self_test(const Model& model, const SelfTest& expected) {
  Executor executor(model);
  const SelfTest got = run_self_test(executor, expected.input_shapes, expected.seed);
  require<FormatError>(got.input_hash == expected.input_hash,
                       "the self-test fails: its inputs differ from those on the machine that wrote the file");
  require<FormatError>(got.output_shapes == expected.output_shapes,
                       "the self-test fails: the shapes of the outputs differ");
  for (std::size_t o = 0; o < got.outputs.size(); ++o) {
    const std::vector<double>&a = got.outputs[o], &b = expected.outputs[o];
    double largest = 0;
    for (double x : b) largest = std::max(largest, std::abs(x));
    require<FormatError>(a.size() == b.size(), "the self-test is incomplete");
    for (std::size_t i = 0; i < a.size(); ++i) {
      const bool same =
          a[i] == b[i] || (a[i] != a[i] && b[i] != b[i]) || std::abs(a[i] - b[i]) <= expected.tolerance * largest;
      require<FormatError>(same, "the self-test fails: element ", i, " of output '", model.value(model.outputs[o]).name,
                           "' is ", a[i], ", expected ", b[i]);
    }
  }
}

inline void write_self_test(const std::optional<SelfTest>& test, const Graph& g, ArchiveWriter& to) {
  to.put(static_cast<std::uint8_t>(test.has_value()));
  if (!test) return;
  const auto put_shapes = [&](const std::vector<Shape>& shapes) {
    to.put_count(shapes.size());
    for (const Shape& s : shapes) {
      to.put(static_cast<std::uint8_t>(s.rank()));
      for (std::int64_t d : s) to.put(d);
    }
  };
  put_shapes(test->input_shapes);
  to.put_fixed(test->seed);
  to.put_fixed(test->input_hash);
  to.put(test->tolerance);
  put_shapes(test->output_shapes);
  for (std::size_t o = 0; o < test->outputs.size(); ++o) {  // in the type of the output, at least one byte per element
    const DType t = g.value(g.outputs[o]).dtype;
    to.put_count(test->outputs[o].size());
    for (double x : test->outputs[o]) {
      std::byte element[8] = {};
      store_element(t, element, 0, x);
      to.put_bytes(element, bytes(t, 1));
    }
  }
}

inline std::optional<SelfTest> read_self_test(ArchiveReader& from, const Graph& g) {
  if (!from.get_flag()) return std::nullopt;
  SelfTest t;
  const auto get_shapes = [&](std::vector<Shape>& shapes, const std::vector<int>& values) {
    const std::size_t n = from.get_count(1);
    require<FormatError>(n == values.size(), "the self-test has ", n, " shapes, expected ", values.size());
    for (std::size_t i = 0; i < n; ++i) {
      shapes.push_back(read_shape(from));
      require<FormatError>(shapes[i].known() && compatible(shapes[i], g.value(values[i]).shape),
                           "the self-test has the shape ", shapes[i], " for '", g.value(values[i]).name, "', expected ",
                           g.value(values[i]).shape);
    }
  };
  get_shapes(t.input_shapes, g.inputs);
  t.seed = from.get_fixed<std::uint64_t>();
  t.input_hash = from.get_fixed<std::uint64_t>();
  t.tolerance = from.get<double>();
  get_shapes(t.output_shapes, g.outputs);
  for (int v : g.outputs) {
    const std::size_t size = bytes(g.value(v).dtype, 1);
    t.outputs.emplace_back(from.get_count(size));
    for (double& x : t.outputs.back()) x = load_element(g.value(v).dtype, from.take(size), 0);
  }
  return t;
}

}  // namespace detail
OCTET_END
