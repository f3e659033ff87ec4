#pragma once
#include <octet/comparison/comparison.hpp>
#include <octet/training/options.hpp>

/// Records a training curve: several points per epoch for short trainings, one point per epoch for long ones.
class Recorder {
 public:
  explicit Recorder(std::int64_t epochs) : parts_(std::max<std::int64_t>(1, 10 / std::max<std::int64_t>(1, epochs))) {}

  /// Training options that report to this recorder.
  octet::TrainingOptions listening(octet::TrainingOptions o) {
    o.on_step = [this](const octet::StepReport& r) { step(r); };
    return o;
  }

  /// The points of all epochs. Epochs of an earlier run have one point each, with their means.
  std::vector<octet::TrainingPoint> points(const std::vector<octet::EpochReport>& history) const {
    std::vector<octet::TrainingPoint> all;
    for (const octet::EpochReport& e : history) {
      const auto end = static_cast<double>(e.epoch);
      const std::size_t before = all.size();
      for (const octet::TrainingPoint& p : points_)
        if (p.epoch > end - 1 && p.epoch <= end) all.push_back(p);
      if (all.size() == before) all.push_back({end, e.loss, e.accuracy, {}, {}});
      if (!e.validation) continue;
      all.back().held_out_loss = e.validation->loss;
      all.back().held_out_accuracy = e.validation->accuracy;
    }
    return all;
  }

 private:
  void step(const octet::StepReport& r) {
    if (r.step == 1) {
      first_ = 0;
      loss_ = 0;
      correct_before_ = 0;
    }
    loss_ += r.loss;
    const std::int64_t part = r.step * parts_ / r.steps;
    if (part == (r.step - 1) * parts_ / r.steps) return;
    const auto steps = static_cast<double>(r.step - first_), correct = r.accuracy * static_cast<double>(r.step);
    const double epoch = static_cast<double>(r.epoch - 1) + static_cast<double>(r.step) / static_cast<double>(r.steps);
    points_.push_back({epoch, loss_ / steps, (correct - correct_before_) / steps, {}, {}});
    first_ = r.step;
    loss_ = 0;
    correct_before_ = correct;
  }

  std::int64_t parts_, first_ = 0;
  double loss_ = 0, correct_before_ = 0;
  std::vector<octet::TrainingPoint> points_;
};
