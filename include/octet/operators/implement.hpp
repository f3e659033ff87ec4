#pragma once
#include <cmath>
#include <cstring>

#include "../graph/fields.hpp"
#include "../graph/gradient.hpp"
#include "../graph/graph.hpp"
#include "../kernels/dispatch.hpp"

/// What the definition of an operator includes.
