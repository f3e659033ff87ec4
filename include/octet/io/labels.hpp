#pragma once
#include "../data/labels.hpp"
#include "../data/load_labels.hpp"
#include "../data/predictions.hpp"
