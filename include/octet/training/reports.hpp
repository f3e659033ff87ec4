#pragma once
#include <cstdint>
#include <optional>

#include "evaluate.hpp"

OCTET_BEGIN

/// State of training after a step.
struct StepReport {
  std::int64_t epoch = 0;        ///< from 1
  std::int64_t epochs = 0;       ///< after which fit returns
  std::int64_t step = 0;         ///< within the epoch, from 1
  std::int64_t steps = 0;        ///< of an epoch
  double loss = 0;               ///< of the batch of this step
  double mean_loss = 0;          ///< mean over the epoch so far
  double accuracy = 0;           ///< likewise, in [0, 1]
  double learning_rate = 0;      ///< of this step
  double gradient_norm = 0;      ///< before clipping; 0 without clipping
  double images_per_second = 0;  ///< of this epoch, since it was started or resumed
  double seconds_left = 0;       ///< until the last epoch is done, estimated
};

/// State of training after an epoch. loss and accuracy are means over its steps, while the weights were changing;
/// `validation` is on the held-out examples.
struct EpochReport {
  std::int64_t epoch = 0;   ///< from 1
  std::int64_t epochs = 0;  ///< after which fit returns
  double loss = 0;          ///< mean over the steps, while the weights were changing
  double accuracy = 0;      ///< likewise, in [0, 1]
  /// On the held-out examples, with the weights at the end of the epoch; none without such examples.
  std::optional<Evaluation> validation;
  double learning_rate = 0;      ///< of the last step
  double seconds = 0;            ///< of training, without validation
  double images_per_second = 0;  ///< in training
};

OCTET_END
