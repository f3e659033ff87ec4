#include <doctest/doctest.h>

#include <octet/kernels/convolution.hpp>
#include <octet/kernels/winograd.hpp>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

ConvolutionShape random_shape(Random& r) {
  ConvolutionShape s;
  s.kernel_h = s.kernel_w = 3;
  s.in_h = r.between(1, 15), s.in_w = r.between(1, 15);
  s.pad_top = r.between(0, 3), s.pad_left = r.between(0, 3);
  // Outputs whose windows may lie partly, or wholly, behind the image.
  s.out_h = r.between(1, s.in_h + s.pad_top + 1), s.out_w = r.between(1, s.in_w + s.pad_left + 1);
  s.batch = r.chance(70) ? 1 : r.between(2, 3);
  s.in_c = r.between(16, 70), s.out_c = r.between(16, 140);
  return s;
}

template <class T>
void run(const GemmConvolution<T>& c, const std::byte* in, const std::byte* init, const std::byte* padding,
         const Epilogue& e, std::int64_t out_element, std::byte* scratch, ThreadPool& pool) {
  c.run(in, init, padding, e, out_element, scratch, pool);
}
template <class T>
void run(const WinogradConvolution<T>& c, const std::byte* in, const std::byte* init, const std::byte* padding,
         const Epilogue& e, std::int64_t, std::byte* scratch, ThreadPool& pool) {
  c.run(in, init, padding, e, scratch, pool);
}

// Runs a convolution of either kind; returns its outputs.
template <class Convolution, class T>
std::vector<std::byte> outputs_of(Convolution& convolution, const ConvolutionShape& s, int threads, const T* in,
                                  const std::byte* init, T zero, const Epilogue& way, std::int64_t out_element) {
  std::vector<std::byte> out(static_cast<std::size_t>(s.rows() * s.out_c * out_element), std::byte{0x5A});
  Epilogue e = way;
  e.out = out.data(), e.out_stride = s.out_c * out_element;
  std::vector<T> padding(static_cast<std::size_t>(s.kernel_w * s.in_c), zero);
  AlignedBytes scratch(convolution.plan(s, threads));
  ThreadPool pool(threads);
  const auto* x = reinterpret_cast<const std::byte*>(in);
  const auto* p = reinterpret_cast<const std::byte*>(padding.data());
  run(convolution, x, init, p, e, out_element, scratch.data(), pool);
  return out;
}

}  // namespace

TEST_CASE("winograd u8s8: the bits of the direct form") {
  Random random(50);
  for (int round = 0; round < 400; ++round) {
    const ConvolutionShape s = random_shape(random);
    constexpr Store stores[] = {Store::u8, Store::u8_residual, Store::scaled_f32};
    const Store store = stores[round % 3];
    const bool bytes = store != Store::scaled_f32;
    RandomEpilogue way(store, s.out_c, random);
    // As large as sums may be: all weights of one sign, until they do not fit any more.
    const bool extreme = random.chance(20);
    std::vector<std::int8_t> weights(static_cast<std::size_t>(s.out_c * 9 * s.in_c));
    random.fill(weights.data(), s.out_c * 9 * s.in_c, extreme ? 127 : -128, 127);
    if (extreme && random.chance(50)) std::fill(weights.begin(), weights.end(), std::int8_t{-128});
    std::vector<std::uint8_t> in(static_cast<std::size_t>(s.batch * s.in_h * s.in_w * s.in_c));
    random.fill(in.data(), static_cast<std::int64_t>(in.size()), random.chance(20) ? 255 : 0, 255);
    Tensor<std::int32_t> init = pad_columns<std::int32_t>(nullptr, s.out_c);
    random.fill(init.data(), s.out_c, -100000, 100000);
    way.limit_sums(100000 + 255.0 * 128 * 9 * static_cast<double>(s.in_c));
    std::vector<std::uint8_t> residual(static_cast<std::size_t>(s.rows() * s.out_c * 4));
    random.fill(residual.data(), static_cast<std::int64_t>(residual.size()), 0, 255);
    std::vector<float> float_residual(static_cast<std::size_t>(s.rows() * s.out_c));
    random.fill(float_residual.data(), static_cast<std::int64_t>(float_residual.size()));
    if (store == Store::u8_residual) {
      way.e.residual = reinterpret_cast<const std::byte*>(residual.data()), way.e.residual_stride = s.out_c;
    } else if (!bytes && random.chance(50)) {
      way.e.residual = reinterpret_cast<const std::byte*>(float_residual.data()), way.e.residual_stride = s.out_c * 4;
    }
    const auto zero = static_cast<std::uint8_t>(random.between(0, 255));

    ConvolutionWeights<std::int8_t> w;
    w.values = weights.data(), w.out_c = s.out_c, w.window = s, w.group_in = s.in_c;
    w.order = bytes ? ColumnOrder::interleaved : ColumnOrder::natural;
    w.init = init.data();
    const int threads = static_cast<int>(random.between(1, 3));
    w.memory = random.chance(50) ? WeightMemory::fast : WeightMemory::balanced;
    GemmConvolution<std::int8_t> direct(kernels(Isa::scalar), w);
    const std::vector<std::byte> expected =
        outputs_of(direct, s, 1, in.data(), init.bytes(), zero, way.e, bytes ? 1 : 4);
    for (Isa isa : available_isas()) {
      WinogradConvolution<std::int8_t> winograd(kernels(isa), w);
      INFO(name(isa), ", round ", round, ": ", s.batch, " x ", s.in_h, " x ", s.in_w, " x ", s.in_c, " -> ", s.out_h,
           " x ", s.out_w, " x ", s.out_c, ", threads ", threads);
      CHECK(winograd.others().empty());
      CHECK(outputs_of(winograd, s, threads, in.data(), init.bytes(), zero, way.e, bytes ? 1 : 4) == expected);
    }
  }
}
