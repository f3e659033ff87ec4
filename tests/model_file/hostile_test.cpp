#include <doctest/doctest.h>

#include <octet/operators/all.hpp>
#include "support/allocations.hpp"
#include "support/models.hpp"

using namespace octet;
using testing::Random;
using testing::random_floats;
using testing::sealed;

namespace {

// A model of one layer. Its inputs are shapes (float images) or constants.
struct OneLayer {
  Model g;
  std::vector<int> in;
  Random& r;

  explicit OneLayer(Random& random) : r(random) {}
  OneLayer& x(const Shape& s, DType dtype = DType::f32, const QuantParams& q = {}) {
    in.push_back(g.add_input("x" + std::to_string(in.size()), s, dtype));
    g.value(in.back()).quant = q;
    return *this;
  }
  OneLayer& w(const Shape& s) { return constant(random_floats(s, r)); }
  OneLayer& w8(const Shape& s, const QuantParams& q) {
    Tensor<int8> t = Tensor<int8>::uninitialized(s);
    r.fill(t.data(), t.size(), -127, 127);
    return constant(std::move(t), q);
  }
  OneLayer& constant(AnyTensor t, const QuantParams& q = {}) {
    in.push_back(g.add_constant("c" + std::to_string(in.size()), std::move(t), q));
    return *this;
  }
  template <class Op>
  Model is(Op op, const QuantParams& q = {}) {
    g.add("layer", std::move(op), in);
    g.outputs = g.nodes[0].outputs;
    if (q) g.value(g.outputs[0]).quant = q;
    return std::move(g);
  }
};

Convolution conv(std::int64_t groups = 1) {
  Convolution c;
  c.window = Window(3, 3, 1, 1);
  c.groups = groups;
  return c;
}

template <class Pool>
Pool pool() {
  Pool p;
  p.window = Window(2, 2, 2, 1);
  return p;
}

// At least one model for every operator, and for every form of the larger ones.
std::vector<Model> models_of_one_layer(Random& r) {
  const Shape image{1, 4, 5, 6}, weights{8, 3, 3, 6};
  const QuantParams q(0.02f, 100), wq(0.01f, 0);
  const auto one = [&] { return OneLayer(r); };
  MaxPool with_indices = pool<MaxPool>();
  with_indices.indices = true;
  TransposedConvolution transposed;
  transposed.window = Window(3, 3, 2, 1);
  ConvInteger plain_integers;
  plain_integers.window = Window(3, 3, 1, 1);
  Pad pad;
  pad.before = {0, 1, 1, 0};
  pad.after = {0, 1, 2, 0};
  Slice slice;
  slice.starts = {1, 0};
  slice.ends = {3, 4};
  slice.axes = {1, 2};
  slice.steps = {1, 2};
  Split split;
  split.axis = 3;
  split.sizes = {2, 4};
  Resize resize;
  resize.sizes = {1, 8, 10, 6};
  QuantizeLinear quantize_linear;
  quantize_linear.axis = 3;
  DequantizeLinear dequantize_linear;
  dequantize_linear.axis = 3;
  std::vector<Model> m;
  m.push_back(one().x(image).w(weights).w({8}).x({1, 4, 5, 8}).is(conv()));
  m.push_back(one().x(image).w({6, 3, 3, 1}).w({6}).is(conv(6)));
  m.push_back(one().x(image).w8(weights, wq).w({8}).is(conv()));
  m.push_back(one().x(image, DType::u8, q).w8(weights, wq).constant(Tensor<int32>({8})).is(conv(), q));
  m.push_back(one().x(image, DType::i8, wq).w8({6, 3, 3, 1}, wq).is(conv(6), wq));
  m.push_back(one().x(image).w({8, 3, 3, 6}).w({8}).is(transposed));
  m.push_back(one().x({1, 6}).w({7, 6}).w({7}).is(FullyConnected()));
  m.push_back(one().x({1, 6}).w8({7, 6}, wq).is(FullyConnected()));
  m.push_back(one().x({1, 6}, DType::u8, q).w8({7, 6}, wq).is(FullyConnected(), q));
  m.push_back(one().x({2, 3, 4}).x({4, 5}).is(MatMul()));
  m.push_back(one().x({2, 3, 4}).w({4, 5}).is(MatMul()));
  m.push_back(one().x(image).w({6}).w({6}).w({6}).w({6}).is(BatchNormalization()));
  m.push_back(one().x(image).is(pool<MaxPool>()));
  m.push_back(one().x(image).is(with_indices));
  m.push_back(one().x(image).is(pool<AveragePool>()));
  m.push_back(one().x(image, DType::u8, q).is(pool<AveragePool>(), q));
  m.push_back(one().x(image).x({6}).is(Binary(BinaryKind::add)));
  m.push_back(one().x(image, DType::u8, q).x({1, 4, 5, 6}, DType::u8, q).is(Binary(BinaryKind::add), q));
  m.push_back(one().x(image, DType::i32).x(image, DType::i32).is(Binary(BinaryKind::div)));
  m.push_back(one().x(image).x(image).is(Concat(3)));
  m.push_back(one().x(image, DType::u8, q).x(image, DType::u8, wq).is(Concat(3), q));
  m.push_back(one().x(image, DType::u8, q).is(Convert(DType::f32)));
  m.push_back(one().x(image).is(Unary(UnaryKind::sigmoid)));
  m.push_back(one().x(image, DType::u8, q).is(Unary(UnaryKind::sigmoid), q));
  m.push_back(one().x({1, 4, 5, 6}).is(Reduce(ReduceKind::mean, {1, 2}, false)));
  m.push_back(one().x(image, DType::u8, q).is(Reduce(ReduceKind::mean, {1, 2}, false), q));
  m.push_back(one().x({2, 7}).is(Softmax()));
  m.push_back(one().x({2, 7}, DType::u8, q).is(Softmax(), q));
  m.push_back(one().x(image).is(LocalResponseNormalization()));
  m.push_back(one().x(image).w({6}).is(PRelu()));
  m.push_back(one().x({2, 3}, DType::boolean).x({2, 3}).x({3}).is(Where()));
  m.push_back(one().x(image).is(pad));
  m.push_back(one().x(image).is(slice));
  m.push_back(one().x(image).is(split));
  m.push_back(one().x(image).is(Transpose({0, 3, 1, 2})));
  m.push_back(one().x({5, 3}).constant(Tensor<std::int64_t>({2}, {1, 4})).is(Gather(0)));
  m.push_back(one().x({5, 1}).is(Expand({2, 5, 3})));
  m.push_back(one().x(image).is(resize));
  m.push_back(one().x(image).is(Identity()));
  m.push_back(one().x(image).is(Reshape({1, -1})));
  m.push_back(one().x(image).is(Flatten(1)));
  m.push_back(one().x(image).is(Squeeze({0})));
  m.push_back(one().x(image).is(Unsqueeze({0})));
  m.push_back(one().x(image).w({6}).constant(Tensor<uint8>({6})).is(quantize_linear));
  m.push_back(one().x(image, DType::u8).w({6}).constant(Tensor<uint8>({6})).is(dequantize_linear));
  m.push_back(one().x(image).is(DynamicQuantizeLinear()));
  m.push_back(one().x(image, DType::u8).w8(weights, {}).is(plain_integers));
  m.push_back(one().x({3, 4}, DType::u8).w8({4, 5}, {}).is(MatMulInteger()));
  return m;
}

// Loads a file and, if that succeeds, runs the model. Returns whether it was loaded.
bool use(const std::string& path, const std::string& bytes) {
  testing::write_file(path, bytes);
  testing::largest_allocation();
  Model m;
  const auto load = [&] {
    try {
      m = load_octet(path);
      return true;
    } catch (const FormatError&) {
      return false;
    }
  };
  const bool loaded = load();
  CHECK(testing::largest_allocation() < 20 * bytes.size() + 100000);
  if (!loaded) return false;
  try {
    const std::vector<Shape> shapes = detail::self_test_shapes(m, 6);
    std::int64_t elements = 0;
    for (const Shape& s : m.infer_shapes(shapes)) elements += s.elements();
    if (elements > 100000) return true;
    const std::vector<AnyTensor> inputs = detail::self_test_inputs(m, shapes, 1);
    for (const bool optimize : {false, true}) {
      ExecutorOptions options;
      options.optimize = optimize;
      Executor(m, options).run(inputs);
    }
  } catch (const Error&) {
  }
  return true;
}

std::uint64_t description_bytes(const std::string& file) {
  std::uint64_t n;
  std::memcpy(&n, &file[32], 8);
  return n;
}

}  // namespace

