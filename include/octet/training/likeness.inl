#pragma once
#include "../runtime/executor.hpp"
#include "answers.hpp"
#include "likeness.hpp"
#include "logits.hpp"

OCTET_BEGIN

OCTET_API Likeness likeness(const Model& model, const Model& exact, const Examples& examples,
                            const EvaluationOptions& options) {
  detail::require(options.batch >= 1, "expected a batch size of at least 1, found ", options.batch);
  ExecutorOptions executor = options.executor;
  if (!executor.pool) executor.pool = detail::pool_for(nullptr, executor.threads);
  std::vector<Executor> runs;
  for (const Model* m : {&model, &exact}) {
    detail::require(m->outputs.size() == 1, "model '", m->name, "' has ", m->outputs.size(), " outputs, expected one");
    Model logits = *m;
    detail::drop_last_softmax(logits, 0);
    runs.emplace_back(logits, executor);
  }
  const std::int64_t size = examples.size(), batch = std::min(options.batch, size);
  detail::require(size > 0, "expected examples to compare model '", model.name, "' with, found none");
  detail::Batches batches(examples, detail::batch_shapes(exact, examples, batch), {}, executor.pool->size());
  detail::LossFunction loss(Loss::cross_entropy, 0);
  Likeness sum;
  for (std::int64_t place = 0; place < size; place += batch) {
    const std::int64_t n = std::min(batch, size - place);
    Tensor<float> x = Tensor<float>::uninitialized(detail::batch_shapes(exact, examples, n)[0]);
    batches.read(place, n, 0, x.data(), *executor.pool);
    const Tensor<float> y = runs[0](x), expected = runs[1](x);
    detail::require<ShapeError>(y.size() == expected.size() && y.size() % n == 0 && y.size() > 0, "model '", model.name,
                                "' has outputs of shape ", y.shape(), ", expected ", expected.shape());
    const std::int64_t classes = y.size() / n;
    std::vector<std::int64_t> labels;
    for (const float* p = expected.data(); p < expected.data() + expected.size(); p += classes)
      labels.push_back(std::max_element(p, p + classes) - p);
    Tensor<float> gradient(y.shape());
    loss.plan(n);
    sum.agreement += static_cast<double>(loss.cross_entropy(y, labels.data(), gradient, *executor.pool).correct);
    sum.divergence +=
        detail::rounded(loss.distill(y, expected.data(), 1, 1, gradient, *executor.pool).mean * static_cast<double>(n));
  }
  return {sum.agreement / static_cast<double>(size), sum.divergence / static_cast<double>(size)};
}

OCTET_END
