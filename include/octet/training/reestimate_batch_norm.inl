#pragma once

#include "answers.hpp"
#include "evaluate.hpp"
#include "gradient_executor.hpp"
#include "reestimate_batch_norm.hpp"

OCTET_BEGIN

OCTET_API Model reestimate_batch_norm(const Model& model, const Examples& examples,
                                      const ReestimationOptions& options) {
  detail::require(options.batch >= 1 && options.most_examples >= 0,
                  "expected batch >= 1 and most_examples >= 0, found ", options.batch, " and ", options.most_examples);
  detail::require(
      std::any_of(model.nodes.begin(), model.nodes.end(), [](const Node& n) { return n.op->traits().normalizes; }),
      "model '", model.name, "' has no batch normalization");
  GradientOptions o;
  o.threads = options.threads;
  GradientExecutor executor(model, o);
  const std::int64_t all = examples.size(), size = options.most_examples ? std::min(all, options.most_examples) : all,
                     batch = std::min(options.batch, std::max<std::int64_t>(1, size));
  const std::vector<Shape> inputs = detail::batch_shapes(executor.graph(), examples, batch);
  detail::Batches batches(examples, inputs, options.augmentation, executor.pool().size());
  batches.begin(options.seed, 0, false);
  executor.plan_all(inputs);
  TrainingPass pass;
  pass.observe = false;
  for (std::int64_t i = 0; i * batch < size; ++i) {
    for (std::size_t k = 0; k < inputs.size(); ++k)
      batches.read(i * batch, batch, k, executor.input(k).data(), executor.pool());
    pass.momentum = 1 / static_cast<float>(i + 1);
    executor.forward(pass);
  }
  return executor.model();
}

OCTET_END
