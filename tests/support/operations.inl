// No include guard: included once for each instruction set, after its operations: what they give for 16 lanes. (Lambdas
// without captures would be converted to function pointers outside of the target region.)

template <class F>
void each_vector_of_16(Results& r, const char* name, F f) {
  r.names[r.count] = name;
  for (int i = 0; i < 16; i += wide::lanes) f(i, r.words[r.count] + i);
  ++r.count;
}
inline void put(std::uint32_t* to, wide::f32 v) { wide::store(reinterpret_cast<float*>(to), v); }
inline void put(std::uint32_t* to, wide::i32 v) { wide::store(reinterpret_cast<std::int32_t*>(to), v); }

struct Floats {
  wide::f32 a, b, c;
};
template <class F>
void floats(Results& r, const Operands& in, const char* name, F f) {
  each_vector_of_16(r, name, [&](int i, std::uint32_t* to) {
    put(to, f(Floats{wide::load(in.a + i), wide::load(in.b + i), wide::load(in.c + i)}));
  });
}
template <class F>
void integers(Results& r, const Operands& in, const char* name, F f) {
  each_vector_of_16(r, name, [&](int i, std::uint32_t* to) { put(to, f(wide::load(in.x + i), wide::load(in.y + i))); });
}
template <class F>
void blocks(Results& r, const Operands& in, const char* name, F f) {
  each_vector_of_16(r, name, [&](int i, std::uint32_t* to) {
    const auto *a = reinterpret_cast<const std::byte*>(in.x + i), *b = reinterpret_cast<const std::byte*>(in.y + i);
    put(to, wide::as_i32(f(wide::load_block(a), wide::load_block(b))));
  });
}

inline void float_operations(Results& r, const Operands& in) {
  floats(r, in, "add", [&](Floats v) { return wide::add(v.a, v.b); });
  floats(r, in, "sub", [&](Floats v) { return wide::sub(v.a, v.b); });
  floats(r, in, "mul", [&](Floats v) { return wide::mul(v.a, v.b); });
  floats(r, in, "rounded_mul", [&](Floats v) { return wide::add(wide::rounded_mul(v.a, v.b), v.c); });
  floats(r, in, "div", [&](Floats v) { return wide::div(v.a, v.b); });
  floats(r, in, "fma", [&](Floats v) { return wide::fma(v.a, v.b, v.c); });
  floats(r, in, "min", [&](Floats v) { return wide::min(v.a, v.b); });
  floats(r, in, "max", [&](Floats v) { return wide::max(v.a, v.b); });
  floats(r, in, "clamp", [&](Floats v) { return wide::clamp(v.a, wide::set(-1.5f), wide::set(6.0f)); });
  floats(r, in, "max_or_nan", [&](Floats v) { return wide::max_or_nan(v.a, v.b); });
  floats(r, in, "select_greater", [&](Floats v) { return wide::select_greater(v.a, v.b, v.c, v.a); });
  floats(r, in, "greater_bits, keep_bits",
         [&](Floats v) { return wide::keep_bits(wide::greater_bits(v.a, v.b), v.c); });
  std::int32_t neighbours[wide::lanes];
  for (int i = 0; i < wide::lanes; ++i) neighbours[i] = (i ^ 1) + 16;  // modulo lanes
  floats(r, in, "permute", [&](Floats v) { return wide::permute(v.a, wide::load(neighbours)); });
  floats(r, in, "abs", [&](Floats v) { return wide::abs(v.a); });
  floats(r, in, "round", [&](Floats v) { return wide::round(v.a); });
  floats(r, in, "fp16", [&](Floats v) {
    std::byte half[2 * wide::lanes];
    wide::store_fp16(half, v.a);
    return wide::load_fp16(half);
  });
  floats(r, in, "bf16", [&](Floats v) {
    std::byte half[2 * wide::lanes];
    wide::store_bf16(half, v.a);
    return wide::load_bf16(half);
  });
  // Partial vectors: the other elements are 0 when loaded, and unchanged when stored.
  each_vector_of_16(r, "load_first, store_first", [&](int i, std::uint32_t* to) {
    for (int n = 1; n <= wide::lanes; ++n) {
      float part[wide::lanes];
      wide::store(part, wide::set(7.0f));
      wide::store_first(part, wide::load_first(in.c + i, n), n);
      for (int k = 0; k < wide::lanes; ++k) r.fits = r.fits && part[k] == (k < n ? in.c[i + k] : 7.0f);
    }
    put(to, wide::load_first(in.c + i, wide::lanes));
  });
  float least = in.c[0], greatest = in.c[0];
  for (int i = 0; i < 16; i += wide::lanes) {
    const wide::f32 v = wide::load(in.c + i);
    least = wide::least(v) < least ? wide::least(v) : least;
    greatest = wide::greatest(v) > greatest ? wide::greatest(v) : greatest;
    r.fits = r.fits && !wide::any_nan(v);
    for (int k = 0; k < wide::lanes; ++k) {
      float one[wide::lanes];
      wide::store(one, v);
      one[k] = std::numeric_limits<float>::quiet_NaN();
      r.fits = r.fits && wide::any_nan(wide::load(one));
    }
  }
  r.least = least;
  r.greatest = greatest;
}

