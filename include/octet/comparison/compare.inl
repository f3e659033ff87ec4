#pragma once
#include <algorithm>
#include <chrono>
#include <limits>
#include <map>

#include "../data/image_input.hpp"
#include "../export/save.hpp"
#include "../files/input_file.hpp"
#include "../model_file/model_file.hpp"
#include "../operators/onnx_integer.hpp"
#include "../passes/optimize.hpp"
#include "../quantization/error_report.hpp"
#include "../runtime/input_type.hpp"
#include "calibrate_inputs.hpp"
#include "compare.hpp"
#include "evaluation.hpp"
#include "latency.hpp"
#include "output_errors.hpp"

OCTET_BEGIN

namespace detail {

/// See quantized_form.
inline std::string form_of_optimized(const Graph& model) {
  std::string form;
  for (const Value& v : model.values) {
    if (!v.is_quantized()) continue;
    if (!v.is_constant()) return "int8";
    form = "dynamic_range";
  }
  for (const Node& n : model.nodes)
    if (as<ConvInteger>(*n.op) || as<MatMulInteger>(*n.op)) form = "dynamic_range";
  return form;
}

/// The range of no elements.
inline Range no_range() { return {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}; }

/// The type of most weights of a model.
inline std::string weights_type(const Model& model) {
  std::map<DType, std::int64_t> elements;
  for (const Value& v : model.values)
    if (v.is_constant()) elements[v.dtype] += v.constant.size();
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == elements.end() ? "" : octet::name(most->first);
}

/// The steps of `compare`.
class Comparison {
 public:
  Comparison(const Model& model, InputSetPtr samples, InputSetPtr calibration, DatasetPtr images,
             const CompareOptions& o)
      : options_(o),
        samples_(std::move(samples)),
        calibration_samples_(std::move(calibration)),
        images_(std::move(images)),
        pool_(pool_for(nullptr, o.threads)),
        model_(optimize(model)) {
    result_.model = model.name;
    result_.preprocessing = o.preprocessing_name;
    result_.threads = pool_->size();
    result_.images = samples_->size();
    result_.classifier = images_ != nullptr;
    const InputSet& some = samples_->size() > 0 ? *samples_ : *calibration_samples_;
    first_ = load_inputs(some, 0, 1, *pool_).at(0);
    for (const AnyTensor& t : first_) shapes_.push_back(t.shape());
  }

  ComparisonResult run() {
    describe();
    const std::string form = form_of_optimized(model_);
    const bool quantized = !form.empty();
    if (quantized) {
      add(form, "Original (quantized)", [&] { return model_; });
      result_.notes.push_back("the model is already quantized, so it cannot be compared with a float model");
    } else {
      add("float32", "Original (fp32)", [&] { return model_; });
      calibrate();
      WeightOptions weights = options_.dynamic;
      if (!weights.notes) weights.notes = &result_.notes;
      add("dynamic_range", "Dynamic range", [&] { return quantize<dynamic_range>(model_, calibration_, weights); });
      add("float16", "Float16", [&] { return quantize<fp16>(model_, calibration_, weights); });
      Int8Options int8_options = options_.int8;
      if (!int8_options.notes) int8_options.notes = &result_.notes;
      if (int8_options.trial.empty()) int8_options.trial = trial_inputs(*calibration_samples_);
      if (int8_options.round != RoundWeights::nearest && int8_options.rounding_samples.inputs.empty())
        int8_options.rounding_samples.inputs = trial_inputs(*calibration_samples_, calibration_samples_->size());
      int8_options.rounding_samples.executor = on_pool();
      add("int8", "Int8", [&] { return quantize<int8>(model_, calibration_, int8_options); });
    }
    const std::size_t own = models_.size();
    for (const ModelForm& f : options_.further) add(f.name, f.title, f.make);
    if (images_) measure_accuracy();
    if (!has_labels() && !quantized) measure_outputs();
    measure_time();
    if (!quantized) compare_layers(models_[own - 1]);
    return std::move(result_);
  }

