#pragma once
#include "checkpoint.hpp"
#include "evaluate.hpp"
#include "gradient_executor.hpp"
#include "objective.hpp"
#include "optimizer_state.hpp"
#include "progress.hpp"
#include "trainer.hpp"

OCTET_BEGIN
namespace detail {

/// The implementation of Trainer; see there for its functions.
class TrainerState {
 public:
  TrainerState(const Model& model, const TrainingOptions& options)
      : options_(checked(options)),
        losses_(output_losses(model, options.loss, options.outputs)),
        executor_(model, gradient_options(options, losses_)),
        optimizer_(options.optimizer, executor_.parameters()),
        objective_(losses_, options.label_smoothing),
        freezer_(options.oscillation_freezing, executor_.graph(), executor_.parameters()),
        teacher_(options.distillation, classifying(losses_), model.inputs.size(), model.outputs.size(),
                 executor_.shared_pool()) {
    require(!teacher_.exists() || objective_.classifies(),
            "distillation is for classes: expected the loss cross_entropy");
    position_.seed = options.seed;
  }

  const std::vector<EpochReport>& fit(const Examples& examples, std::int64_t epochs,
                                      const Examples* held_out = nullptr) {
    if (!options_.checkpoint.empty()) require_writable(options_.checkpoint);  // fail now rather than after an epoch
    const std::int64_t batch = std::min(options_.batch, std::max<std::int64_t>(1, examples.size()));
    const std::vector<Shape> inputs = batch_shapes(executor_.graph(), examples, batch);
    Batches batches(examples, inputs, options_.augmentation, executor_.pool().size());
    executor_.plan_all(inputs);
    std::vector<Shape> outputs;
    for (std::size_t k = 0; k < losses_.size(); ++k) outputs.push_back(executor_.output(k).shape());
    objective_.plan(examples, outputs, batch);
    teacher_.plan(inputs, outputs);
    if (held_out) {  // fail now rather than after an epoch
      batch_shapes(executor_.graph(), *held_out, batch);
      Batches(*held_out, inputs, {}, 1);
      TrainingObjective(losses_, options_.label_smoothing).plan(*held_out, outputs, batch);
    }
    begin((examples.size() + batch - 1) / batch, batch);
    TrainingProgress progress(options_.progress, objective_.classifies());
    stopped_ = false;
    while (position_.epoch < epochs && !stopped_ && !out_of_patience()) {
      batches.begin(position_.seed, position_.epoch, options_.shuffle);
      if (!run_epoch(batches, epochs, progress)) break;
      end_epoch(epochs, held_out, progress);
    }
    if (!best_.empty() && position_.step == 0) std::copy(best_.begin(), best_.end(), executor_.parameters().values());
    return position_.history;
  }
  const std::vector<EpochReport>& fit(const Examples& examples, std::int64_t epochs, const Examples& held_out) {
    return fit(examples, epochs, &held_out);
  }

  Model model() const { return executor_.model(); }
  const std::vector<EpochReport>& history() const noexcept { return position_.history; }
  const GradientExecutor& executor() const noexcept { return executor_; }

  void stop() noexcept { stopped_ = true; }
  void freeze_statistics(bool frozen = true) noexcept { position_.statistics_frozen = frozen; }

  void save_checkpoint(const std::string& path) { checkpoint().save(path); }
  void resume(const std::string& path) { checkpoint().load(path); }
  bool resume() {
    if (options_.checkpoint.empty() || !path_exists(options_.checkpoint)) return false;
    resume(options_.checkpoint);
    return true;
  }