inline void integer_operations(Results& r, const Operands& in) {
  using i32 = wide::i32;
  integers(r, in, "add", [&](i32 a, i32 b) { return wide::add(a, b); });
  integers(r, in, "sub", [&](i32 a, i32 b) { return wide::sub(a, b); });
  integers(r, in, "mul", [&](i32 a, i32 b) { return wide::mul(a, b); });
  integers(r, in, "max", [&](i32 a, i32 b) { return wide::max(a, b); });
  integers(r, in, "shift_left", [&](i32 a, i32) { return wide::shift_left<3>(a); });
  integers(r, in, "to_float", [&](i32 a, i32) { return wide::to_float(a); });
  integers(r, in, "dot_i16", [&](i32 a, i32 b) {
    i32 sum = a;
    wide::dot_i16(sum, a, b);
    return sum;
  });
  each_vector_of_16(r, "dot", [&](int i, std::uint32_t* to) {
    std::int32_t start[wide::lanes];
    const auto* w = reinterpret_cast<const std::int8_t*>(in.y + i);
    for (int k = 0; k < wide::lanes; ++k)  // modulo 2^32
      start[k] = static_cast<std::int32_t>(
          static_cast<std::uint32_t>(in.x[i + k]) +
          (wide::shifted ? 128u * static_cast<std::uint32_t>(w[4 * k] + w[4 * k + 1] + w[4 * k + 2] + w[4 * k + 3])
                         : 0));
    i32 sum = wide::load(start);
    wide::dot(sum, wide::split(wide::load(in.x + i)), wide::load_weights(reinterpret_cast<const std::byte*>(w)));
    put(to, sum);
  });
  const auto bytes = [&](int i) { return reinterpret_cast<const std::uint8_t*>(in.x) + i; };
  each_vector_of_16(r, "load_u8", [&](int i, std::uint32_t* to) { put(to, wide::load_u8(bytes(i))); });
  each_vector_of_16(r, "load_u8_first", [&](int i, std::uint32_t* to) {
    put(to, wide::load_u8_first(bytes(i), 9 - i < 0 ? 0 : 9 - i < wide::lanes ? 9 - i : wide::lanes));
  });
  using block = wide::block;
  blocks(r, in, "max_u8", [&](block a, block b) { return wide::max_u8(a, b); });
  blocks(r, in, "low_bytes", [&](block a, block b) { return wide::low_bytes(a, b); });
  blocks(r, in, "high_bytes", [&](block a, block b) { return wide::high_bytes(a, b); });
  blocks(r, in, "low_pairs", [&](block a, block b) { return wide::low_pairs(a, b); });
  blocks(r, in, "high_pairs", [&](block a, block b) { return wide::high_pairs(a, b); });
  blocks(r, in, "as_i16, set_i16",
         [&](block a, block) { return wide::as_block(wide::sub_i16(wide::as_i16(a), wide::set_i16(-12345))); });
  for (const bool upper : {false, true})
    each_vector_of_16(r, upper ? "products, high" : "products, low", [&](int i, std::uint32_t* to) {
      const auto *a = reinterpret_cast<const std::byte*>(in.x + i), *b = reinterpret_cast<const std::byte*>(in.y + i);
      i32 low, high;
      wide::products(wide::as_i16(wide::load_block(a)), wide::as_i16(wide::load_block(b)), low, high);
      put(to, upper ? high : low);
    });
  integers(r, in, "float_of_bits", [&](i32 a, i32) { return wide::float_of_bits(a); });
}

