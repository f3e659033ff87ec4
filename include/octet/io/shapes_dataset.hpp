#pragma once
#include "../data/shapes_dataset.hpp"
