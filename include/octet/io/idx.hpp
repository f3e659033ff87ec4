#pragma once
#include "../data/idx.hpp"
