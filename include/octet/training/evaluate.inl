#pragma once
#include "../core/rounded.hpp"
#include "../runtime/executor.hpp"
#include "answers.hpp"
#include "evaluate.hpp"
#include "logits.hpp"

OCTET_BEGIN

OCTET_API Evaluation evaluate(const Model& model, const Examples& examples, const EvaluationOptions& options) {
  detail::require(options.batch >= 1, "expected a batch size of at least 1, found ", options.batch);
  Model m = model;
  if (options.loss == Loss::cross_entropy) detail::drop_last_softmax(m);
  ExecutorOptions executor = options.executor;
  if (!executor.pool) executor.pool = detail::pool_for(nullptr, executor.threads);
  ThreadPool& pool = *executor.pool;
  const std::int64_t size = examples.size(), batch = std::min(options.batch, std::max<std::int64_t>(1, size));
  detail::Batches batches(examples, detail::batch_shape(m, examples, batch), {}, pool.size());
  Executor run(m, executor);
  const Shape output = run.plan({detail::batch_shape(m, examples, batch)})[0];
  detail::Answers answers(examples, options.loss, output.elements() / batch);
  detail::LossFunction f(options.loss, options.label_smoothing);
  Evaluation sum;
  for (std::int64_t place = 0; place < size; place += batch) {
    const std::int64_t n = std::min(batch, size - place);
    Tensor<float> input = Tensor<float>::uninitialized(detail::batch_shape(m, examples, n));
    batches.read(place, n, input.data(), pool);
    answers.plan(n);
    f.plan(n);
    const detail::BatchLoss l = answers.compare(batches, place, f, run(input), {}, pool);
    sum.loss += detail::rounded(l.mean * static_cast<double>(n));
    sum.accuracy += static_cast<double>(l.correct);
  }
  return {sum.loss / static_cast<double>(size), sum.accuracy / static_cast<double>(size)};
}

OCTET_END
