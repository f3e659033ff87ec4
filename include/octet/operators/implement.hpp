#pragma once
// Includes for the definition of an operator.
#include <cmath>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "../graph/fields.hpp"
#include "../graph/gradient.hpp"
#include "../graph/graph.hpp"
#include "../kernels/dispatch.hpp"

OCTET_BEGIN
namespace detail {
/// Creates a step or gradient step. (std::make_unique would instantiate a separate pointer type for each.)
template <class S, class Base = std::conditional_t<std::is_base_of_v<GradientStep, S>, GradientStep, Step>,
          class... Arguments>
std::unique_ptr<Base> make_step(Arguments&&... arguments) {
  return std::unique_ptr<Base>(static_cast<Base*>(new S(std::forward<Arguments>(arguments)...)));
}
}  // namespace detail
OCTET_END
