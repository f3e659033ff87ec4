#include <doctest/doctest.h>

#include <octet/kernels/few_columns.hpp>
#include <octet/kernels/pack_small.hpp>

#include "support/epilogue.hpp"
#include "support/isas.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

constexpr std::int64_t sizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65};

// A random product of uint8 and int8, with accumulators modulo 2^32.
struct U8Product {
  std::int64_t rows, columns, k;
  std::ptrdiff_t a_stride;
  Exact<std::uint8_t> a;
  std::vector<std::int8_t> weights;
  Tensor<std::int32_t> init;
  std::vector<std::int32_t> sums;
  std::vector<std::uint8_t> multipliers;
  WeightBlocks blocks;

  U8Product(std::int64_t m, std::int64_t n, std::int64_t depth, Random& random, bool extremes, int lowest = -128)
      : rows(m),
        columns(n),
        k(depth),
        a_stride(round_up(depth, 4) + random.between(0, 5)),
        a((m - 1) * a_stride + round_up(depth, 4), static_cast<std::size_t>(random.between(0, 3))),
        weights(static_cast<std::size_t>(n * depth)),
        init(pad_columns<std::int32_t>(nullptr, n)) {
    random.fill(a.data(), a.size(), 0, 255);
    random.fill(weights.data(), n * depth, lowest, -lowest - 1);
    if (extremes) {
      std::memset(a.bytes(), 255, static_cast<std::size_t>(a.size()));
      std::fill(weights.begin(), weights.end(), static_cast<std::int8_t>(lowest));
    }
    // Sums that come close to the limits of an int32, or wrap around them.
    for (std::int64_t c = 0; c < n; ++c)
      init[c] = static_cast<std::int32_t>(random.chance(70) ? random.between(-100000, 100000)
                                          : random.chance(50)
                                              ? std::numeric_limits<std::int32_t>::max() - random.between(0, 9)
                                              : std::numeric_limits<std::int32_t>::min() + random.between(0, 9));
    add_up();
  }
  void add_up() {
    sums.clear();
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) {
        std::int64_t sum = init[c];
        for (std::int64_t i = 0; i < k; ++i)
          sum += std::int64_t{a[r * a_stride + i]} * weights[static_cast<std::size_t>(c * k + i)];
        sums.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(sum))));
      }
  }
  /// Multiplies weights in [-8, 7] by a random number for each block.
  void multiply_blocks(std::int64_t block, Random& random) {
    for (std::int64_t c = 0; c < columns; ++c)
      for (std::int64_t i = 0; i < k; ++i) {
        if (i % block == 0)
          multipliers.push_back(static_cast<std::uint8_t>(random.chance(20) ? 16 : random.between(1, 16)));
        std::int8_t& w = weights[static_cast<std::size_t>(c * k + i)];
        w = static_cast<std::int8_t>(w * multipliers.back());
      }
    blocks = {block, multipliers.data()};
    add_up();
  }
  double largest_sum() const {
    double largest = 0;
    for (std::int32_t s : sums) largest = std::max(largest, std::abs(static_cast<double>(s)));
    return largest;
  }
  std::int32_t sum(std::int64_t r, std::int64_t c) const { return sums[static_cast<std::size_t>(r * columns + c)]; }
};

template <class Product, class Weights>
Gemm gemm_of(const Product& p, const Weights& packed, const Epilogue& e) {
  Gemm g;
  g.a = p.a.bytes();
  g.a_stride = p.a_stride;
  g.rows = p.rows;
  g.steps = packed.steps;
  if constexpr (std::is_same_v<Weights, PackedMatrix>) g.block_steps = packed.block_steps;
  g.b = packed.data.data();
  g.columns = p.columns;
  g.init = p.init.bytes();
  g.epilogue = e;
  return g;
}

