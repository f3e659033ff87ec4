#pragma once
#include "../../../core/config.hpp"

OCTET_BEGIN
namespace detail::cpp {

constexpr const char* lookup_source = R"cpp(
  /// Any function of one code, as a table of all. Rows of `count` codes.
  template <class In, class Out>
  void lookup(const Out* table, const In* in, Out* out, std::int32_t count) noexcept {
    for (std::int32_t i = 0; i < count; ++i) out[i] = table[static_cast<std::uint8_t>(in[i])];
  }
)cpp";

constexpr const char* broadcast_source = R"cpp(
  /// How two tensors are combined: sizes of the result, outermost first, and each tensor's steps from element to
  /// element.
  struct Broadcast {
    std::int32_t size[4], step_a[4], step_b[4];
    /// out = f(a, b) for each element.
    template <class F>
    void each(const code* a, const code* b, code* out, F f) const noexcept {
      for (std::int32_t i = 0; i < size[0]; ++i)
        for (std::int32_t j = 0; j < size[1]; ++j)
          for (std::int32_t k = 0; k < size[2]; ++k)
            for (std::int32_t l = 0; l < size[3]; ++l)
              *out++ = f(a[i * step_a[0] + j * step_a[1] + k * step_a[2] + l * step_a[3]],
                         b[i * step_b[0] + j * step_b[1] + k * step_b[2] + l * step_b[3]]);
    }
  };
)cpp";

constexpr const char* add_source = R"cpp(
  struct Addition {
    float scale_a, scale_b, shift;  // scales: divided by the output's
    std::int32_t zero_a, zero_b;
    Codes codes;
    code operator()(code a, code b) const noexcept {
      const float inner = fused(static_cast<float>(b - zero_b), scale_b, shift);
      return codes(rounded(fused(static_cast<float>(a - zero_a), scale_a, inner)));
    }
  };
)cpp";

constexpr const char* multiply_source = R"cpp(
  struct Multiplication {
    float scale, shift;
    std::int32_t zero_a, zero_b;
    Codes codes;
    code operator()(code a, code b) const noexcept {
      // volatile: compilers would make one operation of the product and the sum.
      const volatile float product = static_cast<float>((a - zero_a) * (b - zero_b)) * scale;
      return codes(rounded(product + shift));
    }
  };
)cpp";

constexpr const char* fixed_add_source = R"cpp(
  /// As TFLite: first to a common scale with 20 additional bits.
  template <class Factor>
  struct FixedAddition {
    Factor scale_a, scale_b, scale;
    std::int32_t zero_a, zero_b, sign;
    Codes codes;
    code operator()(code a, code b) const noexcept {
      const std::int32_t x = multiplied((a - zero_a) * (std::int32_t{1} << 20), scale_a),
                         y = multiplied((b - zero_b) * (std::int32_t{1} << 20), scale_b);
      return codes(multiplied(x + sign * y, scale));
    }
  };
)cpp";

constexpr const char* fixed_multiply_source = R"cpp(
  template <class Factor>
  struct FixedMultiplication {
    Factor scale;
    std::int32_t zero_a, zero_b;
    Codes codes;
    code operator()(code a, code b) const noexcept { return codes(multiplied((a - zero_a) * (b - zero_b), scale)); }
  };
)cpp";

constexpr const char* prelu_source = R"cpp(
  /// Rows of codes: a factor for each element of a row where it is negative, and one factor for all others.
  inline void prelu(const float* negative, float positive, const code* in, code* out, std::int32_t rows,
                    std::int32_t count, std::int32_t zero_in, Codes codes) noexcept {
    for (std::int32_t r = 0; r < rows; ++r)
      for (std::int32_t i = 0; i < count; ++i) {
        const std::int32_t x = in[r * count + i] - zero_in;
        out[r * count + i] = codes(rounded(static_cast<float>(x) * (x < 0 ? negative[i] : positive)));
      }
  }
)cpp";

