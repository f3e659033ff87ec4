#pragma once
#include <algorithm>
#include <chrono>
#include <map>

#include "../files/input_file.hpp"
#include "../model_file/model_file.hpp"
#include "../passes/optimize.hpp"
#include "../quantization/error_report.hpp"
#include "compare.hpp"
#include "evaluation.hpp"
#include "latency.hpp"

OCTET_BEGIN

OCTET_API std::string quantized_form(const Model& model) {
  std::string form;
  for (const Value& v : model.values) {
    if (!v.is_quantized()) continue;
    if (!v.is_constant()) return "int8";
    form = "dynamic_range";
  }
  return form;
}

namespace detail {

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
  Comparison(const Model& model, DatasetPtr images, DatasetPtr calibration, const CompareOptions& o)
      : options_(o),
        images_(std::move(images)),
        calibration_images_(std::move(calibration)),
        pool_(pool_for(nullptr, o.threads)),
        input_(model, o.image_size),
        model_(optimize(model)) {
    result_.model = model.name;
    result_.preprocessing = o.preprocessing_name;
    result_.threads = pool_->size();
    result_.images = images_->size();
  }

  ComparisonResult run() {
    describe();
    const std::string form = quantized_form(model_);
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
      if (int8_options.trial.empty())
        int8_options.trial =
            input_.load(*calibration_images_, 0, std::min<std::int64_t>(4, calibration_images_->size()),
                        options_.preprocessing, *pool_);
      add("int8", "Int8", [&] { return quantize<int8>(model_, calibration_, int8_options); });
    }
    const std::size_t own = models_.size();
    for (const ModelForm& f : options_.further) add(f.name, f.title, f.make);
    measure_accuracy();
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
    const std::vector<Shape> shapes = model_.infer_shapes({input_.shape()});
    for (const Node& n : model_.nodes) result_.macs += n.op->macs(model_.shape_context(n, &shapes));
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
    executors_.back()->plan({input_.shape()});
    v.arena_bytes = static_cast<std::int64_t>(executors_.back()->arena_bytes());
    result_.variants.push_back(std::move(v));
  }

  void calibrate() {
    CalibrationOptions o = options_.calibration;
    o.executor.pool = pool_;
    Calibrator calibrator(model_, o);
    const Dataset& images = *calibration_images_;
    result_.calibration_images = images.size();
    result_.calibration_seconds = seconds([&] {
      for (std::int64_t i = 0; i < images.size(); i += 16) {
        const std::int64_t to = std::min(images.size(), i + 16);
        for (const Tensor<float>& x : input_.load(images, i, to, options_.preprocessing, *pool_)) calibrator.add(x);
        report("calibrating", to, images.size());
      }
    });
    calibration_ = calibrator.result();
    const std::string& input = model_.value(model_.inputs[0]).name;
    if (images_->size() == 0 || !calibration_.contains(input)) return;
    result_.calibrated_input = calibration_.range(input);
    result_.evaluated_input = input_range(input_, *images_, options_.preprocessing, *pool_);
  }

  std::vector<Executor*> executors() const {
    std::vector<Executor*> all;
    for (const auto& e : executors_) all.push_back(e.get());
    return all;
  }

  void measure_accuracy() {
    const bool labels = options_.use_labels && images_->labelled();
    const auto found = accuracy_of(executors(), input_, *images_, options_.preprocessing, *pool_, labels,
                                   reporter("measuring accuracy"));
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

  void measure_time() {
    const DatasetPtr& images = images_->size() > 0 ? images_ : calibration_images_;
    const Tensor<float> x = input_.prepare(images->image(0), options_.preprocessing);
    const auto times = measure_latency(executors(), x, options_.seconds, options_.runs, reporter("measuring time"));
    for (std::size_t i = 0; i < times.size(); ++i) {
      result_.variants[i].median_ms = times[i].median_ms;
      result_.variants[i].min_ms = times[i].min_ms;
    }
  }

  void compare_layers(const Model& int8_model) {
    report("comparing layers", 0, 1);
    const std::int64_t n = std::min<std::int64_t>(8, calibration_images_->size());
    result_.errors = error_report(model_, int8_model,
                                  input_.load(*calibration_images_, 0, n, options_.preprocessing, *pool_), on_pool());
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
  DatasetPtr images_, calibration_images_;
  std::shared_ptr<ThreadPool> pool_;
  ImageInput input_;
  Model model_;
  Calibration calibration_;
  std::vector<Model> models_;
  std::vector<std::unique_ptr<Executor>> executors_;
  ComparisonResult result_;
};

}  // namespace detail

OCTET_API ComparisonResult compare(const Model& model, const DatasetPtr& images, const DatasetPtr& calibration,
                                   const CompareOptions& options) {
  return detail::Comparison(model, images, calibration, options).run();
}

OCTET_END