template <Limit L>
void pack_operations(Results& r, const Operands& in, int zero, int low, int high) {
  const wide::u8_limits limits(zero, low, high);
  each_vector_of_16(r, "pack, to_rows, store_row", [&](int i, std::uint32_t* to) {
    const wide::i32 a = wide::load(in.small + i), b = wide::load(in.x + i), c = wide::load(in.y + i);
    const wide::u8x4 rows = wide::to_rows<1>(wide::pack<L>(a, b, c, a, limits));
    std::uint8_t row[4][wide::lanes];
    for (int k = 0; k < 4; ++k) wide::store_row<1>(row[k], rows, k, wide::lanes);
    for (int k = 0; k < wide::lanes; ++k)
      to[k] =
          row[0][k] | std::uint32_t{row[1][k]} << 8 | std::uint32_t{row[2][k]} << 16 | std::uint32_t{row[3][k]} << 24;
    // ... and back.
    wide::u8x4 again = wide::pack_zero();
    for (int k = 0; k < 4; ++k) again = wide::load_row<1>(again, row[k], k, wide::lanes);
    again = wide::from_rows<1>(again);
    for (int j = 0; j < 4; ++j) {
      std::int32_t numbers[wide::lanes];
      wide::store(numbers, wide::unpack(again, j));
      for (int k = 0; k < wide::lanes; ++k) r.fits = r.fits && numbers[k] == row[j][k];
    }
  });
}

// codes16_*.hpp.
inline void code_operations(Results& r, const Operands& in) {
  const doubles zero = doubles::set(0.0);
  const auto factors = [&](int i) {
    double all[wide::lanes];
    for (int k = 0; k < wide::lanes; ++k) all[k] = static_cast<double>(in.c[i + k]) * 0.1;
    return doubles::load(all);
  };
  const auto number = [&](int i) { return doubles::of(wide::load(in.x + i)); };
  integers(r, in, "round", [&](wide::i32 a, wide::i32) {  // ties
    return doubles::round(doubles::mul_add(doubles::of(a), doubles::set(0.25), zero));
  });
  each_vector_of_16(r, "nearest", [&](int i, std::uint32_t* to) {
    put(to, doubles::to_float(doubles::nearest(doubles::fma(number(i), doubles::set(0.25), factors(i)))));
  });
  integers(r, in, "nearest, ties", [&](wide::i32 a, wide::i32) {
    return doubles::to_float(doubles::nearest(doubles::mul_add(doubles::of(a), doubles::set(0.25), zero)));
  });
  each_vector_of_16(r, "mul_add", [&](int i, std::uint32_t* to) {
    put(to, doubles::round(doubles::mul_add(number(i), factors(i), zero)));
  });
  each_vector_of_16(r, "doubles, fma and add", [&](int i, std::uint32_t* to) {
    const doubles small = doubles::of(wide::load(in.small + i));
    put(to, doubles::to_float(doubles::add(doubles::fma(number(i), factors(i), small), doubles::set(0x1p-36))));
  });
  each_vector_of_16(r, "doubles, clamp", [&](int i, std::uint32_t* to) {
    double all[wide::lanes];
    for (int k = 0; k < wide::lanes; ++k) all[k] = static_cast<double>(in.a[i + k]);
    put(to, doubles::to_float(doubles::clamp(doubles::load(all), doubles::set(-1000.0), doubles::set(30000.0))));
  });
  const codes16::limits limits(-20000, 25000);
  each_vector_of_16(r, "codes16, pack", [&](int i, std::uint32_t* to) {
    const wide::i16 apart = codes16::pack(wide::load(in.x + i), wide::load(in.small + i), limits);
    std::int16_t raw[2 * wide::lanes], all[2 * wide::lanes];
    codes16::store_first(raw, apart, 2 * wide::lanes);
    codes16::store_first(all, codes16::in_order(apart), 2 * wide::lanes);
    for (int k = 0; k < wide::lanes; ++k) {
      const int place = k / 4 * 8 + k % 4;
      r.fits = r.fits && raw[place] == all[k] && raw[place + 4] == all[wide::lanes + k];
      to[k] = static_cast<std::uint16_t>(all[k]) | std::uint32_t{static_cast<std::uint16_t>(all[wide::lanes + k])}
                                                       << 16;
    }
    for (int n = 0; n <= 2 * wide::lanes; ++n) {
      std::int16_t part[2 * wide::lanes];
      for (std::int16_t& x : part) x = 7;
      codes16::store_first(part, apart, n);
      for (int k = 0; k < 2 * wide::lanes; ++k) r.fits = r.fits && part[k] == (k < n ? raw[k] : 7);
    }
    for (int n = 0; n <= wide::lanes; ++n) {
      std::int32_t loaded[wide::lanes];
      wide::store(loaded, codes16::load_first(raw, n));
      for (int k = 0; k < wide::lanes; ++k) r.fits = r.fits && loaded[k] == (k < n ? raw[k] : 0);
    }
  });
}

inline void all_operations(Results& r, const Operands& in) noexcept {
  float_operations(r, in);
  integer_operations(r, in);
  pack_operations<Limit::none>(r, in, 0, 0, 255);
  pack_operations<Limit::clamp>(r, in, 3, 10, 200);
  code_operations(r, in);
}
