#pragma once
#include "../data/mnist.hpp"