 private:
  void report(const std::string& stage, std::int64_t done, std::int64_t total) const {
    if (options_.progress) options_.progress(stage, done, total);
  }
  auto reporter(const std::string& stage) const {
    return [this, stage](std::int64_t done, std::int64_t total) { report(stage, done, total); };
  }
  ExecutorOptions on_pool() const {
    ExecutorOptions o;
    o.pool = pool_;
    return o;
  }
  template <class F>
  static double seconds(F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void describe() {
    const std::vector<Shape> shapes = model_.infer_shapes(shapes_);
    for (const Node& n : model_.nodes) result_.macs += model_.macs(n, shapes);
    for (const Value& v : model_.values)
      if (v.is_constant()) result_.parameters += v.constant.size();
  }

  template <class Make>
  void add(const std::string& name, const std::string& title, Make make) {
    report("quantizing", static_cast<std::int64_t>(models_.size()),
           static_cast<std::int64_t>(4 + options_.further.size()));
    VariantResult v;
    v.name = name;
    v.title = title;
    Model m;
    v.quantize_seconds = seconds([&] { m = make(); });
    if (models_.empty()) v.quantize_seconds = 0;
    v.weights = weights_type(m);
    if (models_.empty()) {  // the original: its file already exists
      v.size_bytes = saved_size(m);
    } else {
      const std::string path = options_.directory + "/" + name + ".octet";
      save(m, path);
      v.size_bytes = static_cast<std::int64_t>(InputFile(path).size());
    }
    models_.push_back(std::move(m));
    executors_.push_back(std::make_unique<Executor>(models_.back(), on_pool()));
    executors_.back()->plan(shapes_);
    v.arena_bytes = static_cast<std::int64_t>(executors_.back()->arena_bytes());
    result_.variants.push_back(std::move(v));
  }

  void calibrate() {
    CalibrationOptions o = options_.calibration;
    o.executor.pool = pool_;
    result_.calibration_images = calibration_samples_->size();
    result_.calibration_seconds =
        seconds([&] { calibration_ = octet::calibrate(model_, *calibration_samples_, o, reporter("calibrating")); });
    const std::string& input = model_.value(model_.inputs[0]).name;
    if (samples_->size() == 0 || model_.inputs.size() != 1 || !calibration_.contains(input)) return;
    result_.calibrated_input = calibration_.range(input);
    Range& seen = result_.evaluated_input.emplace(no_range());
    for (const auto& sample : load_inputs(*samples_, 0, std::min<std::int64_t>(16, samples_->size()), *pool_))
      for (float v : sample[0].view<float>()) seen = {std::min(seen.low, v), std::max(seen.high, v)};
  }

  std::vector<Executor*> executors() const {
    std::vector<Executor*> all;
    for (const auto& e : executors_) all.push_back(e.get());
    return all;
  }

  bool has_labels() const { return images_ && options_.use_labels && images_->labelled(); }

  void measure_accuracy() {
    const bool labels = has_labels();
    const auto found = accuracy_of(executors(), ImageInput(model_, options_.image_size), *images_,
                                   options_.preprocessing, *pool_, labels, reporter("measuring accuracy"));
    for (std::size_t i = 0; i < found.size(); ++i) {
      result_.variants[i].top1 = found[i].top1();
      result_.variants[i].top5 = found[i].top5();
      result_.variants[i].agreement = found[i].agreement(found[0]);
    }
    if (!labels)
      result_.notes.push_back(
          "the images have no labels for this model: only the agreement with the float model is reported, "
          "not accuracy");
  }

  /// The error of each output of all variants but the original.
  void measure_outputs() {
    std::vector<OutputErrors> errors(executors_.size(),
                                     OutputErrors(executors_[0]->graph(), shapes_, options_.channels_first));
    std::vector<std::int64_t> not_finite(executors_.size(), 0);
    std::string first_name;
    for (std::int64_t i = 0; i < samples_->size(); ++i) {
      const std::vector<AnyTensor> inputs = load_inputs(*samples_, i, i + 1, *pool_)[0];
      std::vector<Tensor<float>> exact;
      for (std::size_t e = 0; e < executors_.size(); ++e) {
        Executor& run = *executors_[e];
        auto outputs = real_outputs(run.graph(), run.run(to_input_types(run.graph(), inputs)));
        if (e == 0)
          exact = std::move(outputs);
        else if (!errors[e].add(exact, outputs) && not_finite[e]++ == 0 && first_name.empty())
          first_name = samples_->name(i);
      }
      report("comparing outputs", i + 1, samples_->size());
    }
    for (std::size_t e = 1; e < executors_.size(); ++e) {
      VariantResult& v = result_.variants[e];
      v.outputs = errors[e].result();
      if (not_finite[e] > 0)
        result_.warnings.push_back(v.title + ": outputs are NaN or infinite, in this form or in the original, for " +
                                   std::to_string(not_finite[e]) + " of " + std::to_string(samples_->size()) +
                                   " inputs, which are left out of the errors; the first is '" + first_name + "'");
    }
  }

  void measure_time() {
    const auto times =
        measure_latency(executors(), first_, options_.seconds, options_.runs, reporter("measuring time"));
    for (std::size_t i = 0; i < times.size(); ++i) {
      result_.variants[i].median_ms = times[i].median_ms;
      result_.variants[i].min_ms = times[i].min_ms;
    }
  }

  void compare_layers(const Model& int8_model) {
    report("comparing layers", 0, 1);
    const std::int64_t n = std::min<std::int64_t>(8, calibration_samples_->size());
    result_.errors = error_report(model_, int8_model, load_inputs(*calibration_samples_, 0, n, *pool_), on_pool());
    std::map<std::string, double> sqnr;
    for (const LayerError& e : result_.errors) sqnr[e.name] = e.sqnr_db;
    for (const Node& node : model_.nodes) {
      const auto output = sqnr.find(model_.value(node.outputs[0]).name);
      if (output == sqnr.end()) continue;
      LayerNoise layer{node.name, node.op->summary(model_.shape_context(node, nullptr)), output->second, {}};
      for (int v : node.inputs)
        if (const auto w = v == Node::none ? sqnr.end() : sqnr.find(model_.value(v).name);
            w != sqnr.end() && model_.value(v).is_constant())
          layer.weights_db = w->second;
      result_.layers.push_back(std::move(layer));
    }
  }

  const CompareOptions& options_;
  InputSetPtr samples_, calibration_samples_;
  DatasetPtr images_;  // null if the model is not a classifier
  std::shared_ptr<ThreadPool> pool_;
  Model model_;
  std::vector<AnyTensor> first_;  // the first sample, and its shapes
  std::vector<Shape> shapes_;
  Calibration calibration_;
  std::vector<Model> models_;
  std::vector<std::unique_ptr<Executor>> executors_;
  ComparisonResult result_;
};

}  // namespace detail

OCTET_API std::string quantized_form(const Model& model) { return detail::form_of_optimized(optimize(model)); }

OCTET_API bool is_classifier(const Model& model, std::int64_t image_size) {
  if (model.inputs.size() != 1 || model.outputs.size() != 1) return false;
  const Shape& in = model.value(model.inputs[0]).shape;
  const Value& out = model.value(model.outputs[0]);
  if (in.rank() != 4 || (!is_floating(out.dtype) && !out.is_quantized())) return false;
  const Shape s =
      model.infer_shapes({ImageInput(model, image_size).shape()})[static_cast<std::size_t>(model.outputs[0])];
  return s.rank() > 0 && s.known() && s.back() > 1 && s.elements() == s.back();
}

OCTET_API ComparisonResult compare(const Model& model, const DatasetPtr& images, const DatasetPtr& calibration,
                                   const CompareOptions& options) {
  const auto samples = [&](const DatasetPtr& set) {
    return image_inputs(model, set, options.preprocessing, options.image_size);
  };
  const bool classes = is_classifier(model, options.image_size);
  return detail::Comparison(model, samples(images), samples(calibration), classes ? images : nullptr, options).run();
}

OCTET_API ComparisonResult compare(const Model& model, const InputSetPtr& samples, const InputSetPtr& calibration,
                                   const CompareOptions& options) {
  return detail::Comparison(model, samples, calibration, nullptr, options).run();
}

OCTET_END
