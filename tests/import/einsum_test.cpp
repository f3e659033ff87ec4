#include <octet/core/element.hpp>
#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"

// Einsum of one and two tensors, against the sum over all indices.
namespace {

using namespace testing;

struct Side {
  std::string labels;
  Tensor<float> x;
};

Shape sizes_of(const std::string& labels) {
  Shape s;
  for (char c : labels) s.push_back(2 + (c - 'a') % 4);
  return s;
}

/// The sum of products over all labels that are not in `out`.
Tensor<float> reference(const std::vector<Side>& in, const std::string& out) {
  std::string all = out;
  for (const Side& s : in)
    for (char c : s.labels)
      if (all.find(c) == std::string::npos) all += c;
  Tensor<float> y(sizes_of(out));
  each_index(sizes_of(all), [&](const std::vector<std::int64_t>& i) {
    const auto at = [&](const std::string& labels) {
      std::vector<std::int64_t> k;
      for (char c : labels) k.push_back(i[all.find(c)]);
      return flat(sizes_of(labels), k);
    };
    float product = 1;
    for (const Side& s : in) product *= s.x[at(s.labels)];
    y[at(out)] += product;
  });
  return y;
}

/// Imports and runs it: all inputs computed (after a pool, if they are images), or the second constant; of known sizes
/// and of sizes that the file leaves open.
void check(const std::string& equation, const std::vector<std::string>& in, const std::string& out) {
  CAPTURE(equation);
  std::vector<Side> sides;
  for (const std::string& labels : in)
    sides.push_back({labels, random_tensor(sizes_of(labels), static_cast<unsigned>(sides.size()) + 1)});
  const Tensor<float> right = reference(sides, out);
  for (const bool keep : {true, false})
    for (const bool open : {false, true})
      for (const bool constant : {false, true}) {
        OnnxBuilder b;
        std::vector<AnyTensor> x;
        std::vector<std::string> names;
        for (const Side& s : sides) {
          const std::string name = "x" + std::to_string(names.size());
          const Shape shape = s.x.shape();
          names.push_back(name);
          if (constant && names.size() == 2) {
            b.initializer(name, s.x);
            continue;
          }
          std::vector<std::int64_t> declared(shape.begin(), shape.end());
          if (open) std::fill(declared.begin(), declared.end(), Shape::unknown);
          b.input(name, declared);
          x.emplace_back(s.x);
          if (shape.rank() != 4) continue;
          names.back() += "p";
          b.node("MaxPool", {name}, {names.back()}, {{"kernel_shape", std::vector<std::int64_t>{1, 1}}});
          if (keep) continue;
          const Shape nhwc{shape[0], shape[2], shape[3], shape[1]};
          Tensor<float> t(nhwc);
          each_index(nhwc, [&](const std::vector<std::int64_t>& i) {
            t[flat(nhwc, i)] = s.x[flat(shape, {i[0], i[3], i[1], i[2]})];
          });
          x.back() = t;
        }
        b.node("Einsum", names, {"y"}, {{"equation", equation.c_str()}});
        b.integers("flat", {-1}).node("Reshape", {"y", "flat"}, {"f"}).output("f");
        const Tensor<float> y = floats(run_plain(import_onnx(b, keep), x)[0]);
        REQUIRE(y.size() == right.size());
        for (std::int64_t i = 0; i < y.size(); ++i) CHECK(std::abs(y[i] - right[i]) < 1e-4f);
      }
}

}  // namespace

TEST_CASE("einsum: one tensor") {
  check("ab->ba", {"ab"}, "ba");
  check("abcd -> adbc", {"abcd"}, "adbc");
  check("abc->b", {"abc"}, "b");
  check("abcd->", {"abcd"}, "");
  check("ba", {"ba"}, "ab");  // the implied result is in alphabetical order
  check("...c->c...", {"abc"}, "cab");
}