 private:
  static const TrainingOptions& checked(const TrainingOptions& o) {
    o.optimizer.validate();
    o.learning_rate.validate();
    require(o.batch >= 1, "expected a batch size of at least 1, found ", o.batch);
    require(o.clip_norm >= 0, "expected clip_norm >= 0, found ", o.clip_norm);
    require(o.statistics_momentum >= 0 && o.statistics_momentum <= 1, "expected statistics_momentum in [0, 1], found ",
            o.statistics_momentum);
    require(o.statistics_epochs >= 0 && o.observer_epochs >= 0,
            "expected statistics_epochs and observer_epochs >= 0, found ", o.statistics_epochs, " and ",
            o.observer_epochs);
    require(o.checkpoint_steps >= 0 && (o.checkpoint_steps == 0 || !o.checkpoint.empty()),
            "expected checkpoint_steps = 0, or > 0 and the name of a checkpoint file, found ", o.checkpoint_steps);
    require(o.oscillation_damping >= 0 && std::isfinite(o.oscillation_damping),
            "expected oscillation_damping >= 0, found ", o.oscillation_damping);
    const OscillationFreezing& f = o.oscillation_freezing;
    require(f.threshold >= 0 && f.threshold < 1 && f.last_threshold > 0 && f.last_threshold < 1 && f.momentum > 0 &&
                f.momentum < 1,
            "expected thresholds and momentum of oscillation_freezing in (0, 1), found ", f.threshold, ", ",
            f.last_threshold, " and ", f.momentum);
    const Distillation& d = o.distillation;
    require(!d.teacher || (d.temperature > 0 && std::isfinite(d.temperature) && d.weight >= 0 && d.weight <= 1),
            "expected a temperature > 0 and a weight in [0, 1] of distillation, found ", d.temperature, " and ",
            d.weight);
    require(o.early_stopping.patience >= 0, "expected a patience of early stopping >= 0, found ",
            o.early_stopping.patience);
    return o;
  }
  static GradientOptions gradient_options(const TrainingOptions& o, const std::vector<OutputLoss>& losses) {
    GradientOptions g;
    g.threads = o.threads;
    g.pool = o.pool;
    g.freeze = o.freeze;
    g.logits = classifying(losses);
    g.bf16_products = o.bf16_products;
    return g;
  }
  Checkpoint checkpoint() { return {executor_, optimizer_, options_.optimizer.kind, freezer_, position_, best_}; }

  void begin(std::int64_t steps, std::int64_t batch) {
    TrainingPosition& p = position_;
    require(p.step == 0 || (p.steps_per_epoch == steps && p.batch == batch), "the checkpoint is within an epoch of ",
            p.steps_per_epoch, " batches of ", p.batch, ", expected ", steps, " batches of ", batch);
    p.steps_per_epoch = steps;
    p.batch = batch;
  }
  bool out_of_patience() const noexcept {
    const std::int64_t patience = options_.early_stopping.patience;
    return patience > 0 && position_.epochs_without_gain >= patience;
  }

  /// Runs the remaining steps of an epoch. Returns whether all are done.
  bool run_epoch(Batches& batches, std::int64_t epochs, TrainingProgress& progress) {
    using Clock = std::chrono::steady_clock;
    TrainingPosition& p = position_;
    const std::int64_t first = p.step;
    const double seconds_before = p.seconds;
    const auto start = Clock::now();
    while (p.step < p.steps_per_epoch && !stopped_) {
      StepReport r = step(batches, epochs);
      ++p.step;
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      const auto done = static_cast<double>(p.step), here = static_cast<double>(p.step - first);
      p.seconds = seconds_before + seconds;
      r.epoch = p.epoch + 1;
      r.epochs = epochs;
      r.step = p.step;
      r.steps = p.steps_per_epoch;
      r.mean_loss = p.loss_sum / done;
      r.accuracy = p.correct / (done * static_cast<double>(p.batch));
      r.images_per_second = here * static_cast<double>(p.batch) / seconds;
      r.seconds_left = seconds / here * static_cast<double>((epochs - p.epoch) * p.steps_per_epoch - p.step);
      if (options_.on_step) options_.on_step(r);
      progress.step(r);
      const std::int64_t interval = options_.checkpoint_steps;
      if (interval > 0 && p.step % interval == 0 && p.step < p.steps_per_epoch) save_checkpoint(options_.checkpoint);
    }
    return p.step == p.steps_per_epoch;
  }

  StepReport step(Batches& batches, std::int64_t epochs) {
    TrainingPosition& p = position_;
    const std::int64_t place = p.step * p.batch, number = p.epoch * p.steps_per_epoch + p.step;
    ThreadPool& pool = executor_.pool();
    for (std::size_t k = 0; k < executor_.graph().inputs.size(); ++k)
      batches.read(place, p.batch, k, executor_.input(k).data(), pool);
    TrainingPass pass;
    const auto over = [&](std::int64_t epochs_of) { return epochs_of > 0 && p.epoch >= epochs_of; };
    pass.batch_statistics = !p.statistics_frozen && !over(options_.statistics_epochs);
    pass.observe = !over(options_.observer_epochs);
    pass.momentum = static_cast<float>(options_.statistics_momentum);
    pass.random = SplitMix::seed_of(~p.seed, number);
    pass.damping = static_cast<float>(damping(number, epochs * p.steps_per_epoch));
    executor_.forward(pass);
    if (teacher_.exists()) {
      for (std::size_t k = 0; k < executor_.graph().inputs.size(); ++k) teacher_.set_input(k, executor_.input(k));
      teacher_.run();
    }
    for (std::size_t k = 0; k < losses_.size(); ++k)
      objective_.compare(k, batches, place, executor_.output(k), executor_.output_gradient(k), pool,
                         &options_.distillation, teacher_.logits(k));
    const BatchLoss loss = objective_.total();
    if (!std::isfinite(loss.mean)) fail_not_finite(loss.mean, pass);
    executor_.backward(pass);
    freezer_.before_step(pool);
    StepReport r;
    r.loss = loss.mean;
    r.learning_rate = options_.learning_rate.at(number, p.steps_per_epoch, epochs);
    double factor = 1;
    if (options_.clip_norm > 0) {
      r.gradient_norm = optimizer_.gradient_norm(pool);
      if (!std::isfinite(r.gradient_norm)) fail_not_finite();
      if (r.gradient_norm > options_.clip_norm) factor = options_.clip_norm / r.gradient_norm;
    }
    optimizer_.step(r.learning_rate, factor, pool);
    freezer_.after_step(part_done(number, epochs * p.steps_per_epoch), pool);
    p.loss_sum += loss.mean;
    p.correct += static_cast<double>(loss.correct);
    learning_rate_ = r.learning_rate;
    return r;
  }