constexpr const char* quantize_source = R"cpp(
  /// Floats, which have to be finite, as codes.
  template <class Out>
  void quantize(const float* in, Out* out, std::int32_t count, float scale, std::int32_t zero, std::int32_t low,
                std::int32_t high) noexcept {
    for (std::int32_t i = 0; i < count; ++i) {
      const std::int32_t q = rounded(in[i] / scale) + zero;
      out[i] = static_cast<Out>(q < low ? low : q > high ? high : q);
    }
  }
)cpp";

constexpr const char* dequantize_source = R"cpp(
  inline void dequantize(const code* in, float* out, std::int32_t count, float scale, std::int32_t zero) noexcept {
    for (std::int32_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i] - zero) * scale;
  }
)cpp";

constexpr const char* softmax_source = R"cpp(
  /// Softmax along one dimension of [outer][n][inner]. `exponentials`: of all differences to the largest code.
  inline void softmax(const float* exponentials, float scale, const code* in, code* out, std::int32_t outer,
                      std::int32_t n, std::int32_t inner, Codes codes) noexcept {
    for (std::int32_t o = 0; o < outer; ++o)
      for (std::int32_t i = 0; i < inner; ++i) {
        const code* x = in + o * n * inner + i;
        code* y = out + o * n * inner + i;
        code largest = x[0];
        for (std::int32_t k = 1; k < n; ++k) largest = x[k * inner] > largest ? x[k * inner] : largest;
        float sum = 0;
        for (std::int32_t k = 0; k < n; ++k) sum += exponentials[largest - x[k * inner]];
        const float product = sum * scale, inverse = 1.0f / product;
        for (std::int32_t k = 0; k < n; ++k) {
          const float p = exponentials[largest - x[k * inner]] * inverse;
          // Half up. Where `rounded` goes down to an even number from the middle, it is one too small.
          const std::int32_t q = rounded(p);
          y[k * inner] = codes(q + (bits_of(p) == bits_of(static_cast<float>(q) + 0.5f) ? 1 : 0));
        }
      }
  }
)cpp";

constexpr const char* copy_source = R"cpp(
  /// Rows of bytes from one tensor to another.
  template <class T>
  void copy_rows(const T* in, T* out, std::int32_t rows, std::int32_t count, std::int32_t out_step) noexcept {
    for (std::int32_t r = 0; r < rows; ++r)
      for (std::int32_t i = 0; i < count; ++i) out[r * out_step + i] = in[r * count + i];
  }
)cpp";

constexpr const char* lookup_rows_source = R"cpp(
  /// The same through a table.
  inline void lookup_rows(const code* table, const code* in, code* out, std::int32_t rows, std::int32_t count,
                          std::int32_t out_step) noexcept {
    for (std::int32_t r = 0; r < rows; ++r)
      for (std::int32_t i = 0; i < count; ++i)
        out[r * out_step + i] = table[static_cast<std::uint8_t>(in[r * count + i])];
  }
)cpp";

constexpr const char* indexed_copy_source = R"cpp(
  /// Padding, slices and the like: the element at the sum of the offsets, `fill` where one is `outside`.
  struct IndexedCopy {
    std::int32_t size[4];           // of the result, outermost first
    const std::int32_t* offset[4];  // for each index, in the input
    std::int32_t fill;
    static constexpr std::int32_t outside = -(std::int32_t{1} << 30);
  };

  template <class T>
  void indexed_copy(const IndexedCopy& p, const T* in, T* out) noexcept {
    for (std::int32_t i = 0; i < p.size[0]; ++i)
      for (std::int32_t j = 0; j < p.size[1]; ++j)
        for (std::int32_t k = 0; k < p.size[2]; ++k)
          for (std::int32_t l = 0; l < p.size[3]; ++l) {
            const std::int32_t a = p.offset[0][i], b = p.offset[1][j], c = p.offset[2][k], d = p.offset[3][l];
            const bool inside = a != p.outside && b != p.outside && c != p.outside && d != p.outside;
            *out++ = inside ? in[a + b + c + d] : static_cast<T>(p.fill);
          }
  }
)cpp";

}  // namespace detail::cpp
OCTET_END
