#pragma once
#include "../data/dataset.hpp"
