#pragma once
#include "../data/open_dataset.hpp"
