#pragma once
#include "../data/load_labels.hpp"
#include "../data/open_dataset.hpp"
