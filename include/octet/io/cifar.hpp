#pragma once
#include "../data/cifar.hpp"
