#pragma once
// Headers that the kernels of every instruction set need. No other header may be included inside a target region, so
// they are all included first.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "../../core/half.hpp"
#include "../../core/rounded.hpp"

#if OCTET_X86
#  include <immintrin.h>
#elif OCTET_ARM
#  include <arm_neon.h>
#endif
