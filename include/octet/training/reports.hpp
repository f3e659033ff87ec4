#pragma once
#include <cstdint>
#include <optional>

#include "evaluate.hpp"

OCTET_BEGIN

/// State of training after a step.
struct StepReport {
  std::int64_t epoch = 0, epochs = 0;  // from 1
  std::int64_t step = 0, steps = 0;    // within the epoch, from 1
  double loss = 0;                     // of the batch of this step
  double mean_loss = 0, accuracy = 0;  // means over the epoch so far
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping; 0 without clipping
  double images_per_second = 0, seconds_left = 0;
};

/// State of training after an epoch. loss and accuracy are means over its steps, while the weights were changing;
/// `validation` is on the held-out examples.
struct EpochReport {
  std::int64_t epoch = 0, epochs = 0;  // from 1
  double loss = 0, accuracy = 0;
  std::optional<Evaluation> validation;
  double learning_rate = 0;  // of the last step
  double seconds = 0, images_per_second = 0;
};

OCTET_END