TEST_CASE("hostile model files: truncated descriptions") {
  Random r(90);
  const testing::TemporaryFile file("cut.octet");
  save(testing::small_model(r), file.path);
  const std::string good = testing::contents(file.path);
  for (std::uint64_t n = 0; n < description_bytes(good); ++n) {
    std::string cut = good.substr(0, 64 + n), told = good;
    std::memcpy(&cut[32], &n, 8);
    std::memcpy(&told[32], &n, 8);
    CHECK_FALSE(use(file.path, sealed(cut)));
    CHECK_FALSE(use(file.path, sealed(told)));
  }
}

TEST_CASE("hostile model files: changed bytes with a correct checksum, in every operator") {
  Random r(91);
  const testing::TemporaryFile file("hostile.octet");
  std::vector<Model> models = models_of_one_layer(r);
  models.push_back(testing::small_model(r));
  for (const Model& model : models) {
    CAPTURE(model.nodes[0].op->type());
    save(model, file.path, {false});
    const std::string good = testing::contents(file.path);
    const auto end = static_cast<std::int64_t>(64 + description_bytes(good));
    REQUIRE(use(file.path, good));
    int taken = 0;
    for (std::int64_t i = 64; i < end; ++i) {
      std::string bad = good;
      bad[static_cast<std::size_t>(i)] = static_cast<char>(bad[static_cast<std::size_t>(i)] ^ (i % 2 ? 0x01 : 0x83));
      taken += use(file.path, sealed(bad));
    }
    for (int round = 0; round < 150; ++round) {
      std::string bad = good;
      for (std::int64_t n = r.between(1, 4); n > 0; --n)
        bad[static_cast<std::size_t>(r.between(32, end - 1))] = static_cast<char>(r.chance(30)   ? 0xff
                                                                                  : r.chance(30) ? 0
                                                                                                 : r.between(0, 255));
      taken += use(file.path, sealed(bad));
    }
    CHECK(taken > 0);  // changed names are still valid
  }
}