/// gemm_u8s8, with activations as it takes them.
void multiply_u8s8(const Kernels& kernels, const U8Product& p, Gemm g, Product multiply) {
  Exact<std::uint8_t> wide(kernels.widen_u8 ? p.rows * round_up(2 * p.k, 64) : 0);
  if (kernels.widen_u8) {
    std::memset(wide.bytes(), 0xFF, static_cast<std::size_t>(wide.size()));
    g.a = wide.bytes();
    g.a_stride = round_up(2 * p.k, 64);
    kernels.widen_u8({p.a.bytes(), wide.bytes(), p.a_stride, g.a_stride, p.rows, p.k});
  }
  multiply(g);
}

enum class Form { panels, four_bits, few_columns };

int wrong_u8(const Kernels& kernels, const U8Product& p, const RandomEpilogue& way, Random& random,
             Form form = Form::panels) {
  Epilogue e = way.e;
  const bool bytes = e.store == Store::u8 || e.store == Store::u8_residual;
  const ColumnOrder order = bytes ? ColumnOrder::interleaved : ColumnOrder::natural;
  PackedMatrix packed =
      pack_matrix(kernels, p.weights.data(), p.columns, p.k, order,
                  form == Form::four_bits ? weights_per_step<std::int8_t> : step_elements<std::int8_t>(kernels));
  if (form == Form::four_bits) packed = packed_small(kernels, packed, order, p.blocks);
  if (form == Form::few_columns)
    packed = pack_few_columns(kernels, p.weights.data(), p.columns, p.k, step_elements<std::int8_t>(kernels));
  const std::int64_t element = bytes ? 1 : 4;
  e.out_stride = (p.columns + random.between(0, 3)) * element;
  OutputRows out(p.rows, p.columns, element, e.out_stride, static_cast<std::size_t>(random.between(0, 5) * element));
  e.out = out.bytes();
  Exact<std::uint8_t> residual(p.rows * p.columns * element);
  const bool with_residual = e.store == Store::u8_residual || (e.store == Store::scaled_f32 && random.chance(50));
  if (with_residual) {
    if (bytes)
      random.fill(residual.data(), residual.size(), 0, 255);
    else
      random.fill(reinterpret_cast<float*>(residual.data()), p.rows * p.columns);
    e.residual = residual.bytes();
    e.residual_stride = p.columns * element;
  }
  Tensor<float> row_scale({p.rows}), row_shift({p.rows}), sums = pad_columns<float>(nullptr, p.columns);
  if (e.store == Store::scaled_f32 && random.chance(50)) {
    for (std::int64_t r = 0; r < p.rows; ++r) {
      row_scale[r] = random.real(0.01f, 2);
      row_shift[r] = -static_cast<float>(random.between(0, 255));
    }
    for (std::int64_t c = 0; c < p.columns; ++c) sums[c] = static_cast<float>(random.between(-5000, 5000));
    e.row_scale = row_scale.data();
    e.row_shift = row_shift.data();
    e.row_step = 1;
    e.sums = sums.data();
  }
  if (form == Form::four_bits)
    kernels.gemm_u8s4(gemm_of(p, packed, e));
  else
    multiply_u8s8(kernels, p, gemm_of(p, packed, e), form == Form::few_columns ? kernels.few_u8s8 : kernels.gemm_u8s8);
  int wrong = !out.intact();
  for (std::int64_t r = 0; r < p.rows; ++r)
    for (std::int64_t c = 0; c < p.columns; ++c) {
      const std::int64_t i = r * p.columns + c;
      const std::int32_t acc = p.sum(r, c);
      if (bytes) {
        wrong += out.at<std::uint8_t>(r, c) != expected_u8(e, acc, e.scale[c], with_residual ? residual[i] : 0);
      } else if (e.store == Store::scaled_f32) {
        const float* f = with_residual ? reinterpret_cast<const float*>(residual.data()) + i : nullptr;
        const float sum = static_cast<float>(acc);
        const float expected = e.row_step ? expected_scaled(e, std::fma(row_shift[r], sums[c], sum), row_scale[r],
                                                            e.scale[c], e.shift[c], f)
                                          : expected_scaled(e, sum, *e.row_scale, e.scale[c], e.shift[c], f);
        wrong += bits_of(out.at<float>(r, c)) != bits_of(expected);
      } else {
        wrong += out.at<std::int32_t>(r, c) != acc;
      }
    }
  return wrong;
}

}  // namespace

