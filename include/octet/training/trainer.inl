#pragma once
#include "trainer.hpp"
#include "trainer_state.hpp"

OCTET_BEGIN

OCTET_API Trainer::Trainer(const Model& model, const TrainingOptions& options)
    : state_(std::make_unique<detail::TrainerState>(model, options)) {}
OCTET_API Trainer::~Trainer() = default;
OCTET_API const std::vector<EpochReport>& Trainer::fit(const Examples& examples, std::int64_t epochs,
                                                       const Examples* held_out) {
  return state_->fit(examples, epochs, held_out);
}
OCTET_API const std::vector<EpochReport>& Trainer::fit(const Examples& examples, std::int64_t epochs,
                                                       const Examples& held_out) {
  return state_->fit(examples, epochs, &held_out);
}
OCTET_API Model Trainer::model() const { return state_->model(); }
OCTET_API const std::vector<EpochReport>& Trainer::history() const noexcept { return state_->history(); }
OCTET_API const GradientExecutor& Trainer::executor() const noexcept { return state_->executor(); }
OCTET_API void Trainer::stop() noexcept { state_->stop(); }
OCTET_API void Trainer::freeze_statistics(bool frozen) noexcept { state_->freeze_statistics(frozen); }
OCTET_API void Trainer::save_checkpoint(const std::string& path) { state_->save_checkpoint(path); }
OCTET_API void Trainer::resume(const std::string& path) { state_->resume(path); }
OCTET_API bool Trainer::resume() { return state_->resume(); }

OCTET_END