  /// The part of all steps that is done after a step.
  static double part_done(std::int64_t step, std::int64_t steps) {
    return static_cast<double>(step + 1) / static_cast<double>(std::max<std::int64_t>(1, steps));
  }
  /// The factor of the damping loss in a step: it grows along a cosine.
  double damping(std::int64_t step, std::int64_t steps) const {
    return options_.oscillation_damping * 0.5 * (1 - std::cos(part_done(step, steps) * 3.14159265358979324));
  }

  void end_epoch(std::int64_t epochs, const Examples* held_out, TrainingProgress& progress) {
    TrainingPosition& p = position_;
    EpochReport r;
    const auto steps = static_cast<double>(p.steps_per_epoch), images = steps * static_cast<double>(p.batch);
    r.epoch = p.epoch + 1;
    r.epochs = epochs;
    r.loss = p.loss_sum / steps;
    r.accuracy = p.correct / images;
    r.learning_rate = learning_rate_;
    r.seconds = p.seconds;
    r.images_per_second = images / p.seconds;
    if (held_out) {
      EvaluationOptions e;
      e.outputs = losses_;
      e.label_smoothing = options_.label_smoothing;
      e.batch = options_.batch;
      e.executor.pool = executor_.shared_pool();
      r.validation = evaluate(executor_.model(), *held_out, e);
    }
    keep_best(r);
    ++p.epoch;
    p.step = 0;
    p.loss_sum = p.correct = p.seconds = 0;
    p.history.push_back(r);
    progress.epoch(r);
    if (options_.on_epoch) options_.on_epoch(r);
    if (!options_.checkpoint.empty()) save_checkpoint(options_.checkpoint);
  }

  void keep_best(const EpochReport& r) {
    const EarlyStopping& e = options_.early_stopping;
    if (e.patience == 0) return;
    const double accuracy = r.validation ? r.validation->accuracy : r.accuracy;
    const double found = e.by_accuracy ? -accuracy : r.validation ? r.validation->loss : r.loss;
    if (best_.empty() || found < position_.best - e.least_gain) {
      const Parameters& all = executor_.parameters();
      best_.assign(all.values(), all.values() + all.size());
      position_.best = found;
      position_.epochs_without_gain = 0;
    } else {
      ++position_.epochs_without_gain;
    }
  }

  std::string where() const { return concat("epoch ", position_.epoch + 1, ", step ", position_.step + 1, ": "); }
  [[noreturn]] void fail_not_finite(double loss, TrainingPass pass) {
    pass.momentum = 0;
    pass.observe = false;
    fail(where(), "the loss is ", std::isnan(loss) ? "nan" : "infinite", ": ", executor_.find_not_finite(pass));
  }
  [[noreturn]] void fail_not_finite() const {
    const Parameters& all = executor_.parameters();
    for (const Parameter& p : all.list())
      for (std::int64_t i = 0; p.learned && i < p.size; ++i)
        if (!std::isfinite(all.gradients()[p.offset + i]))
          fail(where(), "the gradient of '", p.name, "' (layer '", p.layer, "') is not finite");
    fail(where(), "the norm of the gradients is not finite, so they cannot be clipped");
  }

  TrainingOptions options_;
  std::vector<OutputLoss> losses_;  // of each output
  GradientExecutor executor_;
  OptimizerState optimizer_;
  TrainingObjective objective_;
  OscillationFreezer freezer_;
  Teacher teacher_;
  TrainingPosition position_;
  std::vector<float> best_;   // parameters of the best epoch, with early stopping
  double learning_rate_ = 0;  // of the last step
  bool stopped_ = false;
};

}  // namespace detail
OCTET_END