TEST_CASE("einsum: two tensors") {
  check("ab,bc->ac", {"ab", "bc"}, "ac");
  check("ab,bc", {"ab", "bc"}, "ac");
  check("abc , acd -> abd", {"abc", "acd"}, "abd");
  check("abcd,acbe->abde", {"abcd", "acbe"}, "abde");
  check("abcd,aecd->abe", {"abcd", "aecd"}, "abe");  // two indices are summed
  check("abcd,ce->abed", {"abcd", "ce"}, "abed");    // a layer
  check("abcd,bef->acdef", {"abcd", "bef"}, "acdef");
  check("abcd,efbd->acfe", {"abcd", "efbd"}, "acfe");    // several dimensions of both, two are summed
  check("abcde,bef->acdf", {"abcde", "bef"}, "acdf");    // a graph convolution of skeletons
  check("abcd,aefcd->afbe", {"abcd", "aefcd"}, "afbe");  // the same, of each image
  check("abc,dc->abd", {"abc", "dc"}, "abd");
  check("a,b->ab", {"a", "b"}, "ab");
  check("ab,ab->ab", {"ab", "ab"}, "ab");
  check("ab,ab->", {"ab", "ab"}, "");
  check("abc,ad->d", {"abc", "ad"}, "d");
  check("...ab,...bc->...ac", {"deab", "debc"}, "deac");
}

TEST_CASE("einsum: integers and doubles") {
  OnnxBuilder b;
  b.input("x", {2, 3}, DType::i32).input("y", {3, 2}, DType::i32).input("d", {2, 3}, DType::f64);
  b.node("Einsum", {"x", "y"}, {"z"}, {{"equation", "ij,jk->ki"}})
      .node("Einsum", {"d", "d"}, {"e"}, {{"equation", "ij,kj"}});
  b.node("Einsum", {"x", "x"}, {"f"}, {{"equation", "ij,ij->ji"}}).output("z").output("e").output("f");
  const Tensor<std::int32_t> x({2, 3}, {1, 2, 3, 4, 5, 6}), y({3, 2}, {1, 0, 0, 1, 1, 1});
  const std::vector<AnyTensor> out = run_plain(import_onnx(b), {x, y, Tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6})});
  CHECK(octet::detail::to_integers(out[0]) == std::vector<std::int64_t>{4, 10, 5, 11});
  CHECK(octet::detail::to_integers(out[1]) == std::vector<std::int64_t>{14, 32, 32, 77});
  CHECK(octet::detail::to_integers(out[2]) == std::vector<std::int64_t>{1, 16, 4, 25, 9, 36});
}

TEST_CASE("einsum: errors") {
  const auto error = [](const char* equation, int inputs = 2) {
    OnnxBuilder b;
    b.input("x", {2, 3}).input("y", {3, 4});
    std::vector<std::string> in{"x", "y", "x"};
    in.resize(static_cast<std::size_t>(inputs));
    return message([&] { import_onnx(b.node("Einsum", in, {"z"}, {{"equation", equation}}).output("z")); });
  };
  CHECK(error("ab,bc->ac") == "");
  CHECK(contains(error("ab,bc->ad"), "the result has an index that no input has"));
  CHECK(contains(error("aa,bc->ac"), "the index a is twice in 'aa'"));
  CHECK(contains(error("abc,bc->ac"), "the term 'abc' does not fit a tensor of 2 dimensions"));
  CHECK(contains(error("ab,ac->bc"), "an index has the sizes 2 and 3"));
  CHECK(contains(error("ab,cb->ac"), "an index has the sizes 3 and 4"));
  CHECK(contains(error("ab,bc,ab->ac", 3), "has 3 terms, expected one or two"));
  CHECK(contains(error("ab->ab"), "has 2 inputs and 1 terms"));
  CHECK(contains(error("ab,b1->a"), "unexpected '1' in the equation"));
  CHECK(contains(error("a..b,bc->a"), "expected one '...'"));
  CHECK(contains(error(""), "expected an equation"));
}
