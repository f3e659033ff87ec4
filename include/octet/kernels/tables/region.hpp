#pragma once
// What the kernels of any instruction set include. No foreign header may be included inside a target region, so all of
// them come first.
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
