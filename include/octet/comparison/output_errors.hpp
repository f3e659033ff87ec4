#pragma once
#include <optional>
#include <string>
#include <vector>

#include "../core/any_tensor.hpp"
#include "../core/error_energy.hpp"
#include "../graph/graph.hpp"
#include "comparison.hpp"

OCTET_BEGIN

/// Accumulates the errors of the outputs of a model with respect to those of another form of it, over several runs.
class OutputErrors {
 public:
  /// `input_shapes`: of the runs; an output with their height and width, or up to an eighth of it, is taken as a mask,
  /// whose pixels have classes. `channels_first`: whether outputs are [N, C, spatial ...].
  OutputErrors(const Graph& model, const std::vector<Shape>& input_shapes, bool channels_first);

  /// Adds the outputs of a run, as real values. Returns whether they are finite; otherwise nothing is added.
  bool add(const std::vector<Tensor<float>>& exact, const std::vector<Tensor<float>>& other);

  /// The errors so far, an entry for each output.
  std::vector<OutputError> result() const;

 private:
  struct Sums {
    std::string name;
    bool indices = false;  ///< the elements are class indices
    detail::ErrorEnergy energy;
    double other = 0, product = 0, largest = 0;
    std::int64_t pixels = 0, same = 0;
  };
  bool is_mask(const Shape& output) const;
  void add_pixels(Sums& sums, const Tensor<float>& exact, const Tensor<float>& other) const;

  std::vector<Sums> sums_;
  std::vector<Shape> inputs_;
  bool channels_first_;
};

/// The outputs of a run as real values: integers are dequantized, other types are converted.
std::vector<Tensor<float>> real_outputs(const Graph& model, const std::vector<AnyTensor>& outputs);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "output_errors.inl"
#endif