TEST_CASE("gemm u8s8: every store, sizes around the tiles, every instruction set") {
  Random random(10);
  for (Store store : {Store::accumulator, Store::u8, Store::u8_residual, Store::scaled_f32})
    for (std::int64_t columns : sizes)
      for (int i = 0; i < 6; ++i) {
        const std::int64_t rows = i == 0 ? 1 : random.between(1, 33), k = i == 1 ? 1 : random.between(1, 70);
        const U8Product p(rows, columns, k, random, random.chance(10));
        RandomEpilogue way(store, columns, random);
        for (Isa isa : available_isas()) {
          INFO(name(isa), ", store ", static_cast<int>(store), ": ", rows, " x ", columns, " x ", k);
          CHECK(wrong_u8(kernels(isa), p, way, random) == 0);
        }
      }
}

TEST_CASE("few columns u8s8: every store, every instruction set") {
  Random random(17);
  for (Store store : {Store::accumulator, Store::u8, Store::u8_residual, Store::scaled_f32})
    for (std::int64_t columns = 1; columns <= 8; ++columns)
      for (int i = 0; i < 12; ++i) {
        const std::int64_t rows = i == 0 ? 1 : random.between(1, 33), k = i == 1 ? 1 : random.between(1, 200);
        const U8Product p(rows, columns, k, random, random.chance(10));
        RandomEpilogue way(store, columns, random);
        for (Isa isa : available_isas()) {
          if (!has_few_columns<std::int8_t>(kernels(isa), columns)) continue;
          INFO(name(isa), ", store ", static_cast<int>(store), ": ", rows, " x ", columns, " x ", k);
          CHECK(wrong_u8(kernels(isa), p, way, random, Form::few_columns) == 0);
        }
      }
}

TEST_CASE("few columns: rows in parts, which overlap") {
  Random random(19);
  for (std::int64_t columns : {1, 2, 3, 5, 8})
    for (int i = 0; i < 30; ++i) {
      const std::int64_t rows = random.between(1, 20), parts = random.between(1, 4), part = random.between(1, 40);
      const std::int64_t step = 1 + random.between(0, 3), part_row = (rows - 1) * step + part, k = parts * part;
      Exact<std::uint8_t> bytes(parts * (part_row * 4 + 64));  // rows of widen_u8's vectors
      std::vector<std::int8_t> small(static_cast<std::size_t>(columns * k) * 4);
      random.fill(bytes.data(), bytes.size(), 0, 255);
      random.fill(small.data(), static_cast<std::int64_t>(small.size()), -128, 127);
      const Tensor<float> init = pad_columns<float>(nullptr, columns);  // also int32 zeros
      for (Isa isa : available_isas()) {
        const Kernels& simd = kernels(isa);
        std::vector<std::int32_t> out(static_cast<std::size_t>(rows * columns));
        Gemm g;
        g.rows = rows;
        g.columns = columns;
        g.init = init.bytes();
        g.parts = parts;
        g.epilogue.out = reinterpret_cast<std::byte*>(out.data());
        g.epilogue.out_stride = columns * 4;
        int wrong = 0;
        if (has_few_columns<std::int8_t>(simd, columns)) {
          const PackedMatrix packed =
              pack_few_columns(simd, small.data(), columns, 4 * k, step_elements<std::int8_t>(simd), parts);
          const std::int64_t in_row = part_row * 4 + 64, wide_row = round_up(2 * part_row * 4, 64);
          Exact<std::uint8_t> wide(simd.widen_u8 ? parts * wide_row : 0);
          g.a = bytes.bytes();
          g.a_stride = step * 4;
          g.part_stride = in_row;
          if (simd.widen_u8) {
            simd.widen_u8({bytes.bytes(), wide.bytes(), in_row, wide_row, parts, part_row * 4});
            g.a = wide.bytes();
            g.a_stride *= 2;
            g.part_stride = wide_row;
          }
          g.steps = packed.steps;
          g.b = packed.data.data();
          simd.few_u8s8(g);
          for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t c = 0; c < columns; ++c) {
              std::int32_t sum = 0;
              for (std::int64_t j = 0; j < 4 * k; ++j)
                sum += bytes[j / (4 * part) * in_row + r * step * 4 + j % (4 * part)] *
                       small[static_cast<std::size_t>(c * 4 * k + j)];
              wrong += out[static_cast<std::size_t>(r * columns + c)] != sum;
            }
        }
        INFO(name(isa), ": ", rows, " x ", columns, " x ", parts, " parts of ", part);
        CHECK(wrong == 0);
      }
    }
}

