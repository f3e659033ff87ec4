#pragma once
#include <octet/core/decibels.hpp>
#include <octet/core/error_energy.hpp>
#include <octet/runtime/executor.hpp>

#include "testing.hpp"

/// How much results differ.
namespace testing {

/// Adds the elements of a tensor, as real values.
inline void add_errors(octet::detail::ErrorEnergy& energy, const AnyTensor& exact, const AnyTensor& found) {
  REQUIRE(exact.shape() == found.shape());
  const Tensor<float> x = floats(exact), y = floats(found);
  for (std::int64_t i = 0; i < x.size(); ++i) energy.add(static_cast<double>(x[i]), static_cast<double>(y[i]));
}

/// The SQNR in dB; infinite if they are equal.
inline double sqnr_db(const AnyTensor& exact, const AnyTensor& found) {
  octet::detail::ErrorEnergy energy;
  add_errors(energy, exact, found);
  return octet::detail::decibels_of(energy.part());
}

/// The SQNR of all outputs of a model on some batches.
inline double sqnr_db(const Model& exact, const Model& model, const std::vector<Tensor<float>>& batches) {
  Executor a(exact), b(model);
  octet::detail::ErrorEnergy energy;
  for (const Tensor<float>& batch : batches) {
    const std::vector<AnyTensor> x = a.run({batch}), y = b.run({batch});
    for (std::size_t o = 0; o < x.size(); ++o) add_errors(energy, x[o], y[o]);
  }
  return octet::detail::decibels_of(energy.part());
}

}  // namespace testing
