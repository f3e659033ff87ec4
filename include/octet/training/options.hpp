#pragma once
#include <functional>

#include "augmentation.hpp"
#include "learning_rate.hpp"
#include "loss.hpp"
#include "optimizer.hpp"
#include "reports.hpp"

OCTET_BEGIN

/// When to stop before the last epoch. The weights of the best epoch are restored in the end.
struct EarlyStopping {
  std::int64_t patience = 0;  // epochs without gain; 0: never stops, and keeps the last weights
  double least_gain = 0;      // what counts as one
  bool by_accuracy = false;   // else by the loss; of the examples held out, where there are any
};

struct TrainingOptions {
  Loss loss = Loss::cross_entropy;
  double label_smoothing = 0;
  Optimizer optimizer;
  LearningRate learning_rate;
  std::int64_t batch = 64;
  std::uint64_t seed = 1;  // of the order of the examples, of augmentation and of dropout
  bool shuffle = true;
  Augmentation augmentation;
  double clip_norm = 0;              // scales gradients down to this norm of all of them; 0: never
  double statistics_momentum = 0.1;  // share of a batch in the running statistics of batch normalization
  std::int64_t statistics_epochs =
      0;  // after so many, batch normalization goes by running statistics that stay; 0: never
  std::int64_t observer_epochs = 0;  // after so many, the ranges of fake quantization stay; 0: never
  std::vector<std::string> freeze;   // names of layers that stay as they are, * for any text
  /// Layers with weights multiply bfloat16, forwards and backwards, where the CPU has vdpbf16ps and it gains; sums and
  /// weights are float. Elsewhere nothing changes.
  bool bf16_products = false;
  EarlyStopping early_stopping;
  std::string checkpoint;             // file that is written after every epoch
  std::int64_t checkpoint_steps = 0;  // ... and after so many steps, unless 0
  bool progress = true;               // a bar on stderr, where that is a terminal
  std::function<void(const StepReport&)> on_step;
  std::function<void(const EpochReport&)> on_epoch;
  int threads = 0;                   // 0: the shared default pool, one thread a processor
  std::shared_ptr<ThreadPool> pool;  // overrides `threads`
};

OCTET_END
