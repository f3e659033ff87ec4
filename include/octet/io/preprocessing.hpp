#pragma once
#include "../data/preprocessing.hpp"
