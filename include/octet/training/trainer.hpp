#pragma once
#include "../graph/graph.hpp"
#include "options.hpp"

OCTET_BEGIN

class GradientExecutor;
namespace detail {
class TrainerState;
}

/// Trains a float model of one input and one output.
///   Trainer trainer(small_cnn(), options);
///   trainer.fit(examples, 10);
///   Model trained = trainer.model();
/// A seed gives the same weights, bit for bit, with any number of threads, and whether or not a training was
/// interrupted and resumed. Once a training runs, its steps allocate nothing.
class Trainer {
 public:
  explicit Trainer(const Model& model, const TrainingOptions& options = {});
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Goes on until `epochs` epochs are done in all, those before a resume included. An epoch takes every example at
  /// least once: its last batch is filled up from its first examples. Throws where examples and model do not fit, and
  /// where the loss is no longer finite, naming the layer that began it.
  const std::vector<EpochReport>& fit(const Examples& examples, std::int64_t epochs,
                                      const Examples* held_out = nullptr);
  const std::vector<EpochReport>& fit(const Examples& examples, std::int64_t epochs, const Examples& held_out);

  /// The model as it is now.
  Model model() const;
  /// One entry for each epoch done.
  const std::vector<EpochReport>& history() const noexcept;
  const GradientExecutor& executor() const noexcept;

  /// To be called from on_step or on_epoch: fit returns after the step.
  void stop() noexcept;
  /// From now on, batch normalization goes by its running statistics, which stay as they are.
  void freeze_statistics(bool frozen = true) noexcept;

  /// Writes all that a training of the same model needs to go on; the file appears whole or not at all.
  void save_checkpoint(const std::string& path);
  /// Goes on where the file was written: weights, optimizer, position in epoch and schedule, seed. Throws, and changes
  /// nothing, where the file is damaged, or of another model or optimizer.
  void resume(const std::string& path);
  /// As above, from options.checkpoint; false where there is no such file yet.
  bool resume();

 private:
  std::unique_ptr<detail::TrainerState> state_;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "trainer.inl"
#endif
