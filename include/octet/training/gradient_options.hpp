#pragma once
#include <memory>
#include <string>
#include <vector>

#include "../core/thread_pool.hpp"

OCTET_BEGIN

/// Time of one layer in the last passes.
struct LayerPassTime {
  std::string name, type;
  double forward = 0, backward = 0;  // milliseconds
  std::int64_t macs = 0;             // of the forward pass
};

struct GradientOptions {
  int threads = 0;                   // 0: the shared default pool with one thread per processor
  std::shared_ptr<ThreadPool> pool;  // overrides `threads`
  std::vector<std::string> freeze;   // names of layers that are not trained; * matches any text
  std::vector<int> logits;           // outputs at which a softmax is omitted, so that they are logits
  bool bf16_products = false;        // see TrainingOptions
};

OCTET_END
