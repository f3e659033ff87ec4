#pragma once
#include <functional>
#include <memory>

#include "augmentation.hpp"
#include "learning_rate.hpp"
#include "loss.hpp"
#include "optimizer.hpp"
#include "reports.hpp"

OCTET_BEGIN

/// Stops training before the last epoch. At the end, the weights of the best epoch are restored.
struct EarlyStopping {
  std::int64_t patience = 0;  ///< epochs without improvement; 0: never stops and keeps the last weights
  double least_gain = 0;      ///< smallest change that counts as improvement
  bool by_accuracy = false;   ///< else by the loss; on the held-out examples, if there are any
};

/// Learning from another model's outputs besides the labels (Hinton et al. 2015): the loss is
///   (1 - weight) * cross entropy + weight * T^2 * KL(softmax(teacher / T), softmax(student / T))
/// for logits [N, classes] of the same images; the factor T^2 keeps the gradients of both parts alike.
struct Distillation {
  std::shared_ptr<const Model> teacher;  ///< such as the float model, with the trained model's inputs and outputs
  double temperature = 2;                ///< T > 0: larger ones show more of how the teacher ranks the other classes
  double weight = 0.9;                   ///< in [0, 1]: share of the teacher
};

/// Freezing of weights whose codes alternate between two neighbours in quantization-aware training (Nagel et al. 2022,
/// algorithm 1): a weight that has done so in a larger share of the last steps than a threshold keeps the more frequent
/// of the codes from then on. The threshold goes from one value to another along a cosine.
struct OscillationFreezing {
  double threshold = 0;          ///< in the first step, in [0, 1), such as 0.04; 0: off
  double last_threshold = 0.01;  ///< in the last step, in (0, 1)
  double momentum = 0.01;        ///< of the moving averages of oscillations and codes, in (0, 1)
};

/// Options of a Trainer.
struct TrainingOptions {
  Loss loss = Loss::cross_entropy;   ///< what is minimized: the sum of this loss over the outputs,
  std::vector<OutputLoss> outputs;   ///< or, if not empty, the sum of weight * loss, one for each output of the model
  double label_smoothing = 0;        ///< in [0, 1): part of the target that all classes share; for cross entropy
  Distillation distillation;         ///< off without a teacher; for outputs with cross entropy
  Optimizer optimizer;               ///< update rule and its parameters
  LearningRate learning_rate;        ///< schedule, by default constant
  std::int64_t batch = 64;           ///< examples in a step, at least 1
  std::uint64_t seed = 1;            ///< for shuffling, augmentation and dropout
  bool shuffle = true;               ///< new order of the examples in every epoch
  Augmentation augmentation;         ///< of images
  double clip_norm = 0;              ///< scales gradients down to this L2 norm of all together; 0: never
  double statistics_momentum = 0.1;  ///< weight of a batch in the running statistics of batch normalization
  /// After this number of epochs, batch normalization uses its running statistics, which no longer change. 0: never.
  std::int64_t statistics_epochs = 0;
  std::int64_t observer_epochs = 0;  ///< after this number, fake quantization keeps its ranges; 0: never
  /// Fake quantization of weights: weights that have come between two codes alternate between them, which disturbs
  /// training. This factor times the squared distance of weights to their rounded values is added to the loss (Nagel et
  /// al. 2022), from 0 in the first step to all of it in the last one along a cosine. 0: off.
  double oscillation_damping = 0;
  OscillationFreezing oscillation_freezing;  ///< off by default
  std::vector<std::string> freeze;           ///< names of layers that are not trained; * matches any text
  /// Layers with weights multiply in bfloat16, in both passes, if the CPU has vdpbf16ps and it is faster. Sums and
  /// weights stay float. No effect on other CPUs.
  bool bf16_products = false;
  EarlyStopping early_stopping;                      ///< off by default
  std::string checkpoint;                            ///< file, written after every epoch unless empty
  std::int64_t checkpoint_steps = 0;                 ///< and after this number of steps, unless 0
  bool progress = true;                              ///< progress bar on stderr, if that is a terminal
  std::function<void(const StepReport&)> on_step;    ///< called after every step
  std::function<void(const EpochReport&)> on_epoch;  ///< called after every epoch
  int threads = 0;                                   ///< 0: the shared default pool with one thread per processor
  std::shared_ptr<ThreadPool> pool;                  ///< overrides `threads`
};

OCTET_END
