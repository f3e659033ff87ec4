#pragma once
#include <cmath>
#include <map>

#include "../core/decibels.hpp"
#include "../core/error_energy.hpp"
#include "../kernels/half.hpp"
#include "../runtime/input_type.hpp"
#include "automatic.hpp"
#include "evaluation.hpp"
#include "output_errors.hpp"

/// Samples of an automatic choice, and how well a model keeps the results of the float model on them.
OCTET_BEGIN
namespace detail {

/// The first of the samples that choose, at most `most`, where the model has one input, which is float.
inline std::vector<Tensor<float>> first_that_choose(const InputSet& samples, std::int64_t most) {
  std::vector<Tensor<float>> first;
  for (std::int64_t i = 0; i < std::min(2 * most, samples.size()); i += 2) {
    const std::vector<AnyTensor> x = samples.inputs(i);
    if (x.size() != 1 || x[0].dtype() != DType::f32) break;
    first.push_back(to_float(x[0].ref()));
  }
  return first;
}

/// The target with the defaults that depend on others. Throws Error if a member is not valid.
inline Target checked(const Model& model, const Target& target) {
  require(target.samples && target.samples->size() > 0, "Target::samples is empty: samples of model '", model.name,
          "' are required");
  require(std::isfinite(target.max_drop) && target.max_drop >= 0, "Target::max_drop is ", target.max_drop,
          ", expected percent points from 0 on");
  require(target.min_sqnr >= 0, "Target::min_sqnr is ", target.min_sqnr, " dB, expected 0 (unused) or more");
  require(target.labels.empty() || static_cast<std::int64_t>(target.labels.size()) == target.samples->size(),
          "Target::labels has ", target.labels.size(), " entries, expected one for each of ", target.samples->size(),
          " samples");
  require(target.scan_samples > 0, "Target::scan_samples is ", target.scan_samples, ", expected 1 or more");
  Target t = target;
  t.executor.pool = pool_for(t.executor.pool, t.executor.threads);
  t.int8.integer_input = t.int8.integer_output = false;
  RoundingOptions& rounding = t.int8.rounding_samples;
  if (!rounding.executor.pool) rounding.executor = t.executor;
  if (t.int8.trial.empty()) t.int8.trial = first_that_choose(*t.samples, 4);
  if (t.int8.round != RoundWeights::nearest && rounding.inputs.empty())
    rounding.inputs = first_that_choose(*t.samples, 64);
  return t;
}

/// Adds the errors of an output. The error of a result that is not a number is infinite.
inline void add_errors(ErrorEnergy& energy, const Tensor<float>& exact, const Tensor<float>& other) {
  const std::int64_t n = std::min(exact.size(), other.size());
  for (std::int64_t i = 0; i < n; ++i) energy.add(static_cast<double>(exact[i]), static_cast<double>(other[i]));
  if (std::isnan(energy.noise)) energy.noise = std::numeric_limits<double>::infinity();
}

/// The least SQNR for the parts of noise of all outputs.
inline double least_decibels(const std::vector<double>& parts) {
  double least = std::numeric_limits<double>::infinity();
  for (double p : parts) least = std::min(least, decibels_of(p));
  return least;
}

/// Whether the only output of a model has a score for each of several classes.
inline bool has_classes(const Model& model, const std::vector<Shape>& inputs) {
  if (model.outputs.size() != 1 || !is_floating(model.value(model.outputs[0]).dtype)) return false;
  const Shape s = model.infer_shapes(inputs)[at(model.outputs[0])];
  return s.rank() > 0 && s.known() && s.back() > 1 && s.elements() == s.back();
}

/// Samples with the results of the float model. Inputs are kept where they need little memory, else read again.
class TrialSamples {
 public:
  /// Every `step`-th sample from `first` on. Runs the float model on each.
  TrialSamples(const Target& target, std::int64_t first, std::int64_t step, Executor& exact, ThreadPool& pool)
      : target_(target), pool_(pool) {
    for (std::int64_t i = first; i < target.samples->size(); i += step) {
      numbers_.push_back(i);
      std::vector<AnyTensor> x = load_inputs(*target.samples, i, i + 1, pool)[0];
      if (outputs_.empty()) {
        std::vector<Shape> shapes;
        for (const AnyTensor& t : x) shapes.push_back(t.shape());
        classes_ = has_classes(exact.graph(), shapes);
      }
      outputs_.push_back(real_outputs(exact.graph(), exact.run(to_input_types(exact.graph(), x))));
      for (const AnyTensor& t : x) kept_bytes_ += t.size_bytes();
      if (kept_bytes_ <= most_kept) kept_.push_back(std::move(x));
      if (target.progress) target.progress("running the float model", i + 1, target.samples->size());
    }
  }

  std::int64_t size() const noexcept { return static_cast<std::int64_t>(numbers_.size()); }
  bool classes() const noexcept { return classes_; }
  std::vector<AnyTensor> inputs(std::int64_t i) const {
    if (at(i) < kept_.size()) return kept_[at(i)];
    const std::int64_t n = numbers_[at(i)];
    return load_inputs(*target_.samples, n, n + 1, pool_)[0];
  }
  const std::vector<Tensor<float>>& outputs(std::int64_t i) const { return outputs_[at(i)]; }

  /// The quality of the float model itself.
  Quality exact() const {
    Accuracy accuracy;
    if (classes_)
      for (std::int64_t i = 0; i < size(); ++i) accuracy.add(outputs(i)[0], labels(i));
    Quality q;
    q.top1 = classes_ ? accuracy.top1() : std::nullopt;
    if (classes_) q.agreement = 1;
    return q;
  }

  /// The quality of a model.
  Quality measure(Executor& model) const {
    std::vector<ErrorEnergy> energies(outputs_.empty() ? 0 : outputs_[0].size());
    Accuracy exact, here;
    for (std::int64_t i = 0; i < size(); ++i) {
      const auto y = real_outputs(model.graph(), model.run(to_input_types(model.graph(), inputs(i))));
      for (std::size_t o = 0; o < y.size(); ++o) add_errors(energies[o], outputs(i)[o], y[o]);
      if (!classes_) continue;
      exact.add(outputs(i)[0], labels(i));
      here.add(y[0], labels(i));
    }
    Quality q;
    for (const ErrorEnergy& e : energies) q.least_db = std::min(q.least_db, decibels_of(e.part()));
    if (!classes_) return q;
    q.top1 = here.top1();
    q.agreement = here.agreement(exact);
    q.drop = 100 * (q.top1 ? *exact.top1() - *q.top1 : 1 - *q.agreement);
    return q;
  }

 private:
  static constexpr std::size_t most_kept = std::size_t{512} << 20;

  const std::vector<std::int64_t>& labels(std::int64_t i) const {
    static const std::vector<std::int64_t> none;
    const std::size_t n = at(numbers_[at(i)]);
    return n < target_.labels.size() ? target_.labels[n] : none;
  }

  const Target& target_;
  ThreadPool& pool_;
  std::vector<std::int64_t> numbers_;
  std::vector<std::vector<AnyTensor>> kept_;
  std::vector<std::vector<Tensor<float>>> outputs_;
  std::size_t kept_bytes_ = 0;
  bool classes_ = false;
};

/// Whether a model keeps the target.
inline bool keeps(const Target& target, const Quality& q) {
  // Differences of shares such as 0.9 - 0.897 are not exact.
  return target.min_sqnr > 0 ? q.least_db >= target.min_sqnr : q.drop <= target.max_drop + 1e-9;
}

}  // namespace detail
OCTET_END