TEST_CASE("few columns of floats: parts that overlap, residuals, limits, and NaN beside the rows") {
  Random random(23);
  for (std::int64_t columns = 1; columns <= 8; ++columns)
    for (int i = 0; i < 20; ++i) {
      const std::int64_t rows = random.between(1, 30), parts = random.between(1, 3), part = random.between(1, 90);
      const std::int64_t step = random.between(1, part), in_row = (rows - 1) * step + part + 1, k = parts * part;
      // Integers, whose sums are exact in any order.
      Exact<float> in(parts * in_row, 4), weights(columns * k, 4);
      for (std::int64_t j = 0; j < in.size(); ++j)
        in.set(j, j % in_row == in_row - 1 ? NAN : static_cast<float>(random.between(-99, 99)));
      for (std::int64_t j = 0; j < weights.size(); ++j) weights.set(j, static_cast<float>(random.between(-99, 99)));
      Tensor<float> start({columns}), residual({rows, columns});
      random.fill(start.data(), columns);
      random.fill(residual.data(), residual.size());
      const Tensor<float> init = pad_columns(start.data(), columns);
      const bool adds = random.chance(50);
      for (Isa isa : available_isas()) {
        const Kernels& simd = kernels(isa);
        if (!has_few_columns<float>(simd, columns)) continue;
        const PackedMatrix packed = pack_few_columns(simd, weights.data(), columns, k, 1, parts);
        Gemm g;
        g.rows = rows;
        g.columns = columns;
        g.init = init.bytes();
        g.a = in.bytes();
        g.a_stride = step * 4;
        g.parts = parts;
        g.part_stride = in_row * 4;
        g.steps = packed.steps;
        g.b = packed.data.data();
        g.epilogue.store = Store::f32;
        g.epilogue.low_f32 = -1e5f;
        g.epilogue.high_f32 = 2e5f;
        g.epilogue.out_stride = (columns + random.between(0, 1)) * 4;
        OutputRows out(rows, columns, 4, g.epilogue.out_stride, 0);
        g.epilogue.out = out.bytes();
        if (adds) {
          g.epilogue.residual = residual.bytes();
          g.epilogue.residual_stride = columns * 4;
        }
        simd.few_f32(g);
        int wrong = !out.intact();
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t c = 0; c < columns; ++c) {
            double sum = 0;
            for (std::int64_t j = 0; j < k; ++j)
              sum += static_cast<double>(in[j / part * in_row + r * step + j % part]) *
                     static_cast<double>(weights[c * k + j]);
            sum = sum + start[c] + (adds ? residual(r, c) : 0.0f);
            wrong += !(std::abs(out.at<float>(r, c) - std::clamp(sum, -1e5, 2e5)) <= 0.2);
          }
        INFO(name(isa), ": ", rows, " x ", columns, " x ", parts, " parts of ", part, ", step ", step);
        CHECK(wrong == 0);
      }
    }
}

