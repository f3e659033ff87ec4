#pragma once
#include "../graph/fields.hpp"
#include "../graph/operator.hpp"

/// Includes for the declaration of an operator.
