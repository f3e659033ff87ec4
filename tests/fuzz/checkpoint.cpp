#include <octet/training/trainer.hpp>

#include "fuzz.hpp"
#include "tiny_model.hpp"

/// Checkpoints with a correct checksum: training resumes for one step.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  using namespace fuzzing;
  static const File file("training.checkpoint");
  const std::string sealed = sealed_checkpoint({reinterpret_cast<const char*>(bytes), n});
  file.write(sealed.data(), sealed.size());
  TrainingOptions o = tiny_training();
  std::unique_ptr<Trainer> trainer;
  o.on_step = [&](const StepReport&) { trainer->stop(); };
  trainer = std::make_unique<Trainer>(tiny_model(), o);
  if (!bounded(n, 64, [&] { trainer->resume(file.path); })) return 0;
  try {
    trainer->fit(tiny_examples(), static_cast<std::int64_t>(trainer->history().size()) + 1);
  } catch (const Error&) {
  }
  return 0;
}
