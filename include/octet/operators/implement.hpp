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
/// A new step, or gradient step. (std::make_unique would compile a pointer type of its own for each of them.)
template <class S, class Base = std::conditional_t<std::is_base_of_v<GradientStep, S>, GradientStep, Step>,
          class... Arguments>
std::unique_ptr<Base> make_step(Arguments&&... arguments) {
  return std::unique_ptr<Base>(static_cast<Base*>(new S(std::forward<Arguments>(arguments)...)));
}
}  // namespace detail
OCTET_END
