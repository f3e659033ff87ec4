#pragma once
#include <cstdint>
#include <limits>

#include "../core/range.hpp"

OCTET_BEGIN

/// How an operator is used in an integer model (from quantize<int8>, or imported).
struct IntegerForm {
  /// Where the scale and zero point of output 0 come from.
  enum class Output : std::uint8_t {
    none,      ///< computed in float between dequantize and quantize
    measured,  ///< its own scale and zero point, from calibration
    as_input,  ///< the same as its input: pooling, reshape, ...
    fixed      ///< given by the operator (softmax, sigmoid, tanh)
  };
  Output output = Output::none;  ///< see Output
  Range range;                   ///< if fixed: all codes divide it evenly
  int weights = -1;              ///< input with weights [O, ...]
  int bias = -1;                 ///< input with an int32 bias, whose scale is input scale * weight scale
  bool rescales = false;         ///< if as_input: the output may have parameters of its own
  bool input_rescaled = false;   ///< if rescales: input 0 has to be converted to the parameters of the output before
  bool widens = false;           ///< if rescales: the output may leave the range of input 0
  bool int16 = false;            ///< also has a form for 16-bit activations. Others compute with these in float
  bool compares = false;  ///< if none: depends only on the order of elements, so it also works on codes with one scale
};

/// Properties of an operator that passes, quantization, training and reports use instead of its type.
struct Traits {
  /// How an operator with weights (IntegerForm::weights, [O, ..., C / groups]) computes sums of products with input 0.
  enum class Products : std::uint8_t {
    none,
    all,  ///< each output element is a sum of products with all weights of its channel
    some  ///< ... with some weights of its channel: transposed convolution
  };
  Products products = Products::none;  ///< none: the layer has no weights, or they are not factors of products
  std::int64_t groups = 1;             ///< groups of channels
  bool pads = false;                   ///< pads input 0 with zeros
  /// What an operator does to channels (the last dimension) of its inputs that are multiplied by factors s > 0, apart
  /// from the limits of its activation.
  enum class Factors : std::uint8_t {
    other,       ///< anything
    passed,      ///< f(s x) = s f(x), where each channel of the output is computed from that of input 0
    summed,      ///< f(s a, s b) = s f(a, b)
    multiplied,  ///< f(s a, b) = f(a, s b) = s f(a, b)
    divided      ///< f(s a, b) = s f(a, b)
  };
  Factors factors = Factors::other;                       ///< see Factors
  int relative = -1;                                      ///< index of the input whose small elements count as much as
                                                          ///< large ones (of a root, a logarithm, a divisor), or -1
  int residual = -1;                                      ///< index of the input that can be added to the sums, or -1
  double low = -std::numeric_limits<double>::infinity();  ///< the limits of an activation that clamps its results
  double high = std::numeric_limits<double>::infinity();  ///< likewise
  bool exchanges_codes = false;  ///< with int8 weights and float inputs: can read integers from such a layer instead,
                                 ///< and write them to one, where the activation between them has limits
  bool converts = false;         ///< converts the type or scale of the same numbers
  bool normalizes = false;       ///< normalizes by mean and variance of channels
  bool joins = false;            ///< concatenates its inputs
  bool makes_elements = false;   ///< the output has input 0's scale, but also elements that input 0 does not have
  bool fake_quantizes = false;   ///< fake quantization for training
  bool data_sized = false;  ///< sizes of results that shapes() leaves unknown depend on the data: prepare() makes a
                            ///< DataSizedStep

  /// Whether the layer has an activation with limits.
  bool clamps() const noexcept {
    return !(low == -std::numeric_limits<double>::infinity() && high == std::numeric_limits<double>::infinity());
  }
};

/// How training changes a constant input.
enum class Learning : std::uint8_t {
  none,           ///< not changed
  by_gradient,    ///< a parameter
  in_proportion,  ///< likewise, positive, such as a scale: Adam's steps are in proportion to its size
  by_statistics,  ///< running averages, updated by the forward pass
  elsewhere,      ///< may change, but not by a gradient of this layer
};

OCTET_END
