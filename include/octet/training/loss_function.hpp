#pragma once
#include <cmath>
#include <vector>

#include "../core/rounded.hpp"
#include "../core/tensor.hpp"
#include "../core/thread_pool.hpp"
#include "loss.hpp"

OCTET_BEGIN
namespace detail {

/// The loss of a batch: the mean over its examples, and the number of correct classifications.
struct BatchLoss {
  double mean = 0;
  std::int64_t correct = 0;
};

/// Computes losses and their gradients with respect to the outputs.
class LossFunction {
 public:
  LossFunction() = default;
  LossFunction(Loss loss, double label_smoothing) : loss_(loss), smoothing_(label_smoothing) {
    require(smoothing_ >= 0 && smoothing_ < 1, "expected label smoothing in [0, 1), found ", smoothing_);
  }
  Loss kind() const noexcept { return loss_; }
  void plan(std::int64_t batch) {
    losses_.resize(static_cast<std::size_t>(batch));
    hits_.resize(losses_.size());
  }

  /// outputs: logits [N, classes ...]; labels: N classes in [0, classes); gradient: as outputs, or empty. With label
  /// smoothing s, the target probabilities are s / classes for each class, plus 1 - s for the label (Szegedy et al.
  /// 2016).
  BatchLoss cross_entropy(View<const float> outputs, const std::int64_t* labels, View<float> gradient,
                          ThreadPool& pool) {
    const auto n = static_cast<std::int64_t>(losses_.size()), classes = outputs.size() / std::max<std::int64_t>(1, n);
    pool.parallel(n, [&](std::int64_t i, int) {
      const float* x = outputs.data() + i * classes;
      float* g = gradient.data() ? gradient.data() + i * classes : nullptr;
      const std::int64_t likeliest = std::max_element(x, x + classes) - x;
      const float largest = x[likeliest];
      double sum = 0, all = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        const double below = static_cast<double>(x[c]) - static_cast<double>(largest), e = std::exp(below);
        sum += e;
        all += below;
        if (g) g[c] = static_cast<float>(e);
      }
      const double log_sum = std::log(sum), part = smoothing_ / static_cast<double>(classes);
      const std::int64_t label = labels[i];
      const double right = static_cast<double>(x[label]) - static_cast<double>(largest);
      losses_[at(i)] = rounded((1 - smoothing_) * (log_sum - right)) +
                       rounded(part * (rounded(static_cast<double>(classes) * log_sum) - all));
      hits_[at(i)] = likeliest == label;
      if (!g) return;
      const double share = 1 / static_cast<double>(n);
      for (std::int64_t c = 0; c < classes; ++c)
        g[c] = static_cast<float>((static_cast<double>(g[c]) / sum - part - (c == label ? 1 - smoothing_ : 0)) * share);
    });
    return total();
  }

  /// Mixes the loss of the last batch, and its gradient, with the distance to the logits of a teacher (see
  /// Distillation): share * T^2 * sum_c q_c (log q_c - log p_c), whose gradient is share * T (p_c - q_c); p and q are
  /// the softmax of outputs / T and teacher / T.
  BatchLoss distill(View<const float> outputs, const float* teacher, double temperature, double share,
                    View<float> gradient, ThreadPool& pool) {
    const auto n = static_cast<std::int64_t>(losses_.size()), classes = outputs.size() / std::max<std::int64_t>(1, n);
    pool.parallel(n, [&](std::int64_t i, int) {
      const SoftClasses p(outputs.data() + i * classes, classes, temperature),
          q(teacher + i * classes, classes, temperature);
      const double factor = share * temperature / static_cast<double>(n);
      double apart = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        const double log_p = p.log_of(c), log_q = q.log_of(c), in_q = std::exp(log_q);
        apart += rounded(in_q * (log_q - log_p));
        float& g = gradient[i * classes + c];
        g = static_cast<float>(rounded((1 - share) * static_cast<double>(g)) +
                               rounded(factor * (std::exp(log_p) - in_q)));
      }
      double& loss = losses_[at(i)];
      loss = rounded((1 - share) * loss) + rounded(share * temperature * temperature * apart);
    });
    return total();
  }

  BatchLoss mean_squared_error(View<const float> outputs, const float* targets, View<float> gradient,
                               ThreadPool& pool) {
    const auto n = static_cast<std::int64_t>(losses_.size()), size = outputs.size() / std::max<std::int64_t>(1, n);
    const auto factor = static_cast<float>(2 / static_cast<double>(std::max<std::int64_t>(1, outputs.size())));
    pool.parallel(n, [&](std::int64_t i, int) {
      double sum = 0;
      for (std::int64_t k = i * size; k < (i + 1) * size; ++k) {
        const float apart = outputs[k] - targets[k];
        sum += static_cast<double>(apart) * static_cast<double>(apart);
        if (gradient.data()) gradient[k] = apart * factor;
      }
      losses_[at(i)] = sum / static_cast<double>(size);
      hits_[at(i)] = 0;
    });
    return total();
  }

 private:
  /// The probabilities softmax(x / temperature).
  struct SoftClasses {
    const float* x;
    double inverse, shift;  // log p = x * inverse - shift

    SoftClasses(const float* logits, std::int64_t classes, double temperature) : x(logits), inverse(1 / temperature) {
      const double largest = rounded(static_cast<double>(*std::max_element(x, x + classes)) * inverse);
      double sum = 0;
      for (std::int64_t c = 0; c < classes; ++c)
        sum += std::exp(rounded(static_cast<double>(x[c]) * inverse) - largest);
      shift = largest + std::log(sum);
    }
    double log_of(std::int64_t c) const noexcept { return rounded(static_cast<double>(x[c]) * inverse) - shift; }
  };

  BatchLoss total() const noexcept {
    BatchLoss r;
    for (std::size_t i = 0; i < losses_.size(); ++i) {
      r.mean += losses_[i];
      r.correct += hits_[i];
    }
    r.mean /= static_cast<double>(std::max<std::size_t>(1, losses_.size()));
    return r;
  }

  Loss loss_ = Loss::cross_entropy;
  double smoothing_ = 0;
  std::vector<double> losses_;  // of each example
  std::vector<char> hits_;
};

}  // namespace detail
OCTET_END
