#pragma once
#include "../data/image.hpp"