TEST_CASE("gemm u8s8: largest products of many elements are exact") {
  // 255 * -128 * 2 does not fit into 16 bits, so vpmaddubsw would saturate.
  Random random(11);
  for (Isa isa : available_isas())
    for (std::int64_t k : {2, 4, 64, 4608, 25088}) {
      CAPTURE(name(isa));
      const U8Product p(3, 17, k, random, true);
      CHECK(wrong_u8(kernels(isa), p, RandomEpilogue(Store::accumulator, 17, random), random) == 0);
    }
}

TEST_CASE("gemm with weights of 4 bits: every store, sizes around the tiles, every instruction set") {
  Random random(15);
  for (Store store : {Store::accumulator, Store::u8, Store::u8_residual, Store::scaled_f32})
    for (std::int64_t columns : sizes)
      for (int i = 0; i < 6; ++i) {
        const std::int64_t rows = i < 3 ? i + 1 : random.between(1, 15), k = random.between(1, 140);
        const U8Product p(rows, columns, k, random, random.chance(20), -8);
        RandomEpilogue way(store, columns, random);
        for (Isa isa : available_isas()) {
          INFO(name(isa), ", store ", static_cast<int>(store), ": ", rows, " x ", columns, " x ", k);
          CHECK(wrong_u8(kernels(isa), p, way, random, Form::four_bits) == 0);
        }
      }
}

TEST_CASE("gemm with weights of 4 bits in blocks: every store, sizes around the blocks, every instruction set") {
  Random random(18);
  for (Store store : {Store::accumulator, Store::u8, Store::u8_residual, Store::scaled_f32})
    for (std::int64_t columns : {1, 15, 16, 17, 33, 63, 65})
      for (std::int64_t k : {1, 31, 32, 33, 36, 63, 64, 65, 127, 128, 129, 257})
        for (std::int64_t rows : {1, 2, 5}) {
          U8Product p(rows, columns, k, random, random.chance(20), -8);
          p.multiply_blocks(std::int64_t{32} << random.between(0, 3), random);
          RandomEpilogue way(store, columns, random);
          for (Isa isa : available_isas()) {
            INFO(name(isa), ", store ", static_cast<int>(store), ": ", rows, " x ", columns, " x ", k, " in blocks of ",
                 p.blocks.size);
            CHECK(wrong_u8(kernels(isa), p, way, random, Form::four_bits) == 0);
          }
        }
}

TEST_CASE("gemm with weights of 4 bits in blocks: panels become those of int8 again") {
  Random random(20);
  for (Isa isa : available_isas())
    for (ColumnOrder order : {ColumnOrder::natural, ColumnOrder::interleaved})
      for (std::int64_t columns : sizes)
        for (std::int64_t k : {1, 32, 33, 64, 70, 100}) {
          U8Product p(1, columns, k, random, false, -8);
          p.multiply_blocks(32, random);
          const PackedMatrix whole = pack_matrix(kernels(isa), p.weights.data(), columns, k, order,
                                                 weights_per_step<std::int8_t>),
                             small = packed_small(kernels(isa), whole, order, p.blocks),
                             again = expanded_small(kernels(isa), small);
          CHECK(again.column_bytes == whole.column_bytes);
          REQUIRE(again.data.size() == whole.data.size());
          CHECK(std::memcmp(again.data.data(), whole.data.data(), whole.data.size()) == 0);
          CHECK(small.column_bytes <= whole.column_bytes / 2 + 4 + (k + 31) / 32);
        }
}

