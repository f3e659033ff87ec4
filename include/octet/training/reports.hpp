#pragma once
#include <cstdint>
#include <optional>

#include "evaluate.hpp"

OCTET_BEGIN

/// What is known after a step of a training.
struct StepReport {
  std::int64_t epoch = 0, epochs = 0;  // from 1
  std::int64_t step = 0, steps = 0;    // within the epoch, from 1
  double loss = 0;                     // of this step's batch
  double mean_loss = 0, accuracy = 0;  // of the epoch so far
  double learning_rate = 0;
  double gradient_norm = 0;  // before it was clipped; 0 without clipping
  double images_per_second = 0, seconds_left = 0;
};

/// What is known after an epoch: means over its steps, while the weights changed, and of the examples held out.
struct EpochReport {
  std::int64_t epoch = 0, epochs = 0;  // from 1
  double loss = 0, accuracy = 0;
  std::optional<Evaluation> validation;
  double learning_rate = 0;  // of the last step
  double seconds = 0, images_per_second = 0;
};

OCTET_END
