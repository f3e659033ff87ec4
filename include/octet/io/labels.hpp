#pragma once
#include "../data/labels.hpp"