TEST_CASE("gemm with weights of 4 bits: panels become those of int8 again") {
  Random random(16);
  for (Isa isa : available_isas())
    for (std::int64_t columns : sizes)
      for (std::int64_t k : {1, 4, 5, 8, 30}) {
        const U8Product p(1, columns, k, random, false, -8);
        const PackedMatrix whole = pack_matrix(kernels(isa), p.weights.data(), columns, k, ColumnOrder::natural,
                                               weights_per_step<std::int8_t>),
                           small = packed_small(kernels(isa), whole), again = expanded_small(kernels(isa), small);
        CHECK(again.column_bytes == whole.column_bytes);
        REQUIRE(again.data.size() == whole.data.size());
        CHECK(std::memcmp(again.data.data(), whole.data.data(), whole.data.size()) == 0);
        CHECK(small.column_bytes <= whole.column_bytes / 2 + 4);
      }
}

TEST_CASE("gemm u8s8: a custom store gets each accumulator once, with its position") {
  Random random(12);
  struct Seen {
    std::int64_t columns;
    std::vector<std::int32_t> sums;
    std::vector<int> times;
  };
  for (Isa isa : available_isas())
    for (std::int64_t columns : {1, 16, 33, 70}) {
      const U8Product p(29, columns, 21, random, false);
      const PackedMatrix packed = pack_matrix(kernels(isa), p.weights.data(), columns, p.k);
      Seen seen{columns, std::vector<std::int32_t>(p.sums.size()), std::vector<int>(p.sums.size())};
      Epilogue e;
      e.store = Store::custom;
      e.first_row = 1000;
      e.first_column = 64;
      e.context = &seen;
      e.custom = [](const Epilogue& own, const std::byte* acc, std::ptrdiff_t stride, std::int64_t row, int m,
                    std::int64_t column, int n) {
        auto& s = *static_cast<Seen*>(const_cast<void*>(own.context));
        for (int r = 0; r < m; ++r)
          for (int c = 0; c < n; ++c) {
            const auto at = static_cast<std::size_t>((row - 1000 + r) * s.columns + column - 64 + c);
            std::memcpy(&s.sums.at(at), acc + r * stride + 4 * c, 4);
            ++s.times.at(at);
          }
      };
      multiply_u8s8(kernels(isa), p, gemm_of(p, packed, e), kernels(isa).gemm_u8s8);
      CHECK(seen.sums == p.sums);
      CHECK(std::all_of(seen.times.begin(), seen.times.end(), [](int n) { return n == 1; }));
    }
}

TEST_CASE("gemm f32: each output is one chain of fused multiply-adds, the same bits on every instruction set") {
  struct Product {
    std::int64_t rows, columns;
    std::ptrdiff_t a_stride;
    Exact<float> a;
    Tensor<float> init;
  };
  Random random(13);
  for (std::int64_t columns : sizes)
    for (int i = 0; i < 8; ++i) {
      const std::int64_t rows = i == 0 ? 1 : random.between(1, 33), k = random.between(1, 40);
      const std::int64_t row = k + random.between(0, 3);
      Product p{rows, columns, row * 4, Exact<float>((rows - 1) * row + k, 4 * static_cast<std::size_t>(i)),
                pad_columns<float>(nullptr, columns)};
      random.fill(p.a.data(), p.a.size());
      random.fill(p.init.data(), columns);
      std::vector<float> weights(static_cast<std::size_t>(columns * k)),
          residual(static_cast<std::size_t>(rows * columns));
      random.fill(weights.data(), columns * k);
      random.fill(residual.data(), rows * columns);
      if (random.chance(10)) p.a.data()[0] = std::numeric_limits<float>::quiet_NaN();
      if (random.chance(10)) p.a.data()[0] = std::numeric_limits<float>::infinity();
      RandomEpilogue way(random.chance(80) ? Store::f32 : Store::accumulator, columns, random);
      Epilogue& e = way.e;
      if (e.store == Store::f32 && random.chance(50)) {
        e.residual = reinterpret_cast<std::byte*>(residual.data());
        e.residual_stride = columns * 4;
      }
      for (Isa isa : available_isas()) {
        const PackedMatrix packed = pack_matrix(kernels(isa), weights.data(), columns, k);
        e.out_stride = (columns + 1) * 4;
        OutputRows out(rows, columns, 4, e.out_stride, 4);
        e.out = out.bytes();
        kernels(isa).gemm_f32(gemm_of(p, packed, e));
        int wrong = !out.intact();
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t c = 0; c < columns; ++c) {
            float acc = p.init[c];
            for (std::int64_t j = 0; j < k; ++j)
              acc = std::fma(p.a[r * row + j], weights[static_cast<std::size_t>(c * k + j)], acc);
            if (e.store == Store::f32)
              acc = expected_f32(e, acc, e.residual ? &residual[static_cast<std::size_t>(r * columns + c)] : nullptr);
            const float got = out.at<float>(r, c);
            wrong += bits_of(got) != bits_of(acc) && !(std::isnan(got) && std::isnan(acc));
          }
        INFO(name(isa), ": ", rows, " x ", columns, " x ", k);
        CHECK(wrong == 0);
      }
    }
}

