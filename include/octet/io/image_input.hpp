#pragma once
#include "../data/image_input.hpp"
