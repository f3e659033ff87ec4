#pragma once
#include <limits>
#include <octet/comparison/compare.hpp>
#include <octet/comparison/evaluation.hpp>

#include "../common/text.hpp"
#include "machine.hpp"
#include "table.hpp"

/// Warnings if the preprocessing does not seem to match the one that the model was trained with.
namespace report {
using namespace octet;

/// The range that a normalization maps pixels 0 .. 255 to, over all channels.
inline Range recipe_range(const Normalization& n) {
  Range r{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  for (std::size_t c = 0; c < 3; ++c) {
    r.low = std::min(r.low, static_cast<float>((0 - n.mean[c]) / n.deviation[c]));
    r.high = std::max(r.high, static_cast<float>((255 - n.mean[c]) / n.deviation[c]));
  }
  return r;
}

/// The calibrated input range of an integer model; none for other models.
inline std::optional<Range> calibrated_input_range(const Model& model) {
  if (model.inputs.size() != 1) return std::nullopt;
  const int input = model.inputs[0];
  const Value* v = &model.value(input);
  if (!v->is_quantized())
    for (const Node& n : model.nodes)
      if (n.op->traits().converts && n.inputs[0] == input) v = &model.value(n.outputs[0]);
  if (!v->has_one_scale() || !is_byte(v->dtype)) return std::nullopt;
  const IntegerRange q = integer_range(v->dtype);
  const float s = v->quant.scale[0];
  return Range{static_cast<float>(q.low - v->quant.zero_point[0]) * s,
               static_cast<float>(q.high - v->quant.zero_point[0]) * s};
}

/// A warning if the range of the inputs differs much from the calibrated one: well beyond it, or only a small part of
/// it.
inline std::optional<std::string> input_range_warning(const Range& seen, const Range& calibrated) {
  const float width = std::max(calibrated.high - calibrated.low, 1e-12f), seen_width = seen.high - seen.low;
  const bool beyond = seen.high > calibrated.high + 0.25f * width || seen.low < calibrated.low - 0.25f * width;
  if (!beyond && seen_width > 0.4f * width) return std::nullopt;
  std::string best;
  float least = std::numeric_limits<float>::infinity();
  for (const std::string& name : normalization_names()) {
    const Range r = recipe_range(normalization(name));
    const float distance = std::abs(r.low - calibrated.low) + std::abs(r.high - calibrated.high);
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return concat("the inputs are in [", seen.low, ", ", seen.high, "], but the model was calibrated for [",
                calibrated.low, ", ", calibrated.high, "]; the preprocessing closest to that is --preprocess ", best);
}

/// If the accuracy of a float model is poor, tries the other normalizations on some of the images. Returns a warning
/// that names one that is clearly better, or says that none is if the accuracy is near chance.
inline std::optional<std::string> accuracy_warning(Executor& executor, const ImageInput& input,
                                                   const DatasetPtr& images, const Preprocessing& used,
                                                   const std::string& used_name, double top1, ThreadPool& pool) {
  const std::int64_t classes = executor.plan({input.shape()})[0].back();
  const double chance = 1.0 / static_cast<double>(std::max<std::int64_t>(classes, 1));
  const double hardly_more = std::min(3 * chance + 0.01, chance + 0.15);
  const bool near_chance = top1 < hardly_more;
  if (top1 >= 0.5 && !near_chance) return std::nullopt;
  const Subset some(images, 0, std::min<std::int64_t>(128, images->size()));
  const auto measure = [&](const Preprocessing& p) {
    return accuracy_of({&executor}, input, some, p, pool, true, [](std::int64_t, std::int64_t) {})[0].top1().value_or(
        0);
  };
  const double here = measure(used);
  double best = 0;
  std::string name;
  for (const std::string& recipe : normalization_names()) {
    if (recipe == used_name || (input.channels() == 1 && recipe != "unit" && recipe != "raw" && recipe != "tf"))
      continue;
    Preprocessing other = used;
    other.normalization = normalization(recipe);
    if (const double t = measure(other); t > best) {
      best = t;
      name = recipe;
    }
  }
  if (best >= here + 0.1 && best >= hardly_more)
    return concat("the float model classifies only ", percent(top1, 1), " of the images correctly. With --preprocess ",
                  name, " it is ", percent(best, 1), " of ", some.size(), " images, with ", used_name, " ",
                  percent(here, 1), ": the preprocessing is probably wrong");
  if (near_chance)
    return concat("the float model classifies ", percent(top1, 1),
                  " of the images correctly, which is near chance, and no other preprocessing "
                  "is better: check that the labels belong to this model and that it is trained");
  return std::nullopt;
}

/// Compares the forms of a model and adds what the program knows: the machine, and warnings about the preprocessing.
inline ComparisonResult compare_with_advice(const Model& model, const InputSetPtr& samples,
                                            const InputSetPtr& calibration, const CompareOptions& options) {
  ComparisonResult r = compare(model, samples, calibration, options);
  r.machine = machine_description(r.threads);
  return r;
}

/// The same for images.
inline ComparisonResult compare_with_advice(const Model& model, const DatasetPtr& images, const DatasetPtr& calibration,
                                            const CompareOptions& options) {
  ComparisonResult r = compare(model, images, calibration, options);
  r.machine = machine_description(r.threads);
  if (r.calibrated_input && r.evaluated_input)
    if (const auto w = input_range_warning(*r.evaluated_input, *r.calibrated_input))
      r.warnings.push_back("calibration: " + *w);
  if (!r.original().top1 || !quantized_form(model).empty()) return r;
  const auto pool = std::make_shared<ThreadPool>(r.threads);
  ExecutorOptions on_pool;
  on_pool.pool = pool;
  Executor executor(model, on_pool);
  if (const auto w = accuracy_warning(executor, ImageInput(model, options.image_size), images, options.preprocessing,
                                      options.preprocessing_name, *r.original().top1, *pool))
    r.warnings.push_back(*w);
  return r;
}

}  // namespace report