TEST_CASE("gemm with fp16 weights: the same bits as with these weights as floats") {
  Random random(14);
  for (std::int64_t columns : sizes)
    for (int i = 0; i < 4; ++i) {
      const std::int64_t rows = random.between(1, 33), k = random.between(1, 40);
      Exact<float> a(rows * k);
      random.fill(a.data(), a.size());
      const Tensor<float> init = pad_columns<float>(nullptr, columns);
      std::vector<float> weights(static_cast<std::size_t>(columns * k));
      std::vector<fp16> half;
      random.fill(weights.data(), columns * k);
      for (float& w : weights) {
        half.emplace_back(w);
        w = static_cast<float>(half.back());
      }
      for (Isa isa : available_isas()) {
        const Kernels& simd = kernels(isa);
        Epilogue e;
        e.out_stride = columns * 4;
        OutputRows out(rows, columns, 4, e.out_stride, 4), expected(rows, columns, 4, e.out_stride, 4);
        const auto run = [&](auto kernel, const auto* w, OutputRows& to) {
          const PackedMatrix packed = pack_matrix(simd, w, columns, k);
          Gemm g;
          g.a = a.bytes();
          g.a_stride = k * 4;
          g.rows = rows;
          g.steps = packed.steps;
          g.b = packed.data.data();
          g.columns = columns;
          g.init = init.bytes();
          g.epilogue = e;
          g.epilogue.out = to.bytes();
          kernel(g);
        };
        run(simd.gemm_f32, weights.data(), expected);
        run(simd.gemm_fp16, half.data(), out);
        INFO(name(isa), ": ", rows, " x ", columns, " x ", k);
        CHECK(out.intact());
        for (std::int64_t r = 0; r < rows; ++r)
          CHECK(std::memcmp(out.bytes() + r * e.out_stride, expected.bytes() + r * e.out_stride,
                            static_cast<std::size_t>(columns) * 4) == 0);
      }
    }
}

