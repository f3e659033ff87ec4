#pragma once
#include "../graph/fields.hpp"
#include "../graph/operator.hpp"

/// What the declaration of an operator includes.
