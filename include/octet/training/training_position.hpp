#pragma once
#include <cmath>

#include "../files/archive.hpp"
#include "reports.hpp"

OCTET_BEGIN
namespace detail {

/// How far a training run has come, and the results of the current epoch so far.
struct TrainingPosition {
  std::uint64_t seed = 1;
  std::int64_t epoch = 0, step = 0;               // completed epochs, and steps of the next one
  std::int64_t steps_per_epoch = 0, batch = 0;    // of the epoch of `step`
  double loss_sum = 0, correct = 0, seconds = 0;  // sums over its steps
  double best = 0;                                // best value for early stopping
  std::int64_t epochs_without_gain = 0;
  bool statistics_frozen = false;
  std::vector<EpochReport> history;
};

inline void write_position(const TrainingPosition& p, ArchiveWriter& to) {
  to.put(p.seed);
  for (std::int64_t n : {p.epoch, p.step, p.steps_per_epoch, p.batch, p.epochs_without_gain}) to.put(n);
  for (double x : {p.loss_sum, p.correct, p.seconds, p.best}) to.put(x);
  to.put(static_cast<std::uint8_t>(p.statistics_frozen));
  to.put_count(p.history.size());
  for (const EpochReport& r : p.history) {
    to.put(r.epoch);
    to.put(r.epochs);
    to.put(static_cast<std::uint8_t>(r.validation.has_value()));
    const Evaluation v = r.validation.value_or(Evaluation());
    for (double x : {r.loss, r.accuracy, v.loss, v.accuracy, r.learning_rate, r.seconds, r.images_per_second})
      to.put(x);
    to.put_count(v.outputs.size());
    for (const OutputEvaluation& o : v.outputs)
      for (double x : {o.loss, o.accuracy}) to.put(x);
  }
}

/// version: of the checkpoint's format. Throws FormatError if it is not valid.
inline TrainingPosition read_position(ArchiveReader& from, std::uint64_t version) {
  TrainingPosition p;
  p.seed = from.get<std::uint64_t>();
  for (std::int64_t* n : {&p.epoch, &p.step, &p.steps_per_epoch, &p.batch, &p.epochs_without_gain}) {
    *n = from.get<std::int64_t>();
    require<FormatError>(*n >= 0, "a count is ", *n, ", expected at least 0");
  }
  for (double* x : {&p.loss_sum, &p.correct, &p.seconds, &p.best}) *x = from.get<double>();
  require<FormatError>(p.step <= p.steps_per_epoch, "found step ", p.step, " of an epoch of ", p.steps_per_epoch,
                       " steps");
  require<FormatError>(p.epochs_without_gain <= p.epoch, "found ", p.epochs_without_gain,
                       " epochs without improvement, but only ", p.epoch, " epochs");
  require<FormatError>(std::isfinite(p.loss_sum) && std::isfinite(p.correct) && std::isfinite(p.seconds),
                       "the loss, accuracy or time is not finite");
  p.statistics_frozen = from.get_flag();
  for (std::size_t n = from.get_count(59); n > 0; --n) {
    EpochReport r;
    Evaluation v;
    r.epoch = from.get<std::int64_t>();
    r.epochs = from.get<std::int64_t>();
    const bool validated = from.get_flag();
    for (double* x : {&r.loss, &r.accuracy, &v.loss, &v.accuracy, &r.learning_rate, &r.seconds, &r.images_per_second})
      *x = from.get<double>();
    if (version >= 2) v.outputs.resize(from.get_count(2 * sizeof(double)));
    for (OutputEvaluation& o : v.outputs)
      for (double* x : {&o.loss, &o.accuracy}) *x = from.get<double>();
    if (validated) r.validation = v;
    p.history.push_back(r);
  }
  require<FormatError>(p.history.size() == static_cast<std::uint64_t>(p.epoch), "found reports of ", p.history.size(),
                       " epochs, expected ", p.epoch);
  return p;
}

}  // namespace detail
OCTET_END