TEST_CASE("gemm bf16: exact products of rounded numbers, up to the rounding of sums") {
  Random random(15);
  for (Isa isa : available_isas()) {
    const Kernels& simd = kernels(isa);
    if (!simd.gemm_bf16) continue;
    for (std::int64_t columns : sizes)
      for (int i = 0; i < 8; ++i) {
        const std::int64_t rows = random.between(1, 33), k = random.between(1, 300), stride = round_up(2 * k, 4) + 4;
        std::vector<float> a(static_cast<std::size_t>(rows * k));
        std::vector<bf16> weights;
        random.fill(a.data(), rows * k);
        for (std::int64_t j = 0; j < columns * k; ++j) weights.emplace_back(random.real(-1, 1));
        Exact<std::uint8_t> rounded(rows * stride);
        std::memset(rounded.bytes(), 0xFF, static_cast<std::size_t>(rows * stride));  // NaNs
        for (std::int64_t r = 0; r < rows; ++r) simd.round_bf16(a.data() + r * k, rounded.bytes() + r * stride, k);
        const Tensor<float> init = pad_columns<float>(nullptr, columns);
        const PackedMatrix packed = pack_matrix(simd, weights.data(), columns, k);
        Gemm g;
        g.a = rounded.bytes();
        g.a_stride = stride;
        g.rows = rows;
        g.steps = packed.steps;
        g.b = packed.data.data();
        g.columns = columns;
        g.init = init.bytes();
        g.epilogue.out_stride = columns * 4;
        OutputRows out(rows, columns, 4, g.epilogue.out_stride, 4);
        g.epilogue.out = out.bytes();
        simd.gemm_bf16(g);
        INFO(name(isa), ": ", rows, " x ", columns, " x ", k);
        CHECK(out.intact());
        int wrong = 0;
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t c = 0; c < columns; ++c) {
            double sum = 0, magnitude = 0;
            for (std::int64_t j = 0; j < k; ++j) {
              const double product =
                  static_cast<double>(static_cast<float>(bf16(a[static_cast<std::size_t>(r * k + j)]))) *
                  static_cast<double>(static_cast<float>(weights[static_cast<std::size_t>(c * k + j)]));
              sum += product;
              magnitude += std::abs(product);
            }
            const double error = std::abs(static_cast<double>(out.at<float>(r, c)) - sum);
            wrong += !(error <= 1e-37 + magnitude * static_cast<double>(k) * 6e-8);
          }
        CHECK(wrong == 0);
      }
  }
}

TEST_CASE("widened activations: every size, and no byte more is read") {
  Random random(17);
  for (Isa isa : available_isas()) {
    const Kernels& k = kernels(isa);
    if (!k.widen_u8) continue;
    for (std::int64_t n = 0; n <= 130; ++n) {
      const std::int64_t rows = 3, stride = round_up(n, 32);
      Exact<std::uint8_t> in(rows * n);
      random.fill(in.data(), in.size(), 0, 255);
      std::vector<std::int16_t> out(static_cast<std::size_t>(rows * stride + 1), 7);
      k.widen_u8({in.bytes(), reinterpret_cast<std::byte*>(out.data()), n, 2 * stride, rows, n});
      INFO(name(isa), ": ", n);
      for (std::int64_t r = 0; r < rows; ++r)
        CHECK(std::equal(in.data() + r * n, in.data() + (r + 1) * n, out.begin() + r * stride));
      CHECK(out.back() == 7);
    }
  }
}

TEST_CASE("packed weights: every element at its position, zeros elsewhere") {
  for (Isa isa : available_isas()) {
    const Kernels& k = kernels(isa);
    std::vector<std::int8_t> w(3 * 6);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<std::int8_t>(i + 1);
    const PackedMatrix m = pack_matrix(k, w.data(), 3, 6);
    const std::int64_t per_step = step_elements<std::int8_t>(k), steps = (6 + per_step - 1) / per_step;
    CHECK(m.steps == steps);
    CHECK(m.data.size() == static_cast<std::size_t>(k.lanes * (steps * per_step + (k.shifted_u8 ? 4 : 0))));
    std::int64_t sum = 0;
    for (int i = 0; i < k.lanes * steps * per_step; ++i) sum += std::to_integer<int>(m.data.data()[i]);
    CHECK(sum == 18 * 19 / 2);
    if (k.shifted_u8)
      for (int c = 0; c < 3; ++c) {
        std::int32_t lacking = 0;
        std::memcpy(&lacking, m.data.data() + k.lanes * 8 + 4 * c, 4);
        CHECK(lacking == 128 * (36 * c + 21));
      }
    CHECK(std::to_integer<int>(m.data.data()[per_step]) == 7);     // column 1, element 0
    CHECK(std::to_integer<int>(m.data.data()[k.lanes * 4]) == 5);  // column 0, element 4
  }
  const Tensor<float> padded = pad_columns<float>(std::vector<float>{1, 2}.data(), 2);
  CHECK(padded.shape() == Shape{128});
  CHECK(padded[1] == 2);
  CHECK(padded[2] == 0);
}
