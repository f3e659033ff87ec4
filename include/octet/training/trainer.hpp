#pragma once
#include "../graph/graph.hpp"
#include "options.hpp"

OCTET_BEGIN

class GradientExecutor;
namespace detail {
class TrainerState;
}

/// Trains a float model.
///   Trainer trainer(small_cnn(), options);
///   trainer.fit(examples, 10);
///   Model trained = trainer.model();
/// The same seed gives bit-identical weights with any number of threads, and also if training was interrupted and
/// resumed. Steps do not allocate.
class Trainer {
 public:
  /// Copies the model. Throws Error if it is not float, or has a layer without a gradient after a trained one, or
  /// if an option is out of range.
  explicit Trainer(const Model& model, const TrainingOptions& options = {});
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Trains until `epochs` epochs are done in total, including those before a resume. An epoch uses every example at
  /// least once; its last batch is filled with its first examples. Throws Error if the examples do not match the model,
  /// or if the loss is no longer finite (naming the first such layer).
  const std::vector<EpochReport>& fit(const Examples& examples, std::int64_t epochs,
                                      const Examples* held_out = nullptr);
  /// The same with held-out examples, on which every epoch is measured.
  const std::vector<EpochReport>& fit(const Examples& examples, std::int64_t epochs, const Examples& held_out);

  /// The model with the current weights.
  Model model() const;
  /// One entry for each completed epoch.
  const std::vector<EpochReport>& history() const noexcept;
  /// Runs the passes; for tests of gradients.
  const GradientExecutor& executor() const noexcept;

  /// Makes fit return after the current step. Call it from on_step or on_epoch.
  void stop() noexcept;
  /// From now on, batch normalization uses its running statistics, which no longer change.
  void freeze_statistics(bool frozen = true) noexcept;

  /// Writes everything that is needed to resume. The file is replaced atomically.
  void save_checkpoint(const std::string& path);
  /// Restores weights, optimizer, position in epoch and schedule, and seed. Throws FormatError, and changes nothing, if
  /// the file is damaged or belongs to another model or optimizer.
  void resume(const std::string& path);
  /// The same from options.checkpoint. Returns false if that file does not exist.
  bool resume();

 private:
  std::unique_ptr<detail::TrainerState> state_;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "trainer.inl"
#endif
