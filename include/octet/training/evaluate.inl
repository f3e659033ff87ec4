#pragma once
#include "../core/rounded.hpp"
#include "../runtime/executor.hpp"
#include "evaluate.hpp"
#include "objective.hpp"

OCTET_BEGIN

OCTET_API Evaluation evaluate(const Model& model, const Examples& examples, const EvaluationOptions& options) {
  detail::require(options.batch >= 1, "expected a batch size of at least 1, found ", options.batch);
  Model m = model;
  const std::vector<OutputLoss> losses = detail::output_losses(m, options.loss, options.outputs);
  for (int k : detail::classifying(losses)) detail::drop_last_softmax(m, k);
  ExecutorOptions executor = options.executor;
  if (!executor.pool) executor.pool = detail::pool_for(nullptr, executor.threads);
  ThreadPool& pool = *executor.pool;
  const std::int64_t size = examples.size(), batch = std::min(options.batch, std::max<std::int64_t>(1, size));
  detail::Batches batches(examples, detail::batch_shapes(m, examples, batch), {}, pool.size());
  Executor run(m, executor);
  detail::TrainingObjective objective(losses, options.label_smoothing);
  objective.plan(examples, run.plan(detail::batch_shapes(m, examples, batch)), batch);
  Evaluation sum;
  sum.outputs.resize(losses.size());
  for (std::int64_t place = 0; place < size; place += batch) {
    const std::int64_t n = std::min(batch, size - place);
    std::vector<AnyTensor> inputs;
    for (const Shape& s : detail::batch_shapes(m, examples, n)) {
      Tensor<float> x = Tensor<float>::uninitialized(s);
      batches.read(place, n, inputs.size(), x.data(), pool);
      inputs.emplace_back(std::move(x));
    }
    objective.plan(n);
    std::vector<AnyTensor> results;
    if (inputs.size() == 1 && losses.size() == 1)
      results.emplace_back(run(inputs[0].view<float>()));  // also of models whose input or output is quantized
    else
      results = run.run(inputs);
    for (std::size_t k = 0; k < results.size(); ++k) {
      if (losses[k].weight == 0) continue;
      objective.compare(k, batches, place, results[k].view<float>(), {}, pool);
      sum.outputs[k].loss += detail::rounded(objective.result(k).mean * static_cast<double>(n));
      sum.outputs[k].accuracy += static_cast<double>(objective.result(k).correct);
    }
    const detail::BatchLoss l = objective.total();
    sum.loss += detail::rounded(l.mean * static_cast<double>(n));
    sum.accuracy += static_cast<double>(l.correct);
  }
  const auto all = static_cast<double>(size);
  for (OutputEvaluation& o : sum.outputs) o = {o.loss / all, o.accuracy / all};
  sum.loss /= all;
  sum.accuracy /= all;
  return sum;
}

OCTET_END
